"""May it? The rules of a deal; those about stages are in moves.py, about proposals in proposals.py."""

from uuid import UUID

from engine.aggregates.context import Context
from engine.aggregates.deal import events
from engine.aggregates.deal.commands import (
    AcceptProposal,
    ChangeExpectedClose,
    ChangePipeline,
    ChangeValue,
    DealCommand,
    DeclineProposal,
    ExpireProposal,
    Lose,
    MergeDeal,
    MoveStage,
    OpenDeal,
    RecordDelivery,
    RecordPayment,
    RecordSatisfaction,
    ReopenDeal,
    ReviseProposal,
    SendProposal,
    Win,
)
from engine.aggregates.deal.events import (
    DealLost,
    DealMerged,
    DealOpened,
    DealReopened,
    DealWon,
    Delivered,
    ExpectedCloseChanged,
    PaymentReceived,
    PipelineChanged,
    SatisfactionRecorded,
    ValueChanged,
)
from engine.aggregates.deal.moves import change_pipeline, move, must_be_open, reopen
from engine.aggregates.deal.proposals import accept, decline, expire, revise, send
from engine.aggregates.deal.state import Deal
from engine.aggregates.journey.asking import outdated
from engine.aggregates.journey.commands import AskFollowUp, HandOver, RaiseStalled, RetractEntry, WithdrawFollowUp
from engine.aggregates.journey.rules import (
    decide_entry,
    late,
    must_be_another_journey,
    must_follow,
    must_name_attributes_once,
    must_not_be_won,
    optional_text,
    retract,
)
from engine.errors import Rejected
from engine.messages import Event


def decide(state: Deal, command: DealCommand, context: Context) -> list[Event]:
    if isinstance(command, OpenDeal):
        return open_deal(state, command, context)
    must_be_opened(state)
    if isinstance(command, RetractEntry):
        return retract(state.journey, command, context, events, irrevocable=(DealOpened,) if state.from_lead else ())
    if isinstance(command, AskFollowUp | WithdrawFollowUp | HandOver) and outdated(command.seen, context):
        return []
    if isinstance(command, WithdrawFollowUp):
        # Also where it was merged: the next steps are the other journey's.
        return decide_entry(state.journey, command, context, events)
    must_not_be_merged(state)
    match command:
        case SendProposal():
            return send(state, command, context)
        case ReviseProposal():
            return revise(state, command, context)
        case AcceptProposal():
            return accept(state, command)
        case DeclineProposal():
            return decline(state, command)
        case ExpireProposal():
            return expire(state, command, context)
        case MoveStage():
            return move(command, context)
        case ChangePipeline():
            return change_pipeline(state, command, context)
        case ReopenDeal():
            return reopen(state, command, context)
        case Win():
            return win(state, command, context)
        case Lose():
            return lose(state, command, context)
        case ChangeValue():
            same = command.value == state.journey.value and not late(context)
            return [] if same else [ValueChanged(value=command.value)]
        case ChangeExpectedClose():
            same = command.expected_close == state.expected_close and not late(context)
            return [] if same else [ExpectedCloseChanged(expected_close=command.expected_close)]
        case RecordPayment():
            return [PaymentReceived(amount=command.amount)]
        case RecordDelivery():
            return [Delivered()]
        case RecordSatisfaction():
            # Also before the sale: a customer's answer is a fact. Only after a win it is after-sales.
            return [SatisfactionRecorded(score=command.score, comment=optional_text(context, command.comment))]
        case MergeDeal():
            must_follow(context, DealOpened)
            must_not_be_won(context, told=state.outcome == "won")
            return [DealMerged(into=must_be_another_journey(command.into, context))]
        case RaiseStalled() if state.outcome is not None:
            return []
        case _:
            return decide_entry(state.journey, command, context, events)


def open_deal(state: Deal, command: OpenDeal, context: Context) -> list[Event]:
    if state.opened or any(entry.own for entry in context.entries):
        raise Rejected("the deal is opened already: record what is new as entries, or open another deal")
    if command.from_lead is not None and state.journey.pipeline != command.pipeline:
        raise Rejected(
            f"a deal of lead {command.from_lead} is opened by converting the lead, in its own pipeline "
            f"({state.journey.pipeline or 'none'}, not {command.pipeline})"
        )
    must_name_attributes_once(command.attributes)
    context.definition(command.pipeline)
    return [
        DealOpened(
            pipeline=command.pipeline,
            from_lead=command.from_lead,
            follows=None if command.follows is None else must_be_known(command.follows, context),
            title=optional_text(context, command.title),
            person=None if command.person is None else context.person(command.person, "customer"),
            owner=None if command.owner is None else context.person(command.owner, "rep"),
            source=command.source,
            channel=command.channel,
            value=command.value,
            expected_close=command.expected_close,
            attributes=command.attributes,
        )
    ]


def win(state: Deal, command: Win, context: Context) -> list[Event]:
    if command.evidence is None:
        raise Rejected("a deal is won only with evidence: pass the signed document's or the purchase's reference")
    must_follow(context, *OPENINGS)
    # A definition may show a deal as won before its evidence is here (paid, say): the win is still to be told.
    must_be_open(state, context, "winning it", closed=("lost",))
    return [DealWon(evidence=context.text(command.evidence), value=command.value)]


def lose(state: Deal, command: Lose, context: Context) -> list[Event]:
    if command.reason is None:
        raise Rejected("a deal is lost with a reason: pass one, such as price")
    must_follow(context, *OPENINGS)
    must_be_open(state, context, "losing it")
    return [DealLost(reason=command.reason, comment=optional_text(context, command.comment))]


OPENINGS = (DealOpened, DealReopened, PipelineChanged)
"""What opens a deal: a win or a loss dated before one of these would be undone by it at once."""


def must_be_opened(state: Deal) -> None:
    if not state.opened:
        raise Rejected("the deal is void, its opening was retracted: open a new one")
    if state.void:
        raise Rejected("the journey is void, its lead's capture was retracted: capture a new lead or open a new deal")


def must_not_be_merged(state: Deal) -> None:
    into = state.journey.merged_into
    if into is not None:
        raise Rejected(f"the deal was merged into {into}: record it there; here only entries are retracted")


def must_be_known(earlier: UUID, context: Context) -> UUID:
    other = context.other(earlier)
    if other is None:
        raise Rejected(f"there is no lead or deal {earlier} for this one to follow: name one that exists")
    return other.journey_id
