"""Many threads look while the log grows: whatever one is told is what a reader alone would be told at that position."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random
from threading import Event as ThreadEvent
from unittest.mock import patch
from uuid import UUID

import polars as pl
import pytest

from engine.aggregates.deal.commands import ChangeValue, Lose, OpenDeal, ReopenDeal, Win
from engine.aggregates.inputs import PersonRef
from engine.aggregates.journey.commands import AssignOwner, RetractEntry, Touch
from engine.aggregates.pipeline.commands import CreatePipeline, PublishDefinition
from engine.aggregates.roster.commands import EnrolRep
from engine.errors import Rejected
from engine.handle import Outcome, handle
from engine.log.application import Log
from engine.log.feed import FeedRow, read_feed, read_few
from engine.messages import Command
from engine.projections import views as reading
from engine.projections.activity import activity
from engine.projections.board import board
from engine.projections.conversion import conversion
from engine.projections.lens import Lens
from engine.projections.look import Look
from engine.projections.views import Views
from engine.projections.win_rate import win_rate
from engine.stages.definition import parse_definition
from engine.values import Attribute, Money, TouchKind

REPS = [PersonRef(source="crm", key=f"rep-{number}") for number in range(3)]
BEGAN = datetime.now(UTC) - timedelta(days=9)
NOW = datetime.now(UTC) + timedelta(hours=1)
READERS = 3
MOMENTS = 12
"""the log grows until somebody has looked at so many positions"""
COMMANDS = 600
"""or by so many commands"""
AT_ONCE = 20
"""commands after which the writer waits for somebody to have looked: else it may be done before anybody is"""
DEFINITION = parse_definition(
    {
        "pipeline": "sales",
        "stages": [
            {"key": "contact", "kind": "open", "stall": {"touch_days": 3}},
            {"key": "meeting", "kind": "open", "enter": {"touch": {"kind": ["meeting"]}}},
            {"key": "won", "kind": "won", "enter": {"event": "DealWon"}},
            {"key": "lost", "kind": "lost", "enter": {"event": "DealLost"}},
        ],
    }
)
Told = dict[str, object]


def told(look: Look) -> Told:
    """What a look shows: its frames, answers told of what changed, and one told of the entries."""
    answers = {
        "board": board(look),
        "conversion": conversion(look),
        "win rate": win_rate(look),
        "calls": activity(look),
    }
    frames = {"visits": look.visits, "journeys": look.journeys, "attributes": look.attributes, "team": look.membership}
    return {name: answer.model_dump() for name, answer in answers.items()} | {
        name: frame.rows() for name, frame in frames.items()
    }


@pytest.fixture
def hurried() -> Iterator[None]:
    """Threads take turns so often that each is interrupted in the middle of everything."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


class Writer:
    """Does something to one of a few deals, over and over."""

    def __init__(self, log: Log) -> None:
        self.log, self.random = log, Random(7)
        self.deals: list[UUID] = []
        self.touches: list[tuple[UUID, UUID]] = []
        """deal, entry"""

    def do(self, command: Command, on: UUID | None = None) -> Outcome:
        at = BEGAN + timedelta(minutes=self.random.randrange(10_000))
        return handle(self.log, command, actor=self.random.choice(REPS), origin="cli", on=on, occurred_at=at)

    def money(self) -> Money:
        return Money(amount_minor=self.random.randrange(9_999), currency=self.random.choice(["EUR", "USD"]))

    def open(self) -> None:
        product = Attribute(name="product", value=self.random.choice("ab"))
        asked = OpenDeal(
            pipeline="sales", value=self.money(), attributes=(product,), owner=self.random.choice(REPS), source="ads"
        )
        self.deals.append(self.do(asked).stream_id)

    def touch(self) -> None:
        deal = self.random.choice(self.deals)
        done = self.do(Touch(kind=self.random.choice([TouchKind.CALL, TouchKind.MEETING])), deal)
        self.touches.append((deal, done.events[0].event_id))

    def retract(self) -> None:
        deal, entry = self.touches.pop(self.random.randrange(len(self.touches)))
        self.do(RetractEntry(event_id=entry, reason="another deal"), deal)

    def decide(self) -> None:
        some: list[Command] = [
            ChangeValue(value=self.money()),
            AssignOwner(owner=self.random.choice(REPS)),
            Win(evidence="signed"),
            Lose(reason="price"),
            ReopenDeal(stage="contact", reason="again"),
        ]
        self.do(self.random.choice(some), self.random.choice(self.deals))

    def go_on(self) -> None:
        may = [self.open, self.touch, self.touch, self.decide, self.decide]
        # What is refused changes nothing.
        with suppress(Rejected):
            self.random.choice([*may, self.retract] if self.touches else may)()


