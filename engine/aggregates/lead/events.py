"""Everything that can happen to a lead. Published shapes are never edited."""

from typing import ClassVar
from uuid import UUID

from engine import entries
from engine.entries import Attributes
from engine.messages import Event
from engine.values import Key, Label, Money, TextRef


class LeadCaptured(Event):
    TOPIC: ClassVar[str] = "lead.captured.v1"
    pipeline: Key
    title: TextRef | None = None
    person: UUID | None = None
    """person_id of the customer"""
    owner: UUID | None = None
    source: Label | None = None
    channel: Label | None = None
    value: Money | None = None
    attributes: Attributes = ()


class Touched(entries.Touched):
    TOPIC: ClassVar[str] = "lead.touched.v1"


class BantAssessed(entries.BantAssessed):
    TOPIC: ClassVar[str] = "lead.bant_assessed.v1"


class SignalRecorded(entries.SignalRecorded):
    TOPIC: ClassVar[str] = "lead.signal_recorded.v1"


class Scored(entries.Scored):
    TOPIC: ClassVar[str] = "lead.scored.v1"


class OwnerAssigned(entries.OwnerAssigned):
    TOPIC: ClassVar[str] = "lead.owner_assigned.v1"


class AttributesSet(entries.AttributesSet):
    TOPIC: ClassVar[str] = "lead.attributes_set.v1"


class NoteAdded(entries.NoteAdded):
    TOPIC: ClassVar[str] = "lead.note_added.v1"


class LeadQualified(Event):
    TOPIC: ClassVar[str] = "lead.qualified.v1"


class LeadDisqualified(Event):
    TOPIC: ClassVar[str] = "lead.disqualified.v1"
    reason: Label
    comment: TextRef | None = None


class LeadConverted(Event):
    TOPIC: ClassVar[str] = "lead.converted.v1"
    deal: UUID
    """stream_id of the deal it became"""


class LeadMerged(Event):
    TOPIC: ClassVar[str] = "lead.merged.v1"
    into: UUID


class LeadReopened(Event):
    TOPIC: ClassVar[str] = "lead.reopened.v1"
    stage: Key
    reason: Label


class Stalled(entries.Stalled):
    TOPIC: ClassVar[str] = "lead.stalled.v1"


class FollowUpScheduled(entries.FollowUpScheduled):
    TOPIC: ClassVar[str] = "lead.follow_up_scheduled.v1"


class FollowUpCompleted(entries.FollowUpCompleted):
    TOPIC: ClassVar[str] = "lead.follow_up_completed.v1"


class FollowUpSnoozed(entries.FollowUpSnoozed):
    TOPIC: ClassVar[str] = "lead.follow_up_snoozed.v1"


class FollowUpCancelled(entries.FollowUpCancelled):
    TOPIC: ClassVar[str] = "lead.follow_up_cancelled.v1"


class EntryRetracted(entries.EntryRetracted):
    TOPIC: ClassVar[str] = "lead.entry_retracted.v1"


LeadEvent = (
    LeadCaptured
    | Touched
    | BantAssessed
    | SignalRecorded
    | Scored
    | OwnerAssigned
    | AttributesSet
    | NoteAdded
    | LeadQualified
    | LeadDisqualified
    | LeadConverted
    | LeadMerged
    | LeadReopened
    | Stalled
    | FollowUpScheduled
    | FollowUpCompleted
    | FollowUpSnoozed
    | FollowUpCancelled
    | EntryRetracted
)
