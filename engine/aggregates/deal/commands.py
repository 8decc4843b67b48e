"""What one may ask of a deal."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from engine.aggregates.deal.events import Options
from engine.aggregates.inputs import NEEDED, SourceKey, Who, Words
from engine.aggregates.journey.commands import EntryCommand, RetractEntry
from engine.entries import Attributes
from engine.messages import Command
from engine.values import Day, Flag, Key, Label, Moment, Money, Whole


class OpenDeal(Command):
    pipeline: Key
    record: SourceKey | None = None
    """how the system it comes from calls it"""
    from_lead: UUID | None = None
    """set by converting the lead, never by hand"""
    follows: UUID | None = None
    """an earlier deal with the same customer"""
    title: Words | None = None
    person: Who | None = None
    owner: Who | None = None
    source: Label | None = None
    channel: Label | None = None
    value: Money | None = None
    expected_close: Day | None = None
    attributes: Attributes = ()


class SendProposal(Command):
    proposal_id: UUID | None = None
    """the caller's own id for it; a new one without"""
    options: Options = ()
    expires_at: Moment | None = None


class ReviseProposal(Command):
    """The whole new offer."""

    proposal_id: UUID
    options: Options = ()
    expires_at: Moment | None = None


class AcceptProposal(Command):
    proposal_id: UUID
    option: Label | None = None


class DeclineProposal(Command):
    proposal_id: UUID
    reason: Annotated[Label | None, NEEDED] = None


class ExpireProposal(Command):
    proposal_id: UUID


class MoveStage(Command):
    stage: Key
    reason: Label | None = None
    override: Flag = False
    """pass the stage's gate by force; needs a reason"""


class ChangePipeline(Command):
    pipeline: Key
    stage: Key
    reason: Label | None = None


class ChangeValue(Command):
    value: Money


class ChangeExpectedClose(Command):
    expected_close: Day


class Win(Command):
    evidence: Annotated[Words | None, NEEDED] = None
    """what was signed or purchased, and where it is found"""
    value: Money | None = None
    """the value signed for; without it the current one stands"""


class Lose(Command):
    reason: Annotated[Label | None, NEEDED] = None
    comment: Words | None = None


class ReopenDeal(Command):
    stage: Key
    reason: Annotated[Label | None, NEEDED] = None


class RecordPayment(Command):
    amount: Money | None = None


class RecordDelivery(Command):
    pass


class RecordSatisfaction(Command):
    score: Annotated[Whole, Field(ge=0, le=10)]
    comment: Words | None = None


class MergeDeal(Command):
    into: UUID
    """journey that the duplicate is part of"""


DealCommand = (
    OpenDeal
    | SendProposal
    | ReviseProposal
    | AcceptProposal
    | DeclineProposal
    | ExpireProposal
    | MoveStage
    | ChangePipeline
    | ChangeValue
    | ChangeExpectedClose
    | Win
    | Lose
    | ReopenDeal
    | RecordPayment
    | RecordDelivery
    | RecordSatisfaction
    | MergeDeal
    | EntryCommand
    | RetractEntry
)
