"""A deal, folded from its stream; one that came from a lead starts with what the lead's journey brought."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal, assert_never
from uuid import UUID

from engine.aggregates.deal import events
from engine.aggregates.deal.events import (
    DealEvent,
    DealLost,
    DealMerged,
    DealOpened,
    DealReopened,
    DealWon,
    Delivered,
    ExpectedCloseChanged,
    PaymentReceived,
    PipelineChanged,
    ProposalAccepted,
    ProposalDeclined,
    ProposalExpired,
    ProposalOption,
    ProposalRevised,
    ProposalSent,
    SatisfactionRecorded,
    StageMoved,
    ValueChanged,
)
from engine.aggregates.journey import state as journey
from engine.aggregates.journey.state import Journey, as_dict


@dataclass(frozen=True, slots=True)
class Proposal:
    options: tuple[ProposalOption, ...]
    expires_at: datetime | None
    status: Literal["live", "accepted", "declined", "expired"] = "live"


@dataclass(frozen=True, slots=True)
class Deal:
    journey: Journey = field(default_factory=Journey)
    opened: bool = False
    from_lead: bool = False
    void: bool = False
    """the capture of the lead it came from was taken back"""
    outcome: Literal["won", "lost"] | None = None
    """the first of a win and a loss, until a reopening"""
    expected_close: date | None = None
    proposals: Mapping[UUID, Proposal] = field(default_factory=dict)


def of_lead(brought: Journey) -> Deal:
    """What a deal is before its own first event, when it came from a lead."""
    return Deal(journey=brought, void=brought.pipeline is None)


def evolve(state: Deal, event: DealEvent) -> Deal:
    match event:
        # The most frequent first: a fold asks in this order.
        case (
            events.Touched()
            | events.BantAssessed()
            | events.SignalRecorded()
            | events.Scored()
            | events.OwnerAssigned()
            | events.AttributesSet()
            | events.NoteAdded()
            | events.Stalled()
            | events.FollowUpScheduled()
            | events.FollowUpCompleted()
            | events.FollowUpSnoozed()
            | events.FollowUpCancelled()
            | events.EntryRetracted()
        ):
            brought = journey.evolve(state.journey, event)
            return state if brought is state.journey else replace(state, journey=brought)
        case DealOpened():
            return opened(state, event)
        case ProposalSent() | ProposalRevised():
            return with_proposal(state, event.proposal_id, Proposal(event.options, event.expires_at))
        case ProposalAccepted():
            return end_proposal(state, event.proposal_id, "accepted")
        case ProposalDeclined():
            return end_proposal(state, event.proposal_id, "declined")
        case ProposalExpired():
            return end_proposal(state, event.proposal_id, "expired")
        case PipelineChanged():
            return replace(state, journey=replace(state.journey, pipeline=event.pipeline), outcome=None)
        case ValueChanged():
            return replace(state, journey=replace(state.journey, value=event.value))
        case ExpectedCloseChanged():
            return replace(state, expected_close=event.expected_close)
        case DealWon():
            signed_for = replace(state.journey, value=event.value or state.journey.value)
            return replace(state, journey=signed_for, outcome=state.outcome or "won")
        case DealLost():
            return replace(state, outcome=state.outcome or "lost")
        case DealReopened():
            return replace(state, outcome=None)
        case DealMerged():
            return replace(state, journey=replace(state.journey, merged_into=event.into))
        case StageMoved() | PaymentReceived() | Delivered() | SatisfactionRecorded():
            return state
        case _:
            assert_never(event)


def opened(state: Deal, event: DealOpened) -> Deal:
    # The lead, or late entries, may have said something before: it stands where the opening says nothing.
    before = state.journey
    return replace(
        state,
        opened=True,
        from_lead=event.from_lead is not None,
        expected_close=event.expected_close or state.expected_close,
        journey=replace(
            before,
            pipeline=event.pipeline,
            owner=event.owner or before.owner,
            value=event.value or before.value,
            attributes={**before.attributes, **as_dict(event.attributes)},
        ),
    )


def with_proposal(state: Deal, proposal_id: UUID, proposal: Proposal) -> Deal:
    return replace(state, proposals={**state.proposals, proposal_id: proposal})


def end_proposal(state: Deal, proposal_id: UUID, status: Literal["accepted", "declined", "expired"]) -> Deal:
    # Its sending may have been taken back since: what ended it then ends nothing.
    known = state.proposals.get(proposal_id)
    return state if known is None else with_proposal(state, proposal_id, replace(known, status=status))
