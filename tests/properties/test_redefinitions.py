"""What was reported on a day is reported of that day for ever, however the stages are redefined afterwards.

Each evening every answer is told of the present, as somebody would have printed it. When all is over the same is asked
of the past: as of that evening, as known that evening, by the definition in force then. What is expected is what was
printed: no lens was used to tell it.
"""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings

from engine.aggregates.deal.commands import (
    ChangeValue,
    Lose,
    MoveStage,
    OpenDeal,
    RecordSatisfaction,
    ReopenDeal,
    SendProposal,
    Win,
)
from engine.aggregates.inputs import PersonRef
from engine.aggregates.journey.commands import AssessBant, RecordSignal, RetractEntry, Touch
from engine.aggregates.pipeline.commands import CreatePipeline, PublishDefinition
from engine.errors import Rejected
from engine.handle import handle
from engine.log.application import Log
from engine.log.feed import read_feed
from engine.messages import Command
from engine.projections.activity import activity
from engine.projections.board import board
from engine.projections.conversion import conversion
from engine.projections.cycle_time import cycle_time
from engine.projections.figures import Answer
from engine.projections.lens import Lens
from engine.projections.likeliest import likeliest
from engine.projections.look import Look
from engine.projections.losses import losses
from engine.projections.sources import sources
from engine.projections.stalled import stalled
from engine.projections.velocity import velocity
from engine.projections.views import Views
from engine.projections.win_rate import win_rate
from engine.values import Dimension, Money, TouchKind, Verdict, from_micros
from tests.properties.redefinitions import BEGIN, Redefine, Stages, Work, days, definition_of, redefined

START = datetime(2024, 3, 4, 8, tzinfo=UTC)
REP = PersonRef(source="crm", key="rep-01")
ANSWERS: dict[str, Callable[[Look], Answer]] = {
    "board": board,
    "conversion": conversion,
    "strict conversion": partial(conversion, strict=True),
    "cycle time": cycle_time,
    "win rate": partial(win_rate, by="owner"),
    "stalled": stalled,
    "activity": activity,
    "losses": losses,
    "likeliest": likeliest,
    "sources": sources,
    "velocity": velocity,
}


class Team:
    """Works on a log of its own and keeps what it reported each evening."""

    def __init__(self, log: Log) -> None:
        self.log, self.views = log, Views(log)
        self.clock = START
        self.deals: list[UUID] = []
        self.opens: Stages = BEGIN
        self.used = len(BEGIN)
        self.keys = [stage["key"] for stage in BEGIN]
        self.reports: list[tuple[datetime, datetime, dict[str, Any]]] = []
        self.say(CreatePipeline(pipeline="one", name="One"))
        self.publish()

    def say(self, command: Command, on: UUID | None = None, *, hours_ago: int = 0) -> UUID | None:
        self.clock += timedelta(minutes=7)
        at = max(START, self.clock - timedelta(hours=hours_ago))
        try:
            outcome = handle(self.log, command, actor=REP, origin="cli", on=on, occurred_at=at, now=self.clock)
        except Rejected:
            return None
        return outcome.stream_id

    def publish(self) -> None:
        self.say(PublishDefinition(pipeline="one", definition=definition_of(self.opens), reason="as agreed"))

    def redefine(self, change: Redefine) -> None:
        self.used += 1
        self.opens = redefined(self.opens, change, f"s{self.used}")
        self.keys += [stage["key"] for stage in self.opens if stage["key"] not in self.keys]
        self.publish()

    def work(self, work: Work) -> None:
        if work.what == "open" or not self.deals:
            value = Money.of(str(100 * work.number), "EUR")
            opened = self.say(OpenDeal(pipeline="one", owner=REP, source=work.detail, value=value))
            self.deals += [opened] if opened is not None else []
            return
        deal = self.deals[work.deal % len(self.deals)]
        self.say(self.command(work, deal), deal, hours_ago=work.hours_ago)

    def command(self, work: Work, deal: UUID) -> Command:
        stage = self.keys[work.number % len(self.keys)]
        entries = self.log.stream(deal)
        return {
            "touch": Touch(kind=list(TouchKind)[work.number % 3]),
            "bant": AssessBant(
                dimension=list(Dimension)[work.number % 4], verdict=list(Verdict)[work.number % 5 % len(Verdict)]
            ),
            "signal": RecordSignal(signal=work.detail),
            "offer": SendProposal(),
            "value": ChangeValue(value=Money.of(str(250 * work.number), "EUR")),
            "move": MoveStage(stage=stage),
            "win": Win(evidence="signed"),
            "lose": Lose(reason="price"),
            "reopen": ReopenDeal(stage=stage, reason="they called"),
            "thanks": RecordSatisfaction(score=work.number % 11),
            "retract": RetractEntry(event_id=entries[work.number % len(entries)].event_id, reason="never was"),
        }[work.what]

    def report(self) -> None:
        """What everybody sees at the end of the day."""
        self.clock = (self.clock + timedelta(days=1)).replace(hour=8, minute=0)
        self.reports.append((self.clock, self.newest(), told(self.views.look("one", Lens.of(now=self.clock)))))

    def newest(self) -> datetime:
        """When the newest event was written down."""
        return from_micros(read_feed(self.log, self.log.position() - 1)["recorded_at"][0])


def told(look: Look) -> dict[str, Any]:
    """All answers, but for where the log ended and how it was asked."""
    return {name: answer(look).model_dump(exclude={"position", "known_at"}) for name, answer in ANSWERS.items()}


@pytest.mark.checklist("S14")
@settings(max_examples=15, deadline=None)
@given(days)
def test_then_with_both_lenses_repeats_the_reports_of_the_day(
    sqlite_template: Path, days: list[tuple[list[Work], list[Redefine]]]
) -> None:
    with TemporaryDirectory() as folder:
        shutil.copyfile(sqlite_template, Path(folder) / "log.db")
        log = Log(f"sqlite:///{folder}/log.db")
        team = Team(log)
        for works, changes in days:
            for work in works:
                team.work(work)
            team.report()
            for change in changes:
                team.redefine(change)
        for views in (team.views, Views(log)):
            for evening, known, report in team.reports:
                assert told(views.look("one", Lens.of(evening, known, "then"))) == report
        log.close()
