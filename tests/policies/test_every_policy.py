"""All policies at once, whatever touches, moves, signals, proposals, wins, losses and corrections come in between.

The account below reads a deal's entries from the first at each tick. It says what every policy has to ask for, because
of which entry, and which follow-ups are left when all is quiet. It shares no code with the program.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, ClassVar
from uuid import UUID, uuid4

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from engine.aggregates.deal.commands import (
    AcceptProposal,
    DeclineProposal,
    Lose,
    MoveStage,
    ReopenDeal,
    ReviseProposal,
    SendProposal,
    Win,
)
from engine.aggregates.journey.commands import (
    CompleteFollowUp,
    RecordSignal,
    RetractEntry,
    ScheduleFollowUp,
    SnoozeFollowUp,
    Touch,
)
from engine.aggregates.pipeline.commands import PublishDefinition
from engine.errors import Rejected
from engine.handle import handle
from engine.log.application import Log
from engine.messages import AnyRecorded, Command
from engine.projections.views import Views
from engine.stages.definition import parse_definition
from engine.values import Direction, TouchKind
from replay.verify import verify
from tests.policies.stories import REP, Story, day, stage

REMIND = timedelta(days=3)
SIGNALS = ["trial finished", "samples ordered"]
TASKS = {"contact": ["first-call"], "meeting": ["agenda", "book"], "signed": ["payment"]}
DEFINITION: dict[str, Any] = {
    "pipeline": "sales",
    "signals": [{"signal": SIGNALS, "kind": "call", "within_days": 1}],
    "proposals": {"remind_days": REMIND.days, "expire": True},
    "stages": [
        stage("contact", idle_days=5) | {"ladder": {"after_days": [1, 2]}},
        stage("meeting"),
        stage("proposal", idle_days=4),
        {"key": "signed", "kind": "won", "enter": {"event": "DealWon"}},
        {"key": "lost", "kind": "lost", "enter": {"event": "DealLost"}},
    ],
}
for each in DEFINITION["stages"]:
    if each["key"] in TASKS:
        each["tasks"] = [{"key": key, "kind": "email"} for key in TASKS[each["key"]]]

Asked = tuple[str, int]
"""A policy, and the number of the entry because of which it asks."""


@dataclass(frozen=True)
class Line:
    number: int
    at: datetime
    what: str
    """the event's class"""
    said: Any
    """the event"""
    policy: str | None
    cause: int | None
    """number of the entry because of which a policy did it"""
    retracted: bool


@dataclass(frozen=True)
class Follow:
    """An open follow-up."""

    line: Line
    put_off: bool


