"""Whatever touches, moves, snoozes and ticks come in whatever order: the alerts are those of a simple model."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, ClassVar
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from engine.aggregates.deal.commands import Lose, MoveStage, ReopenDeal
from engine.aggregates.journey.commands import AddNote, CompleteFollowUp, SnoozeFollowUp, Touch
from engine.entries import FollowUpCancelled, FollowUpScheduled
from engine.log.application import Log
from engine.messages import Command
from engine.values import TouchKind
from tests.policies.stories import Story, day, stage

LIMITS: dict[str, dict[str, float]] = {
    "contact": {"idle": 5, "stage": 12},
    "meeting": {"touch": 4, "idle": 6},
    "proposal": {},
}
RULES = [
    stage("contact", idle_days=5, stage_days=12),
    stage("meeting", touch_days=4, touch_kinds=["call"], idle_days=6),
    stage("proposal"),
]


@dataclass
class Model:
    """One deal, told in numbered entries; a clock is the number of the entry that started it."""

    stage: str = "contact"
    at: dict[int, float] = field(default_factory=lambda: {1: 0.0})
    clocks: dict[str, int] = field(default_factory=lambda: {"idle": 1, "touch": 1, "stage": 1})
    asleep_until: dict[UUID, float] = field(default_factory=dict)
    """of each open follow-up"""
    asked: dict[UUID, tuple[int, int]] = field(default_factory=dict)
    """of each follow-up the number of its entry, and of the entry that started the clock it was asked for"""
    snoozes: dict[int, UUID] = field(default_factory=dict)
    last_alert: int = 0
    alerted: list[int] = field(default_factory=list)

    def happens(self, now: float, *, call: bool = False, to: str | None = None) -> None:
        number = len(self.at) + 1
        self.at[number] = now
        self.clocks["idle"] = number
        if call:
            self.clocks["touch"] = number
        if to not in (None, self.stage):
            self.stage = to or ""
            self.clocks["stage"] = self.clocks["touch"] = number

    def snoozed(self, now: float, follow_up: UUID, until: float) -> None:
        number = len(self.at) + 1
        self.at[number] = now
        self.snoozes[number] = follow_up
        self.asleep_until[follow_up] = until

    def ran(self, now: float) -> list[str]:
        """The clocks that have run for their days, in the order in which they name an episode."""
        limits = LIMITS.get(self.stage, {})
        return [
            clock
            for clock in ("idle", "touch", "stage")
            if clock in limits and now - self.at[self.clocks[clock]] >= limits[clock]
        ]

    def withdrawn(self, now: float) -> set[UUID]:
        """The follow-ups whose reason is over; what somebody put off goes only with the deal."""
        put_off = set(self.snoozes.values())
        running = {self.clocks[clock] for clock in self.ran(now)}
        over = set()
        for follow_up in self.asleep_until:
            made, started_by = self.asked[follow_up]
            moved_on = self.clocks["stage"] > made
            active = self.clocks["idle"] > made and started_by not in running
            if (self.stage == "lost" and moved_on) or (follow_up not in put_off and (moved_on or active)):
                over.add(follow_up)
        for follow_up in over:
            self.at[len(self.at) + 1] = now
            self.asleep_until.pop(follow_up)
        return over

    def alerts(self, now: float) -> bool:
        if any(until > now for until in self.asleep_until.values()):
            return False
        over = [number for number, follow_up in self.snoozes.items() if follow_up in self.asleep_until]
        newest = max(over, default=0)
        snooze = newest if newest > self.clocks["idle"] else 0
        if self.last_alert > max(self.clocks["idle"], self.clocks["stage"], snooze):
            return False
        for clock in self.ran(now):
            name = snooze or self.clocks[clock]
            if name not in self.alerted:
                self.alerted.append(name)
                for follow_up in [] if self.put_off() else list(self.asleep_until):
                    self.at[len(self.at) + 1] = now
                    self.asleep_until.pop(follow_up)
                self.last_alert = len(self.at) + 1
                self.at[self.last_alert] = now
                return True
        return False

    def put_off(self) -> bool:
        """Whether a follow-up that was put off is open still."""
        return bool(set(self.asleep_until) & set(self.snoozes.values()))

    def asks(self, now: float) -> bool:
        """Whether an alert comes with a follow-up, in the place of earlier ones."""
        if self.put_off():
            return False
        self.at[len(self.at) + 1] = now
        return True


class Episodes(RuleBasedStateMachine):
    template: ClassVar[Path]

    @initialize()
    def open(self) -> None:
        self.folder = Path(mkdtemp())
        shutil.copyfile(self.template, self.folder / "log.db")
        self.log = Log(f"sqlite:///{self.folder / 'log.db'}")
        self.story = Story(self.log, {"stages": RULES})
        self.deal = self.story.opened(0)
        self.model, self.now = Model(), 0.0

    def teardown(self) -> None:
        if hasattr(self, "log"):
            self.log.close()
            shutil.rmtree(self.folder)

    def do(self, command: Command) -> None:
        self.story.do(command, self.deal, at=self.now)

    @rule(days=st.sampled_from([0.0, 0.5, 1, 2, 3, 5, 8]))
    def time_passes(self, days: float) -> None:
        self.now += days

    @rule(kind=st.sampled_from([TouchKind.CALL, TouchKind.EMAIL]))
    def touch(self, kind: TouchKind) -> None:
        self.do(Touch(kind=kind))
        self.model.happens(self.now, call=kind == TouchKind.CALL)

    @rule()
    def note(self) -> None:
        self.do(AddNote(note="they think about it"))
        self.model.happens(self.now)

    @rule(to=st.sampled_from(["contact", "meeting", "proposal"]))
    def move(self, to: str) -> None:
        if self.model.stage == "lost":
            self.do(ReopenDeal(stage=to, reason="they called"))
        elif self.model.stage != to:
            self.do(MoveStage(stage=to, reason="told"))
        else:
            return
        self.model.happens(self.now, to=to)

    @precondition(lambda self: self.model.stage != "lost")
    @rule()
    def lose(self) -> None:
        self.do(Lose(reason="price"))
        self.model.happens(self.now, to="lost")

    @precondition(lambda self: self.open_follow_ups())
    @rule(days=st.sampled_from([1, 3, 9]), data=st.data())
    def snooze(self, days: float, data: Any) -> None:
        follow_up = data.draw(st.sampled_from(self.open_follow_ups()))
        self.do(SnoozeFollowUp(follow_up_id=follow_up, until=day(self.now + days), reason="they asked"))
        self.model.snoozed(self.now, follow_up, self.now + days)

    @precondition(lambda self: self.open_follow_ups())
    @rule(data=st.data())
    def complete(self, data: Any) -> None:
        follow_up = data.draw(st.sampled_from(self.open_follow_ups()))
        self.do(CompleteFollowUp(follow_up_id=follow_up, outcome="reached"))
        self.model.asleep_until.pop(follow_up)
        self.model.happens(self.now)

    @rule(days=st.sampled_from([0.0, 1, 4, 5, 6, 12]))
    def tick(self, days: float) -> None:
        self.now += days
        done = self.story.run(self.now)
        withdrawn, alerts = self.model.withdrawn(self.now), self.model.alerts(self.now)
        asks = alerts and self.model.asks(self.now)
        assert [each.what for each in done] == ["done"] * (len(withdrawn) + alerts)
        new = [follow_up for follow_up in self.scheduled() if follow_up not in self.model.asked]
        assert len(new) == asks
        for follow_up in new:
            self.model.asleep_until[follow_up] = self.now
            self.model.asked[follow_up] = (len(self.model.at), self.model.alerted[-1])
        assert self.cancelled() >= withdrawn
        assert self.cancelled().isdisjoint(self.model.asleep_until)
        assert len(self.model.asleep_until) <= 1
        ids = [entry.event_id for entry in self.log.stream(self.deal)]
        named = [ids.index(alert.event.started_by) + 1 for alert in self.story.alerts(self.deal)]
        assert named == self.model.alerted

    def scheduled(self) -> list[UUID]:
        events = [entry.event for entry in self.log.stream(self.deal)]
        return [event.follow_up_id for event in events if isinstance(event, FollowUpScheduled)]

    def cancelled(self) -> set[UUID]:
        events = [entry.event for entry in self.log.stream(self.deal)]
        return {event.follow_up_id for event in events if isinstance(event, FollowUpCancelled)}

    def open_follow_ups(self) -> list[UUID]:
        return sorted(self.model.asleep_until)


@pytest.mark.parametrize("steps", [40])
def test_alerts_are_those_of_the_model(sqlite_template: Path, steps: int) -> None:
    Episodes.template = sqlite_template
    run_state_machine_as_test(
        Episodes, settings=settings(max_examples=20, stateful_step_count=steps, deadline=None, print_blob=True)
    )
