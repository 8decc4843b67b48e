"""Everything that can happen to a rep's place in the team. One stream a rep."""

from typing import ClassVar
from uuid import UUID

from engine.messages import Event
from engine.values import Label


class RepEnrolled(Event):
    TOPIC: ClassVar[str] = "roster.rep_enrolled.v1"
    rep: UUID
    """person_id"""
    team: Label | None = None
    manager: UUID | None = None
    region: Label | None = None


class RepMoved(Event):
    """The whole new membership; what is absent is none."""

    TOPIC: ClassVar[str] = "roster.rep_moved.v1"
    team: Label | None = None
    manager: UUID | None = None
    region: Label | None = None


class RepLeft(Event):
    TOPIC: ClassVar[str] = "roster.rep_left.v1"


RosterEvent = RepEnrolled | RepMoved | RepLeft
