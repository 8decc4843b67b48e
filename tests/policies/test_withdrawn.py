"""A follow-up goes when its reason is over, with the reason recorded: one journey has one open step for each reason."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from engine.aggregates.deal.commands import (
    AcceptProposal,
    DeclineProposal,
    Lose,
    MergeDeal,
    MoveStage,
    ReopenDeal,
    ReviseProposal,
    SendProposal,
    Win,
)
from engine.aggregates.inputs import PersonRef
from engine.aggregates.journey.commands import (
    AssignOwner,
    CompleteFollowUp,
    RecordSignal,
    RetractEntry,
    SetScore,
    Touch,
)
from engine.aggregates.lead.commands import CaptureLead, DisqualifyLead
from engine.aggregates.roster.commands import EnrolRep
from engine.entries import FollowUpCancelled, FollowUpCompleted, FollowUpScheduled
from engine.log.application import Log
from engine.log.texts import texts
from engine.messages import Command
from engine.policies.climb_ladder import CLIMB_LADDER
from engine.policies.run import do
from engine.policies.watches import watches
from engine.projections.lens import Lens
from engine.values import Direction, TouchKind
from tests.policies.stories import REP, Story, day, stage

LADDER = {"after_days": [1, 2, 4]}
PROPOSAL = UUID(int=1)


def withdrawn(story: Story, deal: UUID) -> list[str]:
    """The reasons of what was cancelled."""
    return [entry.event.reason for entry in story.log.stream(deal) if isinstance(entry.event, FollowUpCancelled)]


def left(story: Story, deal: UUID) -> list[UUID]:
    """The open ones."""
    events = [entry.event for entry in story.log.stream(deal)]
    ended = {event.follow_up_id for event in events if isinstance(event, FollowUpCancelled | FollowUpCompleted)}
    return [
        event.follow_up_id
        for event in events
        if isinstance(event, FollowUpScheduled) and event.follow_up_id not in ended
    ]


def rounds(story: Story, *days: float) -> None:
    for at in days:
        assert all(done.what == "done" for done in story.run(at)), at


@pytest.mark.parametrize(
    ("close", "why"),
    [
        (Lose(reason="price"), ["it was lost", "it was lost"]),
        # What a rep planned may be about the delivery: it stays among the next steps.
        (Win(evidence="signed on paper"), ["it was won"]),
    ],
)
def test_a_close_withdraws_what_was_open_where_no_stage_has_tasks(log: Log, close: Command, why: list[str]) -> None:
    story = Story(log, {"stages": [stage(idle_days=5)]})
    deal = story.opened(0)
    rounds(story, 5)
    planned = story.plan(deal, at=5.1, due=9)
    story.do(close, deal, at=6)
    rounds(story, 6, 7)
    assert withdrawn(story, deal) == why
    assert left(story, deal) == ([] if len(why) == 2 else [planned])


def test_a_disqualified_lead_and_a_merged_deal_leave_no_step_open(log: Log) -> None:
    story = Story(log, {"stages": [stage(), stage("proposal")]})
    lead, duplicate, deal = story.do(CaptureLead(pipeline="sales", owner=REP), at=0), story.opened(0), story.opened(0)
    for each in (lead, duplicate, deal):
        story.plan(each, at=1, due=9)
    rounds(story, 1)
    story.do(DisqualifyLead(reason="no budget"), lead, at=2)
    story.do(MergeDeal(into=deal), duplicate, at=2)
    rounds(story, 2, 3)
    assert withdrawn(story, lead) == ["it was disqualified"]
    assert withdrawn(story, duplicate) == ["it was merged into another"]
    assert (withdrawn(story, deal), len(left(story, deal))) == ([], 1)


def test_what_is_planned_after_a_loss_is_meant_so(log: Log) -> None:
    story = Story(log, {"stages": [stage()]})
    deal = story.opened(0)
    story.plan(deal, at=1, due=9)
    story.do(Lose(reason="price"), deal, at=2)
    again = story.plan(deal, at=2.1, due=180)
    rounds(story, 3)
    assert left(story, deal) == [again]


def test_what_people_left_open_before_the_first_run_is_left_alone(log: Log) -> None:
    story = Story(log, {"stages": [stage()]})
    old, young = story.opened(0), story.opened(0)
    for deal in (old, young):
        story.plan(deal, at=1, due=50)
    story.do(Lose(reason="price"), old, at=2)
    assert story.run(30, since=None) == []
    story.do(Lose(reason="price"), young, at=31)
    assert [done.due.journey for done in story.run(32, since=None)] == [young]


def test_leaving_the_stage_withdraws_alerts_and_attempts(log: Log) -> None:
    story = Story(log, {"stages": [stage(stage_days=5) | {"ladder": LADDER}, stage("proposal")]})
    deal = story.opened(0)
    rounds(story, 0, 5)
    assert len(left(story, deal)) == 2
    story.do(MoveStage(stage="proposal"), deal, at=6)
    rounds(story, 6, 7)
    assert withdrawn(story, deal) == ["the journey has moved on"] * 2


def test_a_touch_that_ends_the_silence_withdraws_its_alert_and_one_that_does_not_leaves_it(log: Log) -> None:
    story = Story(log, {"stages": [stage(touch_days=5, touch_kinds=["call"])]})
    deal = story.opened(0)
    rounds(story, 5)
    story.touch(deal, at=6, kind=TouchKind.EMAIL)
    rounds(story, 6, 7)
    assert (withdrawn(story, deal), len(left(story, deal))) == ([], 1)
    story.touch(deal, at=8)
    rounds(story, 8, 9)
    assert withdrawn(story, deal) == ["something happened since"]
    rounds(story, 13)
    assert len(left(story, deal)) == 1


def test_one_runner_that_slept_through_a_touch_leaves_one_alert_open(log: Log) -> None:
    story = Story(log, {"stages": [stage(idle_days=5)]})
    deal = story.opened(0)
    rounds(story, 5)
    story.touch(deal, at=6)
    rounds(story, 20)
    assert (story.alerted_on(deal), len(left(story, deal))) == ([5, 20], 1)


def test_a_snooze_that_is_over_rings_and_asks_for_nothing_beside_what_was_put_off(log: Log) -> None:
    story = Story(log, {"stages": [stage(idle_days=5)]})
    deal = story.opened(0)
    rounds(story, 5)
    first = left(story, deal)
    story.snooze(deal, at=6, until=9)
    rounds(story, 9, 10)
    assert (story.alerted_on(deal), left(story, deal)) == ([5, 9], first)
    # Neither does a mail take away what a person means to do on a day.
    story.touch(deal, at=11)
    rounds(story, 11, 16, 17)
    assert (story.alerted_on(deal), left(story, deal)) == ([5, 9, 16], first)


def test_each_attempt_takes_the_place_of_the_one_before(log: Log) -> None:
    story = Story(log, {"stages": [stage() | {"ladder": LADDER}]})
    deal = story.opened(0)
    for at in (1, 3, 7):
        rounds(story, at - 0.1)
        story.touch(deal, at=at)
        rounds(story, at)
        assert len(left(story, deal)) == 1
    story.do(Touch(kind=TouchKind.EMAIL, direction=Direction.INBOUND), deal, at=8)
    rounds(story, 8)
    assert withdrawn(story, deal) == ["somebody was in touch since"] * 4
    assert len(left(story, deal)) == 1


def test_an_attempt_that_was_completed_is_an_attempt(log: Log) -> None:
    story = Story(log, {"stages": [stage() | {"ladder": {"after_days": [1, 2]}}]})
    deal = story.opened(0)
    for at in (1, 3):
        rounds(story, at - 0.5)
        (step,) = left(story, deal)
        story.do(CompleteFollowUp(follow_up_id=step, outcome="no answer"), deal, at=at)
    rounds(story, 4)
    # The suggestion to give up; who turns it down is not asked again until something happens.
    (step,) = left(story, deal)
    story.do(CompleteFollowUp(follow_up_id=step, outcome="we write to them"), deal, at=5)
    rounds(story, 5, 40)
    assert len(story.follow_ups(deal)) == 3
    assert left(story, deal) == []


def test_a_call_and_the_completion_of_its_follow_up_are_one_attempt(log: Log) -> None:
    story = Story(log, {"stages": [stage() | {"ladder": LADDER}]})
    before, after = story.opened(0), story.opened(0)
    rounds(story, 0)
    for deal, call, done in ((before, 1, 1.01), (after, 1.01, 1)):
        (step,) = left(story, deal)
        for at, command in sorted(
            [(call, Touch(kind=TouchKind.CALL)), (done, CompleteFollowUp(follow_up_id=step, outcome="no answer"))],
            key=lambda each: each[0],
        ):
            story.do(command, deal, at=at)
            rounds(story, at)
        assert story.follow_ups(deal)[-1].event.due_at == day(call) + timedelta(days=2)
        assert len(left(story, deal)) == 1
        assert note(story, deal) == "attempt 2 of 3"


def note(story: Story, deal: UUID) -> str | None:
    """Of the newest follow-up."""
    ref = story.follow_ups(deal)[-1].event.note
    return None if ref is None else texts(story.log, [ref.text_id])[ref.text_id]


@pytest.mark.parametrize(
    ("end", "why"),
    [
        (lambda: AcceptProposal(proposal_id=PROPOSAL), "the proposal was accepted"),
        (lambda: DeclineProposal(proposal_id=PROPOSAL, reason="price"), "the proposal was declined"),
        (lambda: ReviseProposal(proposal_id=PROPOSAL, expires_at=day(90)), "the proposal was revised"),
        (None, "the proposal has expired"),
    ],
)
@pytest.mark.parametrize("expire", [True, False])
def test_the_reminder_of_a_proposal_goes_with_it(
    log: Log, end: Callable[[], Command] | None, why: str, expire: bool
) -> None:
    story = Story(log, {"stages": [stage()], "proposals": {"remind_days": 3, "expire": expire}})
    deal = story.opened(0)
    other = story.do(SendProposal(proposal_id=UUID(int=2), expires_at=day(60)), deal, at=0)
    assert other == deal
    story.do(SendProposal(proposal_id=PROPOSAL, expires_at=day(10)), deal, at=1)
    rounds(story, 8)
    assert len(left(story, deal)) == 1
    if end is not None:
        story.do(end(), deal, at=9)
    rounds(story, 9 if end else 10, 11)
    assert withdrawn(story, deal) == [why]


def test_a_signal_that_comes_again_is_answered_once(log: Log) -> None:
    story = Story(log, {"stages": [stage()], "signals": [{"signal": ["trial finished", "demo requested"]}]})
    deal = story.opened(0)
    for at, signal in ((1, "trial finished"), (2, "demo requested"), (3, "trial finished")):
        story.do(RecordSignal(signal=signal), deal, at=at)
        rounds(story, at)
    assert withdrawn(story, deal) == ["the signal came again"]
    assert len(left(story, deal)) == 2


def test_where_the_team_has_nobody_the_hand_over_waits_and_says_so(log: Log) -> None:
    story = Story(log, {"stages": [stage()], "hand_over": {"score": 80, "team": "sales"}})
    deal = story.opened(0)
    story.do(SetScore(fit=60, engagement=30), deal, at=1)
    rounds(story, 1, 2)
    assert note(story, deal) == "its score reached 80, and team sales has nobody to take it: assign it"
    assert len(left(story, deal)) == 1
    problems = {watch.policy: watch.problem for watch in watches(log, story.views) if watch.problem}
    assert problems.keys() == {"hand_over"}
    assert "enrol a rep in it" in problems["hand_over"]
    story.do(EnrolRep(rep=PersonRef(source="crm", key="seller"), team="sales"), at=3)
    rounds(story, 3, 4)
    assert withdrawn(story, deal) == ["it was assigned"]
    assert [watch.problem for watch in watches(log, story.views) if watch.problem] == []


def test_what_came_between_the_look_and_the_command_is_looked_at_first(log: Log) -> None:
    story, lagging = Story(log, {"stages": [stage() | {"ladder": LADDER}]}), Story(log)
    touched, lost, taken = (story.opened(0) for _ in range(3))
    look = lagging.views.look("sales", Lens.of(day(1)))
    dues = {due.journey: due for due in CLIMB_LADDER.due(look, {key.key: 0 for key in look.definition.stages})}
    story.touch(touched, at=1)
    story.do(Lose(reason="price"), lost, at=1)
    assert do(log, dues[taken], day(1)).what == "done"
    assert [do(log, dues[deal], day(1)).what for deal in (touched, lost, taken)] == ["over", "over", "known"]
    rounds(story, 1.1)
    assert [len(left(story, deal)) for deal in (touched, lost, taken)] == [1, 0, 1]


def test_who_is_assigned_in_the_same_second_keeps_it(log: Log) -> None:
    story = Story(log, {"stages": [stage()], "hand_over": {"score": 80, "team": "sales"}})
    sellers = [PersonRef(source="crm", key=key) for key in ("seller-1", "seller-2")]
    for rep in sellers:
        story.do(EnrolRep(rep=rep, team="sales"), at=0)
    for rep in sellers:
        deal = story.opened(1)
        story.do(SetScore(fit=50, engagement=40), deal, at=1)
        due = story.run(2, dry_run=True)
        story.do(AssignOwner(owner=rep), deal, at=2)
        assert [do(log, each.due, day(2)).what for each in due] == ["over"]
        rounds(story, 2.1)
        assert [type(entry.event).__name__ for entry in log.stream(deal)].count("OwnerAssigned") == 1


def test_a_step_that_was_done_in_the_same_second_is_not_cancelled(log: Log) -> None:
    story, lagging = Story(log, {"stages": [stage(idle_days=5)]}), Story(log)
    deal = story.opened(0)
    rounds(story, 5)
    story.do(AssignOwner(owner=PersonRef(source="crm", key="rep-02")), deal, at=6)
    due = lagging.run(6, dry_run=True)
    assert [type(each.due.command).__name__ for each in due] == ["WithdrawFollowUp"]
    (step,) = left(story, deal)
    story.do(CompleteFollowUp(follow_up_id=step, outcome="reached"), deal, at=6)
    assert [do(log, each.due, day(6)).what for each in due] == ["over"]
    assert withdrawn(story, deal) == []


def test_what_a_loss_withdrew_is_asked_for_again_once_the_loss_is_taken_back(log: Log) -> None:
    contact = stage(idle_days=3) | {"tasks": [{"key": "call", "kind": "call"}], "ladder": {"after_days": [9, 9]}}
    story = Story(log, {"stages": [contact], "signals": [{"signal": ["trial finished"]}]})
    deal = story.opened(0)
    story.do(RecordSignal(signal="trial finished"), deal, at=0)
    rounds(story, 0.1, 4)
    before = left(story, deal)
    for at in (5, 7):
        story.do(Lose(reason="price"), deal, at=at)
        rounds(story, at + 0.1)
        assert left(story, deal) == []
        take_back(story, deal, at + 1)
        # Of several runners the one that sees it first.
        due = story.run(at + 1.1, dry_run=True)
        assert len({each.due.command_id for each in due}) == len(due) == 4
        assert [each.what for each in story.run(at + 1.1)] == ["done"] * 4
        assert {do(log, each.due, day(at + 1.1)).what for each in due} == {"known"}
    rounds(story, 10, 20, 40)
    assert (len(before), len(left(story, deal)), len(story.follow_ups(deal))) == (4, 4, 12)
    assert story.alerted_on(deal) == [4]
    story.touch(deal, at=41)
    rounds(story, 41)
    assert sorted(withdrawn(story, deal)[8:]) == ["somebody was in touch since", "something happened since"]


def take_back(story: Story, deal: UUID, at: float) -> None:
    """The newest thing that a person did."""
    wrong = [entry for entry in story.log.stream(deal) if entry.envelope.origin == "cli"][-1]
    story.do(RetractEntry(event_id=wrong.event_id, reason="of another deal"), deal, at=at)


def test_a_silence_goes_on_that_a_touch_ended_by_mistake(log: Log) -> None:
    story = Story(log, {"stages": [stage(idle_days=3) | {"ladder": {"after_days": [1, 2]}}]})
    deal = story.opened(0)
    rounds(story, 4)
    story.touch(deal, at=5)
    rounds(story, 5.1)
    assert len(left(story, deal)) == 1
    take_back(story, deal, at=6)
    rounds(story, 6.1, 7, 30)
    assert story.alerted_on(deal) == [4]
    assert len(left(story, deal)) == 2
    # Done is done.
    for step in left(story, deal):
        story.do(CompleteFollowUp(follow_up_id=step, outcome="reached"), deal, at=31)
    rounds(story, 31.1)
    assert story.alerted_on(deal) == [4]


@pytest.mark.parametrize("how", ["completed", "reopened"])
def test_what_was_done_or_is_open_anew_is_not_asked_for_again(log: Log, how: str) -> None:
    story = Story(log, {"stages": [stage()], "signals": [{"signal": ["trial finished"]}]})
    deal = story.opened(0)
    story.do(RecordSignal(signal="trial finished"), deal, at=0)
    rounds(story, 0.1)
    (step,) = left(story, deal)
    story.do(Lose(reason="price"), deal, at=1)
    rounds(story, 1.1)
    if how == "completed":
        wrong = story.log.stream(deal)[-2].event_id
        story.do(CompleteFollowUp(follow_up_id=step, outcome="reached"), deal, at=2)
        story.do(RetractEntry(event_id=wrong, reason="of another deal"), deal, at=2.1)
    else:
        story.do(ReopenDeal(stage="contact", reason="they called"), deal, at=2)
    rounds(story, 3, 9)
    assert len(story.follow_ups(deal)) == 1


def test_what_was_asked_because_of_what_was_retracted_is_withdrawn(log: Log) -> None:
    tasks = {"tasks": [{"key": "book", "kind": "call"}]}
    story = Story(log, {"stages": [stage(), stage("meeting") | tasks], "signals": [{"signal": ["trial finished"]}]})
    signalled, moved, stays = (story.opened(0) for _ in range(3))
    for deal in (signalled, stays):
        story.do(RecordSignal(signal="trial finished"), deal, at=1)
    for deal in (moved, stays):
        story.do(MoveStage(stage="meeting", reason="told"), deal, at=1)
    rounds(story, 1)
    for deal in (signalled, moved):
        take_back(story, deal, at=2)
    story.do(Touch(kind=TouchKind.CALL), stays, at=2)
    take_back(story, stays, at=2.1)
    rounds(story, 2.2, 3, 9)
    assert [withdrawn(story, deal) for deal in (signalled, moved)] == [["what it was asked for was retracted"]] * 2
    assert (withdrawn(story, stays), len(left(story, stays))) == ([], 2)
