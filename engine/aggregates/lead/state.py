"""A lead, folded from its stream."""

from dataclasses import dataclass, field, replace
from typing import assert_never
from uuid import UUID

from engine.aggregates.journey import state as journey
from engine.aggregates.journey.state import Journey, as_dict
from engine.aggregates.lead import events
from engine.aggregates.lead.events import (
    LeadCaptured,
    LeadConverted,
    LeadDisqualified,
    LeadEvent,
    LeadMerged,
    LeadQualified,
    LeadReopened,
)


@dataclass(frozen=True, slots=True)
class Lead:
    journey: Journey = field(default_factory=Journey)
    qualified: bool = False
    disqualified: bool = False
    converted_to: UUID | None = None


def evolve(state: Lead, event: LeadEvent) -> Lead:
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
        case LeadCaptured():
            return replace(state, journey=captured(state.journey, event))
        case LeadQualified():
            return replace(state, qualified=True)
        case LeadDisqualified():
            return replace(state, disqualified=True)
        case LeadReopened():
            return replace(state, disqualified=False)
        case LeadConverted():
            return replace(state, converted_to=event.deal)
        case LeadMerged():
            return replace(state, journey=replace(state.journey, merged_into=event.into))
        case _:
            assert_never(event)


def captured(before: Journey, event: LeadCaptured) -> Journey:
    # Late entries may come before the capture: what they said stands where the capture says nothing.
    return replace(
        before,
        pipeline=event.pipeline,
        owner=event.owner or before.owner,
        value=event.value or before.value,
        attributes={**before.attributes, **as_dict(event.attributes)},
    )
