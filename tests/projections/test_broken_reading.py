"""What the views know after the database failed while they read: everything, once, as soon as it answers again."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy.exc import OperationalError

from engine.aggregates.deal.commands import OpenDeal
from engine.aggregates.inputs import PersonRef
from engine.aggregates.journey.commands import RetractEntry, Touch
from engine.aggregates.pipeline.commands import CreatePipeline, PublishDefinition
from engine.aggregates.roster.commands import EnrolRep
from engine.handle import Outcome, handle
from engine.log.application import Log
from engine.messages import Command
from engine.projections import views as reading
from engine.projections.board import board
from engine.projections.lens import Lens
from engine.projections.views import Views
from engine.stages.definition import parse_definition
from engine.values import TouchKind

REP = PersonRef(source="login", key="rep-01")
BEGAN = datetime.now(UTC) - timedelta(days=9)
DEFINITION = parse_definition(
    {
        "pipeline": "sales",
        "stages": [
            {"key": "contact", "kind": "open"},
            {"key": "meeting", "kind": "open", "enter": {"touch": {"kind": ["meeting"]}}},
            {"key": "won", "kind": "won", "enter": {"event": "DealWon"}},
            {"key": "lost", "kind": "lost", "enter": {"event": "DealLost"}},
        ],
    }
)


def do(log: Log, command: Command, on: UUID | None = None) -> Outcome:
    return handle(log, command, actor=REP, origin="cli", on=on, occurred_at=BEGAN + timedelta(days=1))


@pytest.fixture
def deals(log: Log) -> list[UUID]:
    """A hundred deals: so many that one that changes is derived by itself."""
    do(log, CreatePipeline(pipeline="sales", name="Sales"))
    do(log, PublishDefinition(pipeline="sales", definition=DEFINITION, reason="begin"))
    return [do(log, OpenDeal(pipeline="sales")).stream_id for _ in range(100)]


def fails_once(monkeypatch: pytest.MonkeyPatch, name: str, call: int) -> None:
    """The call of this number of a function that the views read the log with fails, as where a connection is lost."""
    real, calls = getattr(reading, name), iter(range(1, 1_000))

    def function(*told: object) -> object:
        if next(calls) == call:
            raise OperationalError("SELECT", {}, Exception("connection lost"))
        return real(*told)

    monkeypatch.setattr(reading, name, function)


def counts(views: Views) -> dict[str, int]:
    return {stage.stage: stage.count for stage in board(views.look("sales", Lens.of())).stages}


def test_what_was_read_before_a_later_batch_failed_is_followed(
    log: Log, deals: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    views = Views(log)
    assert counts(views)["meeting"] == 0
    for deal in deals[7:9]:
        do(log, Touch(kind=TouchKind.MEETING, direction="outbound"), deal)
    monkeypatch.setattr(reading, "FEW_EVENTS", 0)
    monkeypatch.setattr(reading, "BATCH", 1)
    fails_once(monkeypatch, "read_feed", 2)
    with pytest.raises(OperationalError):
        views.catch_up()
    assert counts(views)["meeting"] == 2


@pytest.mark.parametrize(("few", "asks"), [(200, "position_of"), (0, "existing_events")])
def test_a_batch_that_could_not_be_read_to_its_end_is_read_again(
    log: Log, deals: list[UUID], monkeypatch: pytest.MonkeyPatch, few: int, asks: str
) -> None:
    """Read row by row or by columns."""
    monkeypatch.setattr(reading, "FEW_EVENTS", few)
    views = Views(log)
    met = do(log, Touch(kind=TouchKind.MEETING, direction="outbound"), deals[7]).events[0].event_id
    assert counts(views)["meeting"] == 1
    do(log, RetractEntry(event_id=met, reason="it was another deal"), deals[7])
    do(log, Touch(kind=TouchKind.MEETING, direction="outbound"), deals[8])
    do(log, Touch(kind=TouchKind.MEETING, direction="outbound"), deals[9])
    do(log, EnrolRep(rep=REP, team="north"))
    shorter = DEFINITION.model_copy(update={"qualified_from": "meeting"})
    do(log, PublishDefinition(pipeline="sales", definition=shorter, reason="later", replaces_version=1))
    fails_once(monkeypatch, asks, 1)
    with pytest.raises(OperationalError):
        views.catch_up()
    assert counts(views)["meeting"] == 2
    look, anew = views.look("sales", Lens.of()), Views(log).look("sales", Lens.of())
    assert look.membership.equals(anew.membership)
    assert look.membership.height == 1
    assert [known.version for known in views.definitions.by_pipeline["sales"]] == [1, 2]
