"""What one may ask of a lead and of a deal alike."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from engine.aggregates.inputs import NEEDED, Who, Words
from engine.entries import Attributes, Score
from engine.messages import Command
from engine.values import Dimension, Direction, Flag, Key, Label, Moment, TouchKind, Value, Verdict


class Touch(Command):
    """A call, a mail, a meeting: a contact with the customer, in either direction."""

    kind: TouchKind
    direction: Direction = Direction.OUTBOUND
    automated: Flag = False
    note: Words | None = None


class AssessBant(Command):
    dimension: Dimension
    verdict: Verdict
    evidence: Words | None = None


class RecordSignal(Command):
    signal: Label


class SetScore(Command):
    fit: Score | None = None
    engagement: Score | None = None


class AssignOwner(Command):
    owner: Who


class SetAttributes(Command):
    attributes: Attributes


class AddNote(Command):
    note: Words


class NextStep(Value):
    """What an alert asks to be done: by so many days from then."""

    kind: TouchKind
    within_days: Annotated[float, Field(gt=0, le=3650)]
    business: bool = False
    """in working days of the definition's calendar"""
    note: Words | None = None
    for_team: bool = False
    """of the stage's team, though somebody owns the journey: they have left"""


class RaiseStalled(Command):
    """A policy's finding; the alert and the follow-up it asks for are one decision."""

    stage: Key
    started_by: UUID
    clock: Literal["idle", "touch", "stage"] | None = None
    """which of the stage's clocks ran out; whichever it started, without"""
    idle_days: Annotated[float, Field(ge=0)] | None = None
    """measured when it is decided, without"""
    limit_days: Annotated[float, Field(gt=0)]
    definition: Annotated[int, Field(ge=1)]
    follow_up: NextStep | None = None


class ScheduleFollowUp(Command):
    follow_up_id: UUID | None = None
    """the caller's own id for it, scheduled once; a new one without"""
    kind: TouchKind
    due_at: Moment
    owner: Who | None = None
    note: Words | None = None


class CompleteFollowUp(Command):
    follow_up_id: UUID
    outcome: Label


class SnoozeFollowUp(Command):
    follow_up_id: UUID
    until: Moment
    reason: Label


class CancelFollowUp(Command):
    follow_up_id: UUID
    reason: Label


class AskFollowUp(Command):
    """A policy's finding: what should be done next, asked for once."""

    follow_up_id: UUID
    kind: TouchKind
    due_at: Moment
    owner: Who | None = None
    note: Words | None = None
    seen: Annotated[int, Field(ge=0)]
    """position of the log up to which the policy looked"""


class WithdrawFollowUp(Command):
    """A policy's finding: the reason for the follow-up is over."""

    follow_up_id: UUID
    reason: Label
    seen: Annotated[int, Field(ge=0)]
    """position of the log up to which the policy looked"""


class HandOver(Command):
    """A policy's finding: the score says whose it should be."""

    owner: Who
    seen: Annotated[int, Field(ge=0)]
    """position of the log up to which the policy looked"""


class RetractEntry(Command):
    """A correction: takes one entry of this history back."""

    event_id: UUID
    reason: Annotated[Label | None, NEEDED] = None
    comment: Words | None = None


EntryCommand = (
    Touch
    | AssessBant
    | RecordSignal
    | SetScore
    | AssignOwner
    | SetAttributes
    | AddNote
    | RaiseStalled
    | ScheduleFollowUp
    | CompleteFollowUp
    | SnoozeFollowUp
    | CancelFollowUp
    | AskFollowUp
    | WithdrawFollowUp
    | HandOver
)
