"""Late entries, retractions, working days and several policies in whatever order: as a plain account of the deal says.

The account keeps every entry, and reads all of them again at each tick. It shares no code with the program: working
time is summed day by day, holidays are written down.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from engine.aggregates.deal.commands import MoveStage, OpenDeal
from engine.aggregates.journey.commands import AddNote, RetractEntry, SnoozeFollowUp, Touch
from engine.entries import FollowUpCancelled, FollowUpScheduled
from engine.errors import Rejected
from engine.handle import handle
from engine.log.application import Log
from engine.messages import AnyRecorded, Command
from engine.policies.raise_stalled import RAISE_STALLED
from engine.policies.stage_tasks import STAGE_TASKS
from engine.policies.withdraw_pointless import WITHDRAW_POINTLESS
from engine.projections.views import Views
from engine.values import TouchKind
from replay.verify import verify
from tests.policies.stories import REP, Story, day, stage

DEFINITION = {
    "calendar": {"zone": "Europe/Madrid", "country": "ES"},
    "stages": [
        stage("contact", idle_days=3, business=True),
        {
            **stage("meeting", touch_days=4, touch_kinds=["call"], idle_days=6),
            "tasks": [{"key": "ask", "kind": "email"}],
        },
        stage("proposal"),
    ],
}
MADRID = ZoneInfo("Europe/Madrid")
HOLIDAYS = {date(2026, 4, 3), date(2026, 5, 1)}
"""Good Friday and Labour Day; the walk begins two days before the one"""
BEGINS = 30.5


def worked(since: datetime, until: datetime) -> timedelta:
    """How much of the time between falls on days of work in Madrid."""
    total, on = timedelta(), since.astimezone(MADRID).date()
    while (first := datetime.combine(on, time(), MADRID).astimezone(UTC)) < until:
        last = datetime.combine(on + timedelta(days=1), time(), MADRID).astimezone(UTC)
        if on.weekday() < 5 and on not in HOLIDAYS:
            total += max(timedelta(), min(until, last) - max(since, first))
        on += timedelta(days=1)
    return total


@dataclass
class Line:
    """An entry of the deal."""

    number: int
    """in the order in which they were written down"""
    at: datetime
    what: str
    to: str = ""
    follow_up: UUID | None = None
    until: datetime | None = None
    retracted: bool = False


@dataclass
class Account:
    lines: list[Line] = field(default_factory=list)
    alerted: list[int] = field(default_factory=list)
    """numbers of what started each"""
    asked: dict[UUID, int] = field(default_factory=dict)
    """what started the clock, by the follow-up that its alert asked for"""
    tasks: dict[int, UUID] = field(default_factory=dict)
    """by the entry into the stage"""
    closed: set[UUID] = field(default_factory=set)
    ended_by: dict[UUID, int] = field(default_factory=dict)
    """what ended the reason, by the follow-up that was withdrawn because of it"""
    again: dict[UUID, UUID] = field(default_factory=dict)
    """what was asked for in the place of each alert's follow-up that was withdrawn by mistake"""

    def standing(self) -> list[Line]:
        """In the order in which they happened."""
        return sorted((line for line in self.lines if not line.retracted), key=lambda line: (line.at, line.number))

    def stage(self) -> tuple[str, Line]:
        """Where it stands, and what brought it there."""
        where, by = "contact", self.standing()[0]
        for line in self.standing():
            if line.what == "move" and line.to != where:
                where, by = line.to, line
        return where, by

    def due_task(self) -> int | None:
        where, by = self.stage()
        wanted = by.number not in self.tasks or self.undone(self.tasks[by.number])
        return by.number if where == "meeting" and wanted else None

    def undone(self, follow_up: UUID) -> bool:
        """Whether it was withdrawn because of an entry that was retracted since."""
        ended_by = self.ended_by.get(follow_up)
        return any(line.number == ended_by and line.retracted for line in self.lines)

    def due_again(self, now: datetime) -> UUID | None:
        """The follow-up of an alert whose silence goes on, and which was withdrawn by mistake."""
        running = {line.number for line in self.ran(now)}
        if self.snoozes() or {*self.asked} - self.closed:
            return None
        found = [each for each, by in self.asked.items() if by in running and self.undone(each)]
        return next((each for each in reversed(found) if each not in self.again), None)

    def pointless(self, now: datetime) -> set[UUID]:
        """Open tasks from before it came where it stands; what an alert asked for, when its clock runs no more.

        What somebody put off is left, but for tasks.
        """
        made = {line.follow_up: line.number for line in self.lines if line.what in ("task", "asked")}
        put_off = {line.follow_up for line in self.standing() if line.what == "snooze"}
        _, by = self.stage()
        alive, running = self.alive()[-1], {line.number for line in self.ran(now)}
        over = {each for each in self.tasks.values() if made[each] < by.number}
        over |= {
            each
            for move, each in self.tasks.items()
            if any(line.number == move and line.retracted for line in self.lines)
        }
        for each, started_by in self.asked.items():
            active = made[each] < alive.number and started_by not in running
            if each not in put_off and (made[each] < by.number or active):
                over.add(each)
        return over - self.closed

    def alive(self) -> list[Line]:
        return [line for line in self.standing() if line.what in ("open", "touch", "call", "note", "move")]

    def ran(self, now: datetime) -> list[Line]:
        """What started each clock that has run for its days, in the order in which they name an alert."""
        alive, (where, entry) = self.alive(), self.stage()
        calls = [line for line in alive if line.what == "call" and (line.at, line.number) > (entry.at, entry.number)]
        ran: list[Line] = []
        if where == "contact" and worked(alive[-1].at, now) >= timedelta(days=3):
            ran = [alive[-1]]
        if where == "meeting":
            touched = calls[-1] if calls else entry
            ran = [alive[-1]] if now - alive[-1].at >= timedelta(days=6) else []
            ran += [touched] if now - touched.at >= timedelta(days=4) else []
        return ran

    def snoozes(self) -> list[Line]:
        """Of what is open."""
        return [line for line in self.standing() if line.what == "snooze" and line.follow_up not in self.closed]

    def open_asked(self) -> set[UUID]:
        """What alerts had asked for, where nothing is put off."""
        return set() if self.snoozes() else {*self.asked} - self.closed

    def due_alert(self, now: datetime) -> int | None:
        alive, (_, entry), snoozes = self.alive(), self.stage(), self.snoozes()
        latest = {line.follow_up: line.until for line in snoozes}
        if any(until is not None and until > now for until in latest.values()):
            return None
        after = [line for line in snoozes if (line.at, line.number) > (alive[-1].at, alive[-1].number)]
        snooze = after[-1] if after else None
        signs = [alive[-1].number, entry.number, snooze.number if snooze else 0]
        if max((line.number for line in self.standing() if line.what == "alert"), default=0) > max(signs):
            return None
        names = [snooze.number if snooze else line.number for line in self.ran(now)]
        return next((name for name in names if name not in self.alerted), None)