class Account:
    """Of a deal's entries, in the order in which they were written down."""

    def __init__(self, entries: Sequence[AnyRecorded]) -> None:
        numbers = {entry.event_id: entry.version for entry in entries}
        wrong = {entry.event.event_id for entry in entries if type(entry.event).__name__ == "EntryRetracted"}
        self.lines = [
            Line(
                entry.version,
                entry.occurred_at,
                type(entry.event).__name__,
                entry.event,
                entry.envelope.origin.partition("policy:")[2] or None,
                numbers.get(entry.envelope.causation_id) if entry.envelope.causation_id else None,
                entry.event_id in wrong,
            )
            for entry in entries
        ]
        self.standing = sorted(
            (line for line in self.lines if not line.retracted), key=lambda line: (line.at, line.number)
        )
        self.stage, self.entered, self.outcome = "contact", self.standing[0], "open"
        for line in self.standing:
            self.go(line)

    def go(self, line: Line) -> None:
        before = self.stage
        if line.what == "StageMoved" and self.outcome == "open":
            self.stage = line.said.stage
        elif line.what == "DealReopened":
            self.stage, self.outcome = line.said.stage, "open"
        elif line.what == "DealWon" and self.outcome == "open":
            self.stage, self.outcome = "signed", "won"
        elif line.what == "DealLost" and self.outcome == "open":
            self.stage, self.outcome = "lost", "lost"
        if self.stage != before:
            self.entered = line

    def of(self, *whats: str) -> list[Line]:
        return [line for line in self.standing if line.what in whats]

    def asked(self, lines: list[Line] | None = None) -> list[Asked]:
        """What policies other than the alert asked for, once for each time."""
        return [
            (line.policy or "", line.cause or 0)
            for line in (self.lines if lines is None else lines)
            if line.policy not in (None, "raise_stalled") and line.what in ("FollowUpScheduled", "ProposalExpired")
        ]

    def undone(self) -> set[UUID]:
        """What was withdrawn because of an entry that was retracted since; not what was done all the same."""
        done = {line.said.follow_up_id for line in self.lines if line.what == "FollowUpCompleted"}
        return {
            line.said.follow_up_id
            for line in self.lines
            if line.what == "FollowUpCancelled"
            and line.policy == "withdraw_pointless"
            and line.cause is not None
            and self.lines[line.cause - 1].retracted
        } - done | {follow.line.said.follow_up_id for follow in self.open() if self.was_asked_wrongly(follow)}

    def was_asked_wrongly(self, follow: Follow) -> bool:
        """A task or the answer to a signal, because of an entry that was retracted."""
        cause = None if follow.line.cause is None else self.lines[follow.line.cause - 1]
        tasks = ("stage_tasks", "answer_signals") if self.outcome == "open" else ("stage_tasks",)
        return cause is not None and cause.retracted and follow.line.policy in tasks

    def counted(self) -> list[Line]:
        """What policies did, but for what is undone."""
        undone = self.undone()
        return [
            line
            for line in self.lines
            if line.policy and not (line.what == "FollowUpScheduled" and line.said.follow_up_id in undone)
        ]

    def open(self) -> list[Follow]:
        made = {line.said.follow_up_id: line for line in self.lines if line.what == "FollowUpScheduled"}
        over = {
            line.said.follow_up_id for line in self.lines if line.what in ("FollowUpCompleted", "FollowUpCancelled")
        }
        put_off = {line.said.follow_up_id for line in self.lines if line.what == "FollowUpSnoozed"}
        return [Follow(line, name in put_off) for name, line in made.items() if name not in over]

    def last_try(self) -> Line:
        """The last touch since it came here, or else the coming."""
        place = (self.entered.at, self.entered.number)
        return [self.entered, *(line for line in self.of("Touched") if (line.at, line.number) > place)][-1]

    def newest_signals(self) -> dict[str, Line]:
        return {line.said.signal: line for line in self.of("SignalRecorded") if line.said.signal in SIGNALS}

    def proposals(self) -> dict[UUID, Line]:
        """The newest word on each."""
        words = ("ProposalSent", "ProposalRevised", "ProposalAccepted", "ProposalDeclined", "ProposalExpired")
        return {line.said.proposal_id: line for line in self.of(*words)}

    def due(self, now: datetime) -> list[Asked]:
        """What is to be asked for that was not yet."""
        counted, found = self.counted(), list[Asked]()
        known = self.asked(counted)
        if self.outcome != "lost":
            wanted = len(TASKS.get(self.stage, ()))
            since = [
                line
                for line in counted
                if line.policy == "stage_tasks"
                and line.what == "FollowUpScheduled"
                and line.number > self.entered.number
            ]
            found += [("stage_tasks", self.entered.number)] * (wanted - len(since))
        if self.outcome != "open":
            return found
        for signal in self.newest_signals().values():
            if ("answer_signals", signal.number) not in known and now - signal.at <= timedelta(days=30):
                found.append(("answer_signals", signal.number))
        for word in self.proposals().values():
            if word.what not in ("ProposalSent", "ProposalRevised"):
                continue
            told = known.count(("expire_proposals", word.number))
            over = word.said.expires_at <= now
            if over or (word.said.expires_at - REMIND <= now and not told):
                found.append(("expire_proposals", word.number))
        if self.stage == "contact" and not any(
            follow.put_off and follow.line.policy == "climb_ladder" for follow in self.open()
        ):
            last = self.last_try()
            attempts = [line.number for line in counted if line.policy == "climb_ladder"]
            if max(attempts, default=0) < last.number and ("climb_ladder", last.number) not in known:
                found.append(("climb_ladder", last.number))
        return found

    def holds(self, follow: Follow, now: datetime) -> bool | None:
        """Whether its reason still stands; None: somebody put it off, or its reason was taken back."""
        line, policy = follow.line, follow.line.policy
        if self.was_asked_wrongly(follow):
            return False
        cause = None if line.cause is None else self.lines[line.cause - 1]
        older = line.number < self.entered.number
        if policy is None:
            return not (self.outcome == "lost" and older)
        if (cause is None or cause.retracted) and self.outcome == "open" and not older:
            return None
        if policy == "stage_tasks":
            return not older if cause == self.entered or older else None
        if self.outcome != "open":
            return False
        match policy:
            case "answer_signals":
                return cause == self.newest_signals()[cause.said.signal] if cause and not cause.retracted else None
            case "expire_proposals":
                assert cause is not None
                return self.proposals().get(cause.said.proposal_id) == cause and cause.said.expires_at > now
            case "climb_ladder":
                return None if follow.put_off else not older and self.last_try().number < line.number
            case _:
                return None if follow.put_off or not older else False


