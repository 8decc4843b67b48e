"""Everything that can happen to a deal. Published shapes are never edited."""

from datetime import date
from typing import Annotated, ClassVar, Self
from uuid import UUID

from pydantic import Field, model_validator

from engine import entries
from engine.entries import Attributes
from engine.messages import Event
from engine.values import Key, Label, Money, TextRef, Utc, Value, Whole


class DealOpened(Event):
    TOPIC: ClassVar[str] = "deal.opened.v1"
    pipeline: Key
    from_lead: UUID | None = None
    """stream_id of the lead it came from; the two are one journey"""
    follows: UUID | None = None
    """journey of an earlier deal with the same customer; this one is a journey of its own"""
    title: TextRef | None = None
    person: UUID | None = None
    owner: UUID | None = None
    source: Label | None = None
    channel: Label | None = None
    value: Money | None = None
    expected_close: date | None = None
    attributes: Attributes = ()


class Touched(entries.Touched):
    TOPIC: ClassVar[str] = "deal.touched.v1"


class BantAssessed(entries.BantAssessed):
    TOPIC: ClassVar[str] = "deal.bant_assessed.v1"


class SignalRecorded(entries.SignalRecorded):
    TOPIC: ClassVar[str] = "deal.signal_recorded.v1"


class Scored(entries.Scored):
    TOPIC: ClassVar[str] = "deal.scored.v1"


class OwnerAssigned(entries.OwnerAssigned):
    TOPIC: ClassVar[str] = "deal.owner_assigned.v1"


class AttributesSet(entries.AttributesSet):
    TOPIC: ClassVar[str] = "deal.attributes_set.v1"


class NoteAdded(entries.NoteAdded):
    TOPIC: ClassVar[str] = "deal.note_added.v1"


class ProposalLine(Value):
    item: Label
    quantity: Annotated[Whole, Field(ge=1, le=10**9)] = 1
    price: Money
    """of one piece"""


class ProposalOption(Value):
    """One offer to choose from: itemised when it has lines (they add up to the price), else at a fixed price."""

    name: Label
    price: Money
    lines: tuple[ProposalLine, ...] = ()

    @model_validator(mode="after")
    def lines_add_up(self) -> Self:
        if self.lines:
            if {line.price.currency for line in self.lines} != {self.price.currency}:
                raise ValueError(f"the lines of option {self.name!r} must all be in {self.price.currency}")
            total = sum(line.quantity * line.price.amount_minor for line in self.lines)
            if total != self.price.amount_minor:
                raise ValueError(
                    f"the lines of option {self.name!r} add up to {total} minor units, its price says "
                    f"{self.price.amount_minor}: correct one of them"
                )
        return self


Options = Annotated[tuple[ProposalOption, ...], Field(max_length=50)]
"""Highest price first. Empty where the source does not tell the prices."""


class ProposalSent(Event):
    TOPIC: ClassVar[str] = "deal.proposal_sent.v1"
    proposal_id: UUID
    options: Options = ()
    expires_at: Utc | None = None


class ProposalRevised(Event):
    TOPIC: ClassVar[str] = "deal.proposal_revised.v1"
    proposal_id: UUID
    options: Options = ()
    expires_at: Utc | None = None


class ProposalAccepted(Event):
    TOPIC: ClassVar[str] = "deal.proposal_accepted.v1"
    proposal_id: UUID
    option: Label | None = None


class ProposalDeclined(Event):
    TOPIC: ClassVar[str] = "deal.proposal_declined.v1"
    proposal_id: UUID
    reason: Label


class ProposalExpired(Event):
    TOPIC: ClassVar[str] = "deal.proposal_expired.v1"
    proposal_id: UUID


class StageMoved(Event):
    """A person moved the card; what happens by itself is never recorded, it is derived."""

    TOPIC: ClassVar[str] = "deal.stage_moved.v1"
    stage: Key
    reason: Label | None = None
    override: bool = False
    """The stage's gate was passed by force."""


class PipelineChanged(Event):
    TOPIC: ClassVar[str] = "deal.pipeline_changed.v1"
    pipeline: Key
    stage: Key
    reason: Label | None = None


class ValueChanged(Event):
    TOPIC: ClassVar[str] = "deal.value_changed.v1"
    value: Money


class ExpectedCloseChanged(Event):
    TOPIC: ClassVar[str] = "deal.expected_close_changed.v1"
    expected_close: date


class DealWon(Event):
    TOPIC: ClassVar[str] = "deal.won.v1"
    evidence: TextRef
    """The signed document or the purchase; for an imported win the row it came from."""
    value: Money | None = None
    """The value signed for; where absent, the journey's current value stands."""


class DealLost(Event):
    TOPIC: ClassVar[str] = "deal.lost.v1"
    reason: Label
    comment: TextRef | None = None


class DealReopened(Event):
    TOPIC: ClassVar[str] = "deal.reopened.v1"
    stage: Key
    reason: Label


class PaymentReceived(Event):
    TOPIC: ClassVar[str] = "deal.payment_received.v1"
    amount: Money | None = None


class Delivered(Event):
    TOPIC: ClassVar[str] = "deal.delivered.v1"


class SatisfactionRecorded(Event):
    TOPIC: ClassVar[str] = "deal.satisfaction_recorded.v1"
    score: Annotated[int, Field(ge=0, le=10)]
    comment: TextRef | None = None


class DealMerged(Event):
    TOPIC: ClassVar[str] = "deal.merged.v1"
    into: UUID


class Stalled(entries.Stalled):
    TOPIC: ClassVar[str] = "deal.stalled.v1"


class FollowUpScheduled(entries.FollowUpScheduled):
    TOPIC: ClassVar[str] = "deal.follow_up_scheduled.v1"


class FollowUpCompleted(entries.FollowUpCompleted):
    TOPIC: ClassVar[str] = "deal.follow_up_completed.v1"


class FollowUpSnoozed(entries.FollowUpSnoozed):
    TOPIC: ClassVar[str] = "deal.follow_up_snoozed.v1"


class FollowUpCancelled(entries.FollowUpCancelled):
    TOPIC: ClassVar[str] = "deal.follow_up_cancelled.v1"


class EntryRetracted(entries.EntryRetracted):
    TOPIC: ClassVar[str] = "deal.entry_retracted.v1"


DealEvent = (
    DealOpened
    | Touched
    | BantAssessed
    | SignalRecorded
    | Scored
    | OwnerAssigned
    | AttributesSet
    | NoteAdded
    | ProposalSent
    | ProposalRevised
    | ProposalAccepted
    | ProposalDeclined
    | ProposalExpired
    | StageMoved
    | PipelineChanged
    | ValueChanged
    | ExpectedCloseChanged
    | DealWon
    | DealLost
    | DealReopened
    | PaymentReceived
    | Delivered
    | SatisfactionRecorded
    | DealMerged
    | Stalled
    | FollowUpScheduled
    | FollowUpCompleted
    | FollowUpSnoozed
    | FollowUpCancelled
    | EntryRetracted
)
