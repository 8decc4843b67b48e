"""Who a look calls by name: whoever the log tells of, as soon as it does, and nobody who was erased."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from engine.aggregates.deal.commands import OpenDeal
from engine.aggregates.inputs import PersonRef
from engine.aggregates.journey.commands import AssignOwner
from engine.aggregates.pipeline.commands import CreatePipeline, PublishDefinition
from engine.errors import Rejected
from engine.handle import handle
from engine.log.application import Log
from engine.log.erasure import erase_person
from engine.log.people import ensure_people, person
from engine.projections.board import board
from engine.projections.cards import Owner
from engine.projections.filters import Filters
from engine.projections.lens import Lens
from engine.projections.views import Views
from engine.stages.definition import parse_definition

REP, OTHER = (PersonRef(source="crm", key=key) for key in ("rep-01", "rep-02"))
BEGAN = datetime.now(UTC) - timedelta(days=9)
DEFINITION = parse_definition({"pipeline": "sales", "stages": [{"key": "contact", "kind": "open"}]})


@pytest.fixture
def deal(log: Log) -> UUID:
    handle(log, CreatePipeline(pipeline="sales", name="Sales"), actor=REP, origin="cli")
    asked = PublishDefinition(pipeline="sales", definition=DEFINITION, reason="begin")
    handle(log, asked, actor=REP, origin="cli")
    return handle(log, OpenDeal(pipeline="sales", owner=REP), actor=REP, origin="cli", occurred_at=BEGAN).stream_id


def keys(views: Views) -> set[str]:
    return set(views.look("sales", Lens.of()).people["key"])


def test_who_is_named_for_the_first_time_is_known_at_once(log: Log, deal: UUID) -> None:
    views = Views(log)
    assert keys(views) == {"rep-01"}
    handle(log, AssignOwner(owner=OTHER), actor=REP, origin="cli", on=deal)
    assert keys(views) == {"rep-01", "rep-02"}


def test_who_was_erased_is_not_called_by_name_any_more_though_the_log_stands(log: Log, deal: UUID) -> None:
    views = Views(log)
    assert keys(views) == {"rep-01"}
    known = person(log, REP.source, REP.key)
    assert known is not None
    position = log.position()
    erase_person(log, known.person_id, known.person_id)
    assert log.position() == position
    assert keys(views) == set()


def test_a_card_that_was_shown_before_calls_nobody_by_name_who_was_erased_since(log: Log, deal: UUID) -> None:
    views = Views(log)

    def owner() -> Owner | None:
        (card,) = board(views.look("sales", Lens.of())).cards
        return card.owner

    known = person(log, REP.source, REP.key)
    assert known is not None
    assert owner() == owner() == Owner(key="rep-01", label="rep-01")
    erase_person(log, known.person_id, known.person_id)
    assert owner() == Owner(key=known.person_id.hex, label=known.person_id.hex)


def test_who_did_nothing_yet_owns_nothing_and_a_stranger_is_refused(log: Log, deal: UUID) -> None:
    views = Views(log)
    views.look("sales", Lens.of())
    ensure_people(log, [("rep", "crm", "rep-03")])
    mine = board(views.look("sales", Lens.of()), Filters(owner="rep-03"))
    assert [stage.count for stage in mine.stages] == [0]
    with pytest.raises(Rejected, match="nobody known"):
        board(views.look("sales", Lens.of()), Filters(owner="rep-04"))