def test_whoever_looks_while_the_log_grows_is_told_what_one_alone_would_be(log: Log, hurried: None) -> None:
    writer = Writer(log)
    writer.do(CreatePipeline(pipeline="sales", name="Sales"))
    writer.do(PublishDefinition(pipeline="sales", definition=DEFINITION, reason="begin"))
    for rep in REPS:
        writer.do(EnrolRep(rep=rep, team="north"))
    for _ in range(20):
        writer.open()
    views, lens, written, looked = Views(log), Lens.of(now=NOW), ThreadEvent(), ThreadEvent()
    met: set[int] = set()

    def look() -> list[tuple[int, Told]]:
        found: list[tuple[int, Told]] = []
        while not written.is_set():
            shown = views.look("sales", lens)
            first = told(shown)
            later = views.look("sales", lens)
            assert later.position >= shown.position, "a look went back in time"
            # The log has grown by now; what was shown before stands.
            assert told(shown) == first
            found += [(shown.position, first), (later.position, told(later))]
            met.update((shown.position, later.position))
            looked.set()
        return found

    with ThreadPoolExecutor(READERS) as threads:
        looking = [threads.submit(look) for _ in range(READERS)]
        try:
            for number in range(COMMANDS):
                writer.go_on()
                if len(met) > MOMENTS or all(reader.done() for reader in looking):
                    break
                if number % AT_ONCE == 0:
                    looked.clear()
                    looked.wait(60)
        finally:
            written.set()
        seen = [each for reader in looking for each in reader.result()]
    seen.append((log.position(), told(views.look("sales", lens))))
    assert len(met) > MOMENTS, "hardly anybody looked"
    alone = {position: alone_at(log, position, lens) for position in {position for position, _ in seen}}
    assert all(shown == alone[position] for position, shown in seen)


def alone_at(log: Log, position: int, lens: Lens) -> Told:
    """What is told by views that read the log up to a position, and no further, and derive everything at once."""

    def read(log: Log, after: int, limit: int) -> list[FeedRow]:
        return read_few(log, after, min(limit, position - after))

    with patch.object(reading, "read_few", read), patch.object(reading, "FEW_EVENTS", position):
        return told(Views(log).look("sales", lens))


def test_catching_up_with_a_log_that_is_written_to_all_the_time_comes_to_an_end(log: Log) -> None:
    """It reads to the end that the log had when it began: what comes meanwhile is the next one's."""
    handle(log, CreatePipeline(pipeline="sales", name="Sales"), actor=REPS[0], origin="cli")
    reads = 0

    def busy(log: Log, after: int, limit: int) -> pl.DataFrame:
        nonlocal reads
        reads += 1
        assert reads < 5, "it runs after the log"
        found = read_feed(log, after, limit)
        handle(log, CreatePipeline(pipeline=f"another-{reads}", name="Another"), actor=REPS[0], origin="cli")
        return found

    views, before = Views(log), log.position()
    with patch.object(reading, "FEW_EVENTS", 0), patch.object(reading, "read_feed", busy):
        views.catch_up()
    assert (views.position, reads) == (before, 1)
    views.catch_up()
    assert views.position == log.position() == before + 1
