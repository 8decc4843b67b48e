"""However many versions are asked for, few are followed; what is derived anew answers as what was followed."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from weakref import ref

import pytest

from engine.aggregates.deal.commands import OpenDeal
from engine.aggregates.inputs import PersonRef
from engine.aggregates.journey.commands import Touch
from engine.aggregates.pipeline.commands import CreatePipeline, PublishDefinition
from engine.handle import Outcome, handle
from engine.log.application import Log
from engine.messages import Command
from engine.projections import views as limits
from engine.projections.board import board
from engine.projections.lens import Lens
from engine.projections.views import LIVE, Views
from engine.stages.definition import Definition, parse_definition
from engine.values import TouchKind

REP = PersonRef(source="login", key="rep-01")
BEGAN = datetime.now(UTC) - timedelta(days=9)
VERSIONS = LIVE + 3


def after(touches: int) -> Definition:
    """The second stage is entered after so many touches."""
    return parse_definition(
        {
            "pipeline": "sales",
            "stages": [
                {"key": "contact", "kind": "open"},
                {"key": "talking", "kind": "open", "enter": {"touches": {"at_least": touches}}},
            ],
        }
    )


def standing(views: Views, version: int) -> list[int]:
    return [stage.count for stage in board(views.look("sales", Lens.of(definition=version))).stages]


def do(log: Log, command: Command, on: UUID | None = None) -> Outcome:
    return handle(log, command, actor=REP, origin="cli", on=on, occurred_at=BEGAN)


def published(log: Log, versions: int) -> range:
    """The numbers of so many versions of the stages."""
    do(log, CreatePipeline(pipeline="sales", name="Sales"))
    for number in range(versions):
        do(log, PublishDefinition(pipeline="sales", definition=after(number + 1), reason="another"))
    return range(1, versions + 1)


def test_no_more_versions_are_followed_than_are_kept(log: Log) -> None:
    every = published(log, VERSIONS)
    deals = [do(log, OpenDeal(pipeline="sales")).stream_id for _ in range(VERSIONS)]
    views = Views(log)
    assert [standing(views, version) for version in every] == [[VERSIONS, 0]] * VERSIONS
    for number, deal in enumerate(deals):
        for _ in range(number):
            do(log, Touch(kind=TouchKind.CALL), on=deal)
    assert len(views._live) == LIVE
    # So many deals had at least as many touches as the version asks for.
    assert [standing(views, version) for version in every] == [[at, VERSIONS - at] for at in every]
    assert list(views._live) == [("sales", version) for version in every[-LIVE:]]


def test_of_a_long_log_one_answer_of_each_sort_is_kept_beside_the_stages_in_force(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ROOM", 3)
    every = published(log, 3)
    for _ in range(2):
        do(log, OpenDeal(pipeline="sales"))
    views = Views(log)
    moments = [BEGAN - timedelta(days=1), BEGAN + timedelta(days=1)]
    for moment in moments:
        views.look("sales", Lens.of(as_of=moment))
    assert [standing(views, version) for version in every] == [[2, 0]] * 3
    assert [version for _, version in views._live] == [2, 3]
    assert len(views._kept) == 1
    # What was forgotten is derived again.
    assert [views.look("sales", Lens.of(as_of=moment)).journeys.height for moment in moments] == [0, 2]


def test_a_look_that_is_kept_for_later_holds_no_entries_and_reads_the_same_ones_again(log: Log) -> None:
    published(log, 1)
    do(log, OpenDeal(pipeline="sales"))
    views = Views(log)
    look = views.look("sales", Lens.of(as_of=BEGAN))
    entries, kept = ref(look.seen()), look.for_later()
    told = look.seen().events.rows()
    do(log, OpenDeal(pipeline="sales"))
    del look
    assert entries() is None
    assert kept.seen().events.rows() == told
    assert len(told) == 1


def test_a_version_derived_beside_another_is_what_it_is_alone_with_two_pipelines(log: Log) -> None:
    """The touches that a stage's rule counts are looked for in all pipelines' entries."""
    every = published(log, 1)
    do(log, CreatePipeline(pipeline="partners", name="Partners"))
    first = {"key": "met", "kind": "open", "stall": {"touch_days": 5, "touch_kinds": ["call"]}}
    for stages in ([first], [first, {"key": "won", "kind": "won", "enter": {"event": "DealWon"}}]):
        definition = parse_definition({"pipeline": "partners", "stages": stages})
        do(log, PublishDefinition(pipeline="partners", definition=definition, reason="another"))
    for pipeline in ("sales", "partners", "sales", "partners", "sales"):
        deal = do(log, OpenDeal(pipeline=pipeline)).stream_id
        do(log, Touch(kind=TouchKind.CALL), on=deal)
    views = Views(log)
    for version in (1, 2):
        beside = views.look("partners", Lens.of(definition=version))
        alone = Views(log).look("partners", Lens.of(definition=version))
        assert beside.journeys.equals(alone.journeys)
        assert beside.journeys.height == 2
    assert standing(views, every[0]) == [0, 3]
