"""Shapes of the facts that a lead and a deal both can carry; each aggregate names its own with its own type tag."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from engine.messages import Event
from engine.values import Attribute, Dimension, Direction, Key, Label, TextRef, TouchKind, Utc, Verdict, Whole

Score = Annotated[Whole, Field(ge=0, le=1000)]
Attributes = Annotated[tuple[Attribute, ...], Field(max_length=100)]


class Touched(Event):
    kind: TouchKind
    direction: Direction = Direction.OUTBOUND
    automated: bool = False
    """Sent by a machine: it keeps a lead warm but is not the first human answer."""
    note: TextRef | None = None


class BantAssessed(Event):
    dimension: Dimension
    verdict: Verdict
    evidence: TextRef | None = None


class SignalRecorded(Event):
    """Something the customer or another system did that may advance the journey (a trial finished, a form returned)."""

    signal: Label


class Scored(Event):
    """A new fit score, engagement score, or both; a score not given keeps its value."""

    fit: Score | None = None
    engagement: Score | None = None


class OwnerAssigned(Event):
    owner: UUID
    """person_id of the rep"""


class AttributesSet(Event):
    attributes: Attributes


class NoteAdded(Event):
    note: TextRef


class Stalled(Event):
    """The alert of one stall episode, with the reason as it was computed."""

    stage: Key
    started_by: UUID
    """event_id of what started the clock: names the episode"""
    idle_days: float
    limit_days: float
    definition: int
    """version of the pipeline's definition whose rule spoke"""


class FollowUpScheduled(Event):
    follow_up_id: UUID
    kind: TouchKind
    due_at: Utc
    owner: UUID | None = None
    note: TextRef | None = None


class FollowUpCompleted(Event):
    follow_up_id: UUID
    outcome: Label


class FollowUpSnoozed(Event):
    follow_up_id: UUID
    until: Utc
    reason: Label


class FollowUpCancelled(Event):
    follow_up_id: UUID
    reason: Label


class EntryRetracted(Event):
    """A correction: the named entry never was, except for who asks what was known before."""

    event_id: UUID
    reason: Label
    comment: TextRef | None = None
