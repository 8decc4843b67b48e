"""Tasks of stages, answers to signals, attempts, proposals, hand-over: each asked for once, to the right person."""

from typing import Any
from uuid import UUID

import pytest

from engine.aggregates.deal.commands import (
    AcceptProposal,
    Lose,
    MoveStage,
    RecordPayment,
    ReviseProposal,
    SendProposal,
    Win,
)
from engine.aggregates.deal.events import ProposalExpired
from engine.aggregates.inputs import PersonRef
from engine.aggregates.journey.commands import CompleteFollowUp, RecordSignal, SetScore, Touch
from engine.aggregates.pipeline.commands import PublishDefinition
from engine.aggregates.roster.commands import EnrolRep, RecordRepLeft
from engine.entries import FollowUpCancelled, OwnerAssigned
from engine.errors import Rejected
from engine.log.application import Log
from engine.log.people import person
from engine.log.texts import texts
from engine.policies.climb_ladder import CLIMB_LADDER
from engine.stages.definition import parse_definition
from engine.values import Direction, TouchKind
from tests.policies.stories import BEGAN, REP, Story, day, stage

BOSS = PersonRef(source="crm", key="boss")
TASKS = {
    "stages": [
        stage("contact") | {"tasks": [{"key": "first-call", "kind": "call", "within_days": 1}]},
        stage("proposal")
        | {
            "enter": {"event": "ProposalSent"},
            "tasks": [
                {"key": "send", "kind": "email", "within_days": 2, "note": "send the proposal"},
                {"key": "call", "kind": "call", "within_days": 5},
            ],
        },
    ]
}


def asked(story: Story, deal: UUID) -> list[tuple[str, float, str | None]]:
    """Every follow-up that was ever scheduled: kind, day it is due, note."""
    found = []
    for entry in story.follow_ups(deal):
        event = entry.event
        note = None if event.note is None else texts(story.log, [event.note.text_id])[event.note.text_id]
        found.append((event.kind.value, (event.due_at - BEGAN).total_seconds() / 86_400, note))
    return found


def cancelled(story: Story, deal: UUID) -> int:
    return sum(isinstance(entry.event, FollowUpCancelled) for entry in story.log.stream(deal))


def person_of(story: Story, who: PersonRef) -> UUID:
    found = person(story.log, who.source, who.key)
    assert found is not None
    return found.person_id


def rounds(story: Story, *days: float) -> None:
    for at in days:
        assert all(done.what == "done" for done in story.run(at)), at


@pytest.mark.checklist("S44")
def test_entering_a_stage_gives_its_tasks_once_and_leaving_it_cancels_them(log: Log) -> None:
    story = Story(log, TASKS)
    deal = story.opened(0)
    rounds(story, 0, 0.1, 0.2)
    assert asked(story, deal) == [("call", 1, None)]
    story.do(SendProposal(), deal, at=3)
    rounds(story, 3, 3.1, 4)
    assert sorted(asked(story, deal)[1:]) == [("call", 8, None), ("email", 5, "send the proposal")]
    assert cancelled(story, deal) == 1
    story.do(MoveStage(stage="contact", reason="began anew"), deal, at=6)
    rounds(story, 6, 7)
    assert asked(story, deal)[3:] == [("call", 7, None)]
    assert cancelled(story, deal) == 3


def test_a_task_that_was_done_is_neither_cancelled_nor_given_again(log: Log) -> None:
    story = Story(log, TASKS)
    deal = story.opened(0)
    rounds(story, 0)
    done = story.follow_ups(deal)[0].event.follow_up_id
    story.do(CompleteFollowUp(follow_up_id=done, outcome="reached"), deal, at=0.5)
    rounds(story, 1)
    story.do(SendProposal(), deal, at=3)
    rounds(story, 3)
    assert (len(asked(story, deal)), cancelled(story, deal)) == (3, 0)


