"""A pipeline on a log whose days the test tells: opened, touched, snoozed; and a round of the policies on any day."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from engine.aggregates.deal.commands import OpenDeal
from engine.aggregates.inputs import PersonRef
from engine.aggregates.journey.commands import ScheduleFollowUp, SnoozeFollowUp, Touch
from engine.aggregates.pipeline.commands import CreatePipeline, PublishDefinition
from engine.entries import FollowUpScheduled, Stalled
from engine.handle import handle
from engine.log.application import Log
from engine.messages import AnyRecorded, Command
from engine.policies.run import Done, run_once
from engine.projections.views import Views
from engine.stages.definition import parse_definition
from engine.values import TouchKind

BEGAN = datetime(2026, 3, 2, 9, tzinfo=UTC)
"""a Monday"""
REP = PersonRef(source="crm", key="rep-01")
ENDS: list[dict[str, Any]] = [
    {"key": "won", "kind": "won", "enter": {"event": "DealWon"}},
    {"key": "lost", "kind": "lost", "enter": {"any": [{"event": "DealLost"}, {"event": "LeadDisqualified"}]}},
]


def day(number: float) -> datetime:
    return BEGAN + timedelta(days=number)


@dataclass
class Story:
    """What happens on a log, by day."""

    log: Log
    definition: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.views = Views(self.log)
        if self.definition:
            self.do(CreatePipeline(pipeline="sales", name="Sales"), at=0)
            self.publish(self.definition, at=0)

    def publish(self, raw: dict[str, Any], at: float) -> None:
        raw = {"pipeline": "sales", **raw, "stages": [*raw["stages"], *ENDS]}
        command = PublishDefinition(pipeline="sales", definition=parse_definition(raw), reason="told")
        self.do(command, at=at)

    def do(self, command: Command, on: UUID | None = None, *, at: float) -> UUID:
        return handle(self.log, command, actor=REP, origin="cli", on=on, now=day(at)).stream_id

    def opened(self, at: float = 0, owner: PersonRef | None = REP) -> UUID:
        return self.do(OpenDeal(pipeline="sales", owner=owner), at=at)

    def touch(self, deal: UUID, at: float, kind: TouchKind = TouchKind.CALL) -> None:
        self.do(Touch(kind=kind), deal, at=at)

    def plan(self, deal: UUID, at: float, due: float) -> UUID:
        """A step that the rep thought of."""
        self.do(ScheduleFollowUp(kind=TouchKind.EMAIL, due_at=day(due)), deal, at=at)
        found: UUID = self.follow_ups(deal)[-1].event.follow_up_id
        return found

    def snooze(self, deal: UUID, at: float, until: float) -> None:
        """Of the newest follow-up."""
        follow_up = self.follow_ups(deal)[-1].event.follow_up_id
        self.do(SnoozeFollowUp(follow_up_id=follow_up, until=day(until), reason="they asked"), deal, at=at)

    def run(self, at: float, *, since: float | None = 0, **options: Any) -> list[Done]:
        begin = None if since is None else day(since)
        return run_once(self.log, self.views, now=day(at), since=begin, **options)

    def alerts(self, deal: UUID) -> list[AnyRecorded]:
        return [entry for entry in self.log.stream(deal) if isinstance(entry.event, Stalled)]

    def follow_ups(self, deal: UUID) -> list[AnyRecorded]:
        return [entry for entry in self.log.stream(deal) if isinstance(entry.event, FollowUpScheduled)]

    def alerted_on(self, deal: UUID) -> list[float]:
        """The days of the deal's alerts."""
        return [(alert.occurred_at - BEGAN) / timedelta(days=1) for alert in self.alerts(deal)]


def stage(key: str = "contact", **rule: Any) -> dict[str, Any]:
    return {"key": key, "kind": "open"} | ({"stall": rule} if rule else {})
