"""What one may ask of a lead."""

from typing import Annotated
from uuid import UUID

from engine.aggregates.inputs import NEEDED, SourceKey, Who, Words
from engine.aggregates.journey.commands import EntryCommand, RetractEntry
from engine.entries import Attributes
from engine.messages import Command
from engine.values import Day, Key, Label, Money


class CaptureLead(Command):
    pipeline: Key
    record: SourceKey | None = None
    """how the system it comes from calls it"""
    title: Words | None = None
    person: Who | None = None
    owner: Who | None = None
    source: Label | None = None
    channel: Label | None = None
    value: Money | None = None
    attributes: Attributes = ()


class QualifyLead(Command):
    pass


class DisqualifyLead(Command):
    reason: Annotated[Label | None, NEEDED] = None
    comment: Words | None = None


class ConvertLead(Command):
    """The lead becomes a deal of the same pipeline; owner, value and the rest go with it unless given anew."""

    pipeline: Key | None = None
    """the lead's own; naming another is refused"""
    title: Words | None = None
    owner: Who | None = None
    value: Money | None = None
    expected_close: Day | None = None
    attributes: Attributes = ()


class MergeLead(Command):
    into: UUID
    """journey that the duplicate is part of"""


class ReopenLead(Command):
    stage: Key
    reason: Annotated[Label | None, NEEDED] = None


LeadCommand = (
    CaptureLead | QualifyLead | DisqualifyLead | ConvertLead | MergeLead | ReopenLead | EntryCommand | RetractEntry
)