def test_a_win_asks_for_the_payment_and_for_satisfaction(log: Log) -> None:
    won: dict[str, Any] = {
        "key": "signed",
        "kind": "won",
        "enter": {"event": "DealWon"},
        "tasks": [
            {"key": "payment", "kind": "email", "within_days": 14, "note": "remind of the payment"},
            {"key": "feedback", "kind": "call", "within_days": 30, "note": "ask how satisfied they are"},
        ],
    }
    after = {"key": "paid", "kind": "after_sale", "enter": {"event": "PaymentReceived"}}
    definition = {"pipeline": "sales", "stages": [stage(), won, after]}
    story = Story(log, {"stages": [stage()]})
    story.do(PublishDefinition(pipeline="sales", definition=parse_definition(definition), reason="after-sales"), at=0)
    deal = story.opened(0)
    story.do(Win(evidence="signed on paper"), deal, at=2)
    rounds(story, 2, 3)
    assert {note for _, _, note in asked(story, deal)} == {"remind of the payment", "ask how satisfied they are"}
    story.do(RecordPayment(), deal, at=5)
    rounds(story, 5)
    assert cancelled(story, deal) == 2


def test_a_loss_cancels_what_any_policy_asked_for(log: Log) -> None:
    story = Story(log, {"stages": [stage(idle_days=5) | {"tasks": [{"key": "call", "kind": "call"}]}]})
    deal = story.opened(0)
    rounds(story, 0, 5)
    assert len(asked(story, deal)) == 2
    story.do(Lose(reason="price"), deal, at=6)
    rounds(story, 6, 7)
    assert cancelled(story, deal) == 2


def test_a_win_cancels_what_policies_asked_for_to_get_there(log: Log) -> None:
    won = {"key": "signed", "kind": "won", "enter": {"event": "DealWon"}, "tasks": [{"key": "thank", "kind": "call"}]}
    story = Story(log, {"stages": [stage(idle_days=5)]})
    definition = {"pipeline": "sales", "stages": [stage(idle_days=5), won]}
    story.do(PublishDefinition(pipeline="sales", definition=parse_definition(definition), reason="thanks"), at=0)
    deal = story.opened(0)
    rounds(story, 0, 5)
    alerted = [entry.event.follow_up_id for entry in story.follow_ups(deal)]
    assert len(alerted) == 1
    story.do(Win(evidence="signed on paper"), deal, at=6)
    rounds(story, 6, 7)
    gone = [entry.event.follow_up_id for entry in story.log.stream(deal) if isinstance(entry.event, FollowUpCancelled)]
    assert gone == alerted


@pytest.mark.checklist("S20")
@pytest.mark.parametrize("signal", ["mailing list joined", "samples ordered", "quote obtained", "demo requested"])
def test_s20_a_signal_raises_the_follow_up_it_deserves(log: Log, signal: str) -> None:
    answers = [
        {"signal": [signal, "trial finished"], "kind": "call", "within_days": 2, "note": "ask how they liked it"},
    ]
    story = Story(log, {"stages": [stage()], "signals": answers})
    deal = story.opened(0)
    story.do(RecordSignal(signal=signal), deal, at=3)
    story.do(RecordSignal(signal="opened a mail"), deal, at=3)
    rounds(story, 3.5, 4)
    assert asked(story, deal) == [("call", 5, "ask how they liked it")]
    story.do(RecordSignal(signal="trial finished"), deal, at=6)
    rounds(story, 6, 7)
    assert asked(story, deal)[1:] == [("call", 8, "ask how they liked it")]


@pytest.mark.checklist("S27")
def test_s27_attempts_go_on_as_declared_then_the_manager_then_giving_up_is_suggested(log: Log) -> None:
    ladder = {"after_days": [1, 2, 4], "escalate_after": 2}
    story = Story(log, {"stages": [stage() | {"ladder": ladder}]})
    story.do(EnrolRep(rep=REP, team="sales", manager=BOSS), at=0)
    deal = story.opened(0)
    rounds(story, 0, 0.5)
    for at in (1, 3, 7):
        story.touch(deal, at=at)
        rounds(story, at, at + 0.5)
    notes = [(due, note) for _, due, note in asked(story, deal)]
    assert notes == [
        (1, "attempt 1 of 3"),
        (3, "attempt 2 of 3"),
        (7, "attempt 3 of 3"),
        (8, "nobody answered 3 attempts: disqualify it, with the reason, or try another way"),
    ]
    owners = [entry.event.owner for entry in story.follow_ups(deal)]
    assert owners == [None, None, person_of(story, BOSS), person_of(story, BOSS)]


