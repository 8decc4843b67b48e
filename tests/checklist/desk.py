"""A sales desk for tests: commands through engine.handle at a clock of its own, answers through the views.

    desk.publish(preset("ca"))
    sale = desk.begin(CaptureLead(pipeline="ca"))
    sale.goes(QualifyLead(), CALL)
    assert sale.stage == "qualification"

Every command happens one day after the one before it, unless `days` says otherwise.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from uuid import UUID

from engine.aggregates.deal.commands import OpenDeal
from engine.aggregates.inputs import PersonRef
from engine.aggregates.journey.commands import AssessBant, RecordSignal, Touch
from engine.aggregates.lead.commands import CaptureLead, DisqualifyLead
from engine.aggregates.pipeline.commands import CreatePipeline, PublishDefinition
from engine.handle import Outcome, handle
from engine.log.application import Log
from engine.messages import Command
from engine.projections.board import Board, board
from engine.projections.conversion import Conversion, conversion
from engine.projections.cycle_time import CycleTime, cycle_time
from engine.projections.filters import Filters
from engine.projections.lens import Lens
from engine.projections.look import Look
from engine.projections.views import Views
from engine.projections.win_rate import WinRate, win_rate
from engine.stages.definition import Definition
from engine.values import Dimension, TouchKind, Verdict

START = datetime(2025, 3, 3, 9, tzinfo=UTC)
REP = PersonRef(source="crm", key="rep-01")


@dataclass
class Desk:
    log: Log
    clock: datetime = START
    begun: int = field(default=0)

    @cached_property
    def views(self) -> Views:
        return Views(self.log)

    def say(self, command: Command, on: UUID | None = None, *, at: datetime | None = None) -> Outcome:
        moment = at or self.clock
        return handle(self.log, command, actor=REP, origin="cli", on=on, occurred_at=moment)

    def publish(self, definition: Definition, reason: str = "first version") -> None:
        if definition.pipeline not in self.pipelines():
            self.say(CreatePipeline(pipeline=definition.pipeline, name=definition.pipeline))
        self.say(PublishDefinition(pipeline=definition.pipeline, definition=definition, reason=reason))

    def pipelines(self) -> list[str]:
        self.views.catch_up()
        return self.views.pipelines()

    def begin(self, opening: CaptureLead | OpenDeal) -> "Sale":
        """A lead or a deal, at the clock."""
        stream = self.say(opening).stream_id
        return Sale(self, opening.pipeline, stream, stream, self.clock)

    def look(self, pipeline: str | None = None, as_of: datetime | None = None) -> Look:
        """Without as_of the present."""
        return self.views.look(pipeline, Lens.of(as_of))

    def board(self, pipeline: str | None = None, **asked: object) -> Board:
        return board(self.look(pipeline), Filters(**asked))

    def conversion(self, pipeline: str | None = None, *, by: str | None = None, **asked: object) -> Conversion:
        return conversion(self.look(pipeline), Filters(**asked), by=by)

    def cycle_time(self, pipeline: str | None = None, *, by: str | None = None, **asked: object) -> CycleTime:
        return cycle_time(self.look(pipeline), Filters(**asked), by=by)

    def win_rate(self, pipeline: str | None = None, *, by: str | None = None, **asked: object) -> WinRate:
        return win_rate(self.look(pipeline), Filters(**asked), by=by)


@dataclass
class Sale:
    """One journey; its commands go to the lead, and to the deal once the lead is converted."""

    desk: Desk
    pipeline: str
    journey: UUID
    stream: UUID
    now: datetime

    def goes(self, *commands: Command, days: float = 1) -> "Sale":
        for command in commands:
            self.now += timedelta(days=days)
            self.stream = self.desk.say(command, self.stream, at=self.now).stream_id
        return self

    @property
    def stage(self) -> str:
        """Where the board shows it."""
        (card,) = (card for card in self.desk.board(self.pipeline).cards if card.journey == str(self.journey))
        return card.stage


def confirmed(dimension: Dimension) -> AssessBant:
    return AssessBant(dimension=dimension, verdict=Verdict.CONFIRMED)


def signal(text: str) -> RecordSignal:
    return RecordSignal(signal=text)


def touch(kind: TouchKind) -> Touch:
    return Touch(kind=kind)


BUDGET, AUTHORITY, NEED, TIMELINE = map(confirmed, Dimension)
CALL, MEETING, DEMO = map(touch, (TouchKind.CALL, TouchKind.MEETING, TouchKind.DEMO))
UNFIT = DisqualifyLead(reason="no budget")