class Corrected(RuleBasedStateMachine):
    template: ClassVar[Path]

    @initialize()
    def open(self) -> None:
        self.folder = Path(mkdtemp())
        shutil.copyfile(self.template, self.folder / "log.db")
        self.log = Log(f"sqlite:///{self.folder / 'log.db'}")
        self.story = Story(self.log, DEFINITION)
        self.deal = self.story.do(OpenDeal(pipeline="sales", owner=REP), at=BEGINS)
        self.now, self.account = BEGINS, Account([Line(1, day(BEGINS), "open")])

    def teardown(self) -> None:
        if hasattr(self, "log"):
            self.log.close()
            shutil.rmtree(self.folder)

    def entries(self) -> Sequence[AnyRecorded]:
        return self.log.stream(self.deal)

    def do(self, command: Command, ago: float, what: str, **more: object) -> None:
        """Tells it late, if `ago`; what a rule refuses is not in the account either."""
        before = len(self.account.lines)
        at = max(self.now - ago, BEGINS) if ago else None
        when = None if at is None else day(at)
        try:
            handle(self.log, command, actor=REP, origin="cli", on=self.deal, now=day(self.now), occurred_at=when)
        except Rejected:
            assert what == "move"
        for entry in self.entries()[before:]:
            line = Line(entry.version, entry.occurred_at, what)
            line.__dict__.update(more)
            self.account.lines.append(line)

    @rule(days=st.sampled_from([0.25, 1, 2, 3.5, 7]))
    def time_passes(self, days: float) -> None:
        self.now += days

    @rule(kind=st.sampled_from([TouchKind.CALL, TouchKind.EMAIL]), ago=st.sampled_from([0, 0, 1.5, 5]))
    def touch(self, kind: TouchKind, ago: float) -> None:
        self.do(Touch(kind=kind), ago, "call" if kind == TouchKind.CALL else "touch")

    @rule(ago=st.sampled_from([0, 2.5]))
    def note(self, ago: float) -> None:
        self.do(AddNote(note="they think about it"), ago, "note")

    @rule(to=st.sampled_from(["contact", "meeting", "meeting", "proposal"]), ago=st.sampled_from([0, 0, 4]))
    def move(self, to: str, ago: float) -> None:
        self.do(MoveStage(stage=to, reason="told"), ago, "move", to=to)

    @rule(pick=st.integers(0, 50))
    def retract(self, pick: int) -> None:
        found = [line for line in self.account.lines if line.what in ("touch", "call", "note", "move")]
        found = [line for line in found if not line.retracted]
        if found:
            line = found[pick % len(found)]
            wrong = self.entries()[line.number - 1].event_id
            self.do(RetractEntry(event_id=wrong, reason="of another deal"), 0, "retraction")
            line.retracted = True

    @rule(days=st.sampled_from([1, 4]), pick=st.integers(0, 50))
    def snooze(self, days: float, pick: int) -> None:
        found = [line.follow_up for line in self.account.lines if line.what in ("task", "asked")]
        found = [each for each in found if each not in self.account.closed]
        if found:
            chosen, until = found[pick % len(found)], day(self.now + days)
            assert chosen is not None
            command = SnoozeFollowUp(follow_up_id=chosen, until=until, reason="they asked")
            self.do(command, 0, "snooze", follow_up=chosen, until=until)

    @rule(days=st.sampled_from([0, 1, 3, 6]))
    def tick(self, days: float) -> None:
        self.now += days
        self.work()
        alert = self.account.due_alert(day(self.now))
        before = len(self.account.lines)
        self.story.run(self.now, policies=[RAISE_STALLED])
        new = self.entries()[before:]
        if alert is None:
            again = self.account.due_again(day(self.now))
            assert len(new) == (0 if again is None else 1)
            for entry in new:
                assert again is not None
                self.account.again[again] = entry.event.follow_up_id
                self.asks(entry, self.account.asked[again])
            return
        # What an earlier alert had asked for is asked for anew.
        anew = [entry for entry in new if isinstance(entry.event, FollowUpCancelled)]
        assert {entry.event.follow_up_id for entry in anew} == self.account.open_asked()
        told, *asked = new[len(anew) :]
        self.account.lines += [Line(entry.version, entry.occurred_at, "cancelled") for entry in anew]
        self.account.closed |= {entry.event.follow_up_id for entry in anew}
        assert self.entries()[alert - 1].event_id == told.event.started_by
        self.account.alerted.append(alert)
        self.account.lines.append(Line(told.version, told.occurred_at, "alert"))
        # What was put off and is open still is due again: nothing else is asked for.
        assert len(asked) == (0 if self.account.snoozes() else 1)
        for step in asked:
            self.asks(step, alert)

    def asks(self, step: AnyRecorded, alert: int) -> None:
        made = Line(step.version, step.occurred_at, "asked", follow_up=step.event.follow_up_id)
        self.account.lines.append(made)
        self.account.asked[step.event.follow_up_id] = alert

    def work(self) -> None:
        """What is pointless is withdrawn; the tasks of the stage are given once for each entry."""
        pointless, before = self.account.pointless(day(self.now)), len(self.account.lines)
        task = self.account.due_task()
        self.story.run(self.now, policies=[WITHDRAW_POINTLESS, STAGE_TASKS])
        new = self.entries()[before:]
        given = [entry for entry in new if isinstance(entry.event, FollowUpScheduled)]
        gone = {entry.event.follow_up_id for entry in new if isinstance(entry.event, FollowUpCancelled)}
        assert (len(given), gone) == (0 if task is None else 1, pointless)
        self.account.closed |= gone
        numbers = {entry.event_id: entry.version for entry in self.entries()}
        for entry in new:
            if isinstance(entry.event, FollowUpCancelled) and entry.envelope.causation_id is not None:
                self.account.ended_by[entry.event.follow_up_id] = numbers[entry.envelope.causation_id]
            is_task = isinstance(entry.event, FollowUpScheduled)
            made = Line(entry.version, entry.occurred_at, "task" if is_task else "cancelled")
            made.follow_up = entry.event.follow_up_id
            self.account.lines.append(made)
            if is_task and task is not None:
                self.account.tasks[task] = entry.event.follow_up_id

    @rule()
    def look_again(self) -> None:
        """Reading everything anew fires nothing, and finds nothing else."""
        before = self.log.position()
        views = Views(self.log)
        assert verify(self.log, views) == []
        assert self.log.position() == before


def test_alerts_and_tasks_are_those_of_a_plain_account(sqlite_template: Path) -> None:
    Corrected.template = sqlite_template
    run_state_machine_as_test(
        Corrected,
        settings=settings(
            max_examples=15,
            stateful_step_count=30,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_silence_over_easter_is_as_long_as_the_days_of_work_in_it(sqlite_template: Path) -> None:
    Corrected.template = sqlite_template
    machine = Corrected()
    machine.open()
    for _ in range(14):
        machine.tick(0.5)
    # Thursday, not Good Friday, not the week-end, Monday, Tuesday: late on Tuesday, three days of work after Wednesday.
    assert machine.story.alerted_on(machine.deal) == [36.5]
    machine.teardown()