@pytest.mark.checklist("S27")
def test_eight_attempts_are_asked_for_on_the_days_that_are_declared_and_the_manager_from_the_fifth_on(log: Log) -> None:
    gaps = [1, 2, 3, 5, 8, 13, 21, 34]
    story = Story(log, {"stages": [stage() | {"ladder": {"after_days": gaps, "escalate_after": 4}}]})
    story.do(EnrolRep(rep=REP, team="sales", manager=BOSS), at=0)
    deal, unowned = story.opened(0), story.opened(0, owner=None)
    called = 0.0
    rounds(story, 0)
    for gap in gaps:
        called += gap
        for each in (deal, unowned):
            story.touch(each, at=called)
        rounds(story, called)
    notes = [f"attempt {number} of 8" for number in range(1, 9)]
    last = "nobody answered 8 attempts: disqualify it, with the reason, or try another way"
    # Each so many days after the one before: the first after the opening, the last on day 87; the suggestion at once.
    due = [1, 3, 6, 11, 19, 32, 53, 87, 88]
    assert [(at, note) for _, at, note in asked(story, deal)] == list(zip(due, [*notes, last], strict=True))
    boss = person_of(story, BOSS)
    assert [entry.event.owner for entry in story.follow_ups(deal)] == [None] * 4 + [boss] * 5
    # With no owner there is no manager to ask: they are the team's.
    assert [entry.event.owner for entry in story.follow_ups(unowned)] == [None] * 9
    assert cancelled(story, deal) == 8
    story.touch(deal, at=100)
    rounds(story, 100)
    assert asked(story, deal)[-1][2] == "nobody answered 9 attempts: disqualify it, with the reason, or try another way"


def test_a_manager_who_has_left_is_not_asked(log: Log) -> None:
    story = Story(log, {"stages": [stage() | {"ladder": {"after_days": [1, 2, 4], "escalate_after": 1}}]})
    story.do(EnrolRep(rep=BOSS, team="north"), at=0)
    story.do(EnrolRep(rep=REP, team="north", manager=BOSS), at=0)
    deal = story.opened(0)
    story.touch(deal, at=1)
    rounds(story, 1)
    story.do(RecordRepLeft(rep=BOSS), at=2)
    story.touch(deal, at=3)
    rounds(story, 3)
    assert [step.event.owner for step in story.follow_ups(deal)] == [person_of(story, BOSS), None]


def test_a_mail_that_a_machine_sent_is_no_attempt_and_its_answer_none(log: Log) -> None:
    story = Story(log, {"stages": [stage() | {"ladder": {"after_days": [1, 2]}}]})
    deal = story.opened(0)
    rounds(story, 0)
    for direction in (Direction.OUTBOUND, Direction.INBOUND):
        story.do(Touch(kind=TouchKind.EMAIL, direction=direction, automated=True), deal, at=0.5)
    rounds(story, 0.5, 1)
    assert len(asked(story, deal)) == 1


@pytest.mark.checklist("S27")
def test_the_never_touched_come_first_then_those_with_fewest_attempts(log: Log) -> None:
    story = Story(log, {"stages": [stage() | {"ladder": {"after_days": [1, 2, 4]}}]})
    attempts = [2, 0, 1, 0, 2, 1]
    deals = [story.opened(0) for _ in attempts]
    for at in (1, 2):
        for deal, number in zip(deals, attempts, strict=True):
            if number >= at:
                story.touch(deal, at=at)
    made = dict(zip(deals, attempts, strict=True))
    done = [made[each.due.journey] for each in story.run(2, policies=[CLIMB_LADDER])]
    assert done == [0, 0, 1, 1, 2, 2]


