"""`check` finds nothing in a sound log, and finds whatever is planted: in the views, and in the database itself."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import polars as pl
import pytest
from sqlalchemy import text

from engine.aggregates.deal.commands import OpenDeal, Win
from engine.aggregates.inputs import PersonRef
from engine.aggregates.journey.commands import AddNote, Touch
from engine.aggregates.pipeline.commands import CreatePipeline, PublishDefinition
from engine.handle import handle
from engine.log.application import Log
from engine.messages import Command
from engine.projections.frames import Frames
from engine.projections.lens import Lens
from engine.projections.live import Live
from engine.projections.views import Views
from engine.stages.definition import parse_definition
from engine.values import Money, TouchKind
from replay.verify import verify

REP = PersonRef(source="login", key="rep-01")
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


@pytest.fixture
def small_log(log: Log) -> Log:
    """Three deals: one won, one met, one noted."""
    began = datetime.now(UTC) - timedelta(days=9)

    def do(command: Command, on: UUID | None = None, day: int = 0) -> UUID:
        return handle(
            log,
            command,
            actor=REP,
            origin="cli",
            on=on,
            occurred_at=began + timedelta(days=day),
        ).stream_id

    do(CreatePipeline(pipeline="sales", name="Sales"))
    do(PublishDefinition(pipeline="sales", definition=DEFINITION, reason="begin"))
    for number in range(3):
        deal = do(OpenDeal(pipeline="sales", value=Money.of(100 + number, "EUR")), day=1)
        if number == 0:
            do(Win(evidence="contract 17", value=Money.of(90, "EUR")), deal, 5)
        elif number == 1:
            do(Touch(kind=TouchKind.MEETING), deal, 2)
        else:
            do(AddNote(note="asks for a discount"), deal, 3)
    return log


def test_a_sound_log_has_no_difference(small_log: Log) -> None:
    assert verify(small_log) == []


def plant(views: Views, change: Callable[[Frames], Frames]) -> None:
    """Make the live frames say something else than the log."""
    views.look("sales", Lens.of())
    for key, live in views._live.items():
        frames = Frames(live.visits, live.journeys, live.attributes, live.void)
        views._live[key] = Live.of(change(frames))


def test_a_visit_that_is_not_so_is_found(small_log: Log) -> None:
    views = Views(small_log)
    plant(views, lambda frames: frames._replace(visits=frames.visits.with_columns(left_at=pl.col("left_at") + 1)))
    assert {"visits", "time in stage"} <= {difference.what for difference in verify(small_log, views)}


def test_a_value_that_is_not_so_is_found_in_the_journey_and_on_the_board(small_log: Log) -> None:
    views = Views(small_log)
    more = pl.col("amount_minor") + 1
    plant(views, lambda frames: frames._replace(journeys=frames.journeys.with_columns(amount_minor=more)))
    assert {difference.what for difference in verify(small_log, views)} == {"journey", "board value"}


def test_a_journey_that_is_missing_is_found(small_log: Log) -> None:
    views = Views(small_log)
    plant(views, lambda frames: frames._replace(visits=frames.visits.head(2), journeys=frames.journeys.head(1)))
    assert "visits" in {difference.what for difference in verify(small_log, views)}


@pytest.mark.parametrize(
    ("tampering", "what"),
    [
        ("DELETE FROM events WHERE position = 4", "position"),
        ("UPDATE events SET recorded_at = 1 WHERE position = 4", "recorded_at"),
        ("UPDATE events SET version = 7 WHERE position = 6", "version"),
        ("UPDATE events SET occurred_at = recorded_at + 1 WHERE position = 4", "occurred_at"),
        ("UPDATE events SET payload = '{}' WHERE position = 4", "payload"),
        ("UPDATE events SET payload = replace(payload, ':', ': ') WHERE position = 6", "payload"),
        ("UPDATE texts SET body = 'asks for nothing' WHERE body LIKE 'asks%'", "text"),
    ],
)
def test_what_is_changed_behind_the_program_is_found(small_log: Log, tampering: str, what: str) -> None:
    with small_log.engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            for name in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars():
                connection.execute(text(f'DROP TRIGGER "{name}"'))
        else:
            connection.execute(text("ALTER TABLE events DISABLE TRIGGER ALL"))
        connection.execute(text(tampering))
    assert what in {difference.what for difference in verify(small_log)}
