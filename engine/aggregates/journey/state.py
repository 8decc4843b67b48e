"""What the rules need to know of a journey, be it a lead or a deal: folded from its entries."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, TypeVar, assert_never
from uuid import UUID

from engine import entries
from engine.values import Attribute, Dimension, Money

K = TypeVar("K")
V = TypeVar("V")

EntryEvent = (
    entries.Touched
    | entries.BantAssessed
    | entries.SignalRecorded
    | entries.Scored
    | entries.OwnerAssigned
    | entries.AttributesSet
    | entries.NoteAdded
    | entries.Stalled
    | entries.FollowUpScheduled
    | entries.FollowUpCompleted
    | entries.FollowUpSnoozed
    | entries.FollowUpCancelled
    | entries.EntryRetracted
)


@dataclass(frozen=True, slots=True)
class FollowUp:
    due_at: datetime
    status: Literal["open", "completed", "cancelled"] = "open"
    snoozed_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Journey:
    pipeline: str | None = None
    """None until it is opened, and again when its opening was taken back"""
    owner: UUID | None = None
    value: Money | None = None
    bant: Mapping[Dimension, entries.BantAssessed] = field(default_factory=dict)
    """the latest assessment of each dimension"""
    fit: int | None = None
    engagement: int | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    follow_ups: Mapping[UUID, FollowUp] = field(default_factory=dict)
    alerted: frozenset[UUID] = frozenset()
    """the stall episodes already alerted, by the event that started each"""
    merged_into: UUID | None = None


def evolve(journey: Journey, event: EntryEvent) -> Journey:
    match event:
        case entries.Touched() | entries.SignalRecorded() | entries.NoteAdded() | entries.EntryRetracted():
            return journey
        case entries.BantAssessed():
            return replace(journey, bant=put(journey.bant, event.dimension, event))
        case entries.Scored():
            return replace(
                journey,
                fit=journey.fit if event.fit is None else event.fit,
                engagement=journey.engagement if event.engagement is None else event.engagement,
            )
        case entries.OwnerAssigned():
            return replace(journey, owner=event.owner)
        case entries.AttributesSet():
            return replace(journey, attributes={**journey.attributes, **as_dict(event.attributes)})
        case entries.Stalled():
            return replace(journey, alerted=journey.alerted | {event.started_by})
        case entries.FollowUpScheduled():
            return with_follow_up(journey, event.follow_up_id, FollowUp(event.due_at))
        case entries.FollowUpSnoozed():
            known = journey.follow_ups.get(event.follow_up_id, FollowUp(event.until))
            return with_follow_up(journey, event.follow_up_id, replace(known, snoozed_until=event.until))
        case entries.FollowUpCompleted():
            return end_follow_up(journey, event.follow_up_id, "completed")
        case entries.FollowUpCancelled():
            return end_follow_up(journey, event.follow_up_id, "cancelled")
        case _:
            assert_never(event)


def end_follow_up(journey: Journey, follow_up_id: UUID, status: Literal["completed", "cancelled"]) -> Journey:
    # Its scheduling may have been taken back since: what ended it then ends nothing.
    known = journey.follow_ups.get(follow_up_id)
    return journey if known is None else with_follow_up(journey, follow_up_id, replace(known, status=status))


def with_follow_up(journey: Journey, follow_up_id: UUID, follow_up: FollowUp) -> Journey:
    return replace(journey, follow_ups=put(journey.follow_ups, follow_up_id, follow_up))


def put(mapping: Mapping[K, V], key: K, value: V) -> Mapping[K, V]:
    return {**mapping, key: value}


def as_dict(attributes: tuple[Attribute, ...]) -> dict[str, str]:
    return {attribute.name: attribute.value for attribute in attributes}