def test_an_answer_begins_the_attempts_anew(log: Log) -> None:
    story = Story(log, {"stages": [stage() | {"ladder": {"after_days": [1, 2, 4]}}]})
    deal = story.opened(0)
    for at in (1, 3):
        story.touch(deal, at=at)
    story.do(Touch(kind=TouchKind.CALL, direction=Direction.INBOUND), deal, at=4)
    rounds(story, 4)
    assert asked(story, deal) == [("call", 5, "attempt 1 of 3")]


def test_a_proposal_reminds_before_it_expires_and_then_it_has_expired(log: Log) -> None:
    story = Story(log, {"stages": [stage()], "proposals": {"remind_days": 3}})
    deals = [story.opened(0) for _ in range(3)]
    ids = [UUID(int=number) for number in (1, 2, 3)]
    for deal, proposal in zip(deals, ids, strict=True):
        story.do(SendProposal(proposal_id=proposal, expires_at=day(10)), deal, at=1)
    story.do(AcceptProposal(proposal_id=ids[1]), deals[1], at=2)
    story.do(ReviseProposal(proposal_id=ids[2], expires_at=day(30)), deals[2], at=2)
    rounds(story, 6.9)
    assert asked(story, deals[0]) == []
    rounds(story, 7, 8, 10, 11)
    assert asked(story, deals[0]) == [("call", 10, "the proposal is about to expire")]
    expired = [[isinstance(entry.event, ProposalExpired) for entry in story.log.stream(deal)] for deal in deals]
    assert [sum(each) for each in expired] == [1, 0, 0]
    assert asked(story, deals[1]) + asked(story, deals[2]) == []


@pytest.mark.checklist("S29")
def test_s29_over_the_threshold_a_journey_is_handed_to_who_has_least_to_do(log: Log) -> None:
    story = Story(log, {"stages": [stage()], "hand_over": {"score": 80, "team": "sales"}})
    busy, free = PersonRef(source="crm", key="busy"), PersonRef(source="crm", key="free")
    for rep, team in ((busy, "sales"), (free, "sales"), (REP, "marketing")):
        story.do(EnrolRep(rep=rep, team=team, manager=BOSS), at=0)
    story.opened(0, owner=busy)
    marketing, other, cold = story.opened(0), story.opened(0), story.opened(0)
    nobody = story.opened(0, owner=None)
    for deal, fit in ((marketing, 50), (other, 50), (nobody, 60), (cold, 10)):
        story.do(SetScore(fit=fit, engagement=30), deal, at=1)
    rounds(story, 1, 2)
    assigned = {
        deal: [entry.event.owner for entry in story.log.stream(deal) if isinstance(entry.event, OwnerAssigned)]
        for deal in (marketing, other, nobody, cold)
    }
    assert assigned[cold] == []
    assert all(len(assigned[deal]) == 1 for deal in (marketing, other, nobody))
    # One had a deal before: in the end both have two.
    to = [owner for owners in assigned.values() for owner in owners]
    assert (to.count(person_of(story, busy)), to.count(person_of(story, free))) == (1, 2)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ({"stages": [stage(idle_days=3, business=True)]}, "give the definition a calendar"),
        ({"stages": [stage(touch_kinds=["call"], idle_days=3)]}, "give touch_days too"),
        ({"stages": [stage() | {"ladder": {"after_days": [1] * 9}}]}, "at most 8"),
        ({"stages": [stage() | {"ladder": {"after_days": [1], "escalate_after": 2}}]}, "never reached"),
        ({"stages": [stage() | {"tasks": [{"key": "a", "kind": "call"}] * 2}]}, "two tasks 'a'"),
        ({"stages": [stage()], "calendar": {"zone": "Mars/Olympus"}}, "no time zone"),
        ({"stages": [stage()], "calendar": {"country": "XX"}}, "ISO 3166"),
        ({"stages": [stage()], "calendar": {"subdivision": "CT"}}, "needs its country"),
        ({"stages": [stage()], "calendar": {"working_days": []}}, "at least 1"),
    ],
)
def test_a_definition_that_asks_for_what_cannot_be_is_refused(raw: dict[str, Any], why: str) -> None:
    with pytest.raises(Rejected, match=why):
        parse_definition({"pipeline": "sales", **raw})