class EveryPolicy(RuleBasedStateMachine):
    template: ClassVar[Path]

    @initialize()
    def open(self) -> None:
        self.folder = Path(mkdtemp())
        shutil.copyfile(self.template, self.folder / "log.db")
        self.log = Log(f"sqlite:///{self.folder / 'log.db'}")
        self.runners = [Story(self.log, {"stages": [stage("contact")]}), Story(self.log)]
        definition = parse_definition(DEFINITION)
        self.runners[0].do(PublishDefinition(pipeline="sales", definition=definition, reason="all of it"), at=0)
        self.deal = self.runners[0].opened(0)
        self.now = 0.0

    def teardown(self) -> None:
        if hasattr(self, "log"):
            before = self.log.position()
            assert verify(self.log, Views(self.log)) == []
            # Reading everything anew fires nothing.
            assert self.log.position() == before
            self.log.close()
            shutil.rmtree(self.folder)

    def account(self) -> Account:
        return Account(self.log.stream(self.deal))

    def do(self, command: Command, ago: float = 0) -> None:
        """What a rule refuses did not happen."""
        when = day(max(self.now - ago, 0)) if ago else None
        try:
            handle(self.log, command, actor=REP, origin="cli", on=self.deal, now=day(self.now), occurred_at=when)
        except Rejected:
            assert isinstance(command, MoveStage | ReviseProposal | AcceptProposal | DeclineProposal)

    @rule(ago=st.sampled_from([0, 0, 1.5]), inbound=st.sampled_from([False, False, True]))
    def touch(self, ago: float, inbound: bool) -> None:
        self.do(Touch(kind=TouchKind.CALL, direction=Direction.INBOUND if inbound else Direction.OUTBOUND), ago)

    @rule(to=st.sampled_from(["contact", "meeting", "proposal"]))
    def move(self, to: str) -> None:
        if self.account().outcome == "open":
            self.do(MoveStage(stage=to, reason="told"))
        else:
            self.do(ReopenDeal(stage=to, reason="they called"))

    @rule(signal=st.sampled_from([*SIGNALS, "opened a mail"]))
    def signal(self, signal: str) -> None:
        self.opened()
        self.do(RecordSignal(signal=signal))

    @rule(days=st.sampled_from([1, 4, 12]))
    def propose(self, days: float) -> None:
        self.opened()
        self.do(SendProposal(proposal_id=uuid4(), expires_at=day(self.now + days)))

    @rule(what=st.sampled_from(["accept", "decline", "revise"]), pick=st.integers(0, 9))
    def decide(self, what: str, pick: int) -> None:
        self.opened()
        if names := list(self.account().proposals()):
            # Mostly of the newest.
            name = names[-1 - pick // 7 % len(names)]
            self.do(
                {
                    "accept": AcceptProposal(proposal_id=name),
                    "decline": DeclineProposal(proposal_id=name),
                    "revise": ReviseProposal(proposal_id=name, expires_at=day(self.now + 6)),
                }[what]
            )

    @rule(how=st.sampled_from(["won", "lost", "not yet", "not yet"]))
    def close(self, how: str) -> None:
        if how != "not yet" and self.account().outcome == "open":
            self.do(Win(evidence="signed on paper") if how == "won" else Lose(reason="price"))

    def opened(self) -> None:
        """Who asks for something more comes back first."""
        if self.account().outcome != "open":
            self.do(ReopenDeal(stage="proposal", reason="they called"))

    @rule(what=st.sampled_from(["snooze", "complete", "plan"]), pick=st.integers(0, 9))
    def follow_up(self, what: str, pick: int) -> None:
        if what == "plan":
            self.opened()
            self.do(ScheduleFollowUp(kind=TouchKind.MEETING, due_at=day(self.now + 2)))
            return
        # To have done an attempt is an attempt: that is told by touches here.
        found = [
            follow.line.said.follow_up_id
            for follow in self.account().open()
            if what == "snooze" or follow.line.policy != "climb_ladder"
        ]
        if found and what == "snooze":
            until = day(self.now + 2)
            self.do(SnoozeFollowUp(follow_up_id=found[pick % len(found)], until=until, reason="they asked"))
        elif found:
            self.do(CompleteFollowUp(follow_up_id=found[pick % len(found)], outcome="done"))

    @rule(pick=st.integers(0, 50))
    def retract(self, pick: int) -> None:
        kinds = ("Touched", "SignalRecorded", "StageMoved", "DealLost")
        found = [line for line in self.account().lines if line.what in kinds and not line.retracted]
        if found:
            line = found[pick % len(found)]
            wrong = self.log.stream(self.deal)[line.number - 1].event_id
            self.do(RetractEntry(event_id=wrong, reason="of another deal"))

    @rule(days=st.sampled_from([0, 0.25, 1]), first=st.sampled_from([0, 1]))
    def soon(self, days: float, first: int) -> None:
        self.tick(days, first)

    @rule(days=st.sampled_from([2.5, 4, 11]), first=st.sampled_from([0, 1]))
    def later(self, days: float, first: int) -> None:
        self.tick(days, first)

    def tick(self, days: float, first: int) -> None:
        """One runner works until all is quiet; then the other finds nothing."""
        self.now += days
        before = self.account()
        due = sorted(before.due(day(self.now)))
        assert all(done.what == "done" for done in self.runners[first].run(self.now))
        assert self.runners[1 - first].run(self.now) == []
        after = self.account()
        asked = after.asked()
        assert sorted(asked[len(before.asked()) :]) == due, (asked[len(before.asked()) :], due)
        for follow in after.open():
            holds = after.holds(follow, day(self.now))
            assert holds is not False, follow
        gone = [line.said.follow_up_id for line in after.lines if line.what == "FollowUpCancelled" and line.policy]
        assert len(gone) == len(set(gone))
        now_gone = [
            line.said.follow_up_id for line in after.lines[len(before.lines) :] if line.what == "FollowUpCancelled"
        ]
        for follow in before.open():
            if follow.line.said.follow_up_id in now_gone:
                assert not before.holds(follow, day(self.now)), follow
        self.alerts_are_one_an_episode(after)

    def alerts_are_one_an_episode(self, after: Account) -> None:
        names = [line.said.started_by for line in after.lines if line.what == "Stalled"]
        assert len(names) == len(set(names))
        alarms = [follow for follow in after.open() if follow.line.policy == "raise_stalled" and not follow.put_off]
        assert len(alarms) <= 1


def test_every_policy_does_what_a_plain_account_says(sqlite_template: Path) -> None:
    EveryPolicy.template = sqlite_template
    run_state_machine_as_test(
        EveryPolicy,
        settings=settings(
            max_examples=8,
            stateful_step_count=35,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
