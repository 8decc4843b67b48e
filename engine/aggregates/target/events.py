"""Everything that can happen to a target. One stream for each holder, period, pipeline, measure and kind of deal."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from engine.messages import Event
from engine.periods import PeriodName
from engine.values import Attribute, Key, Label, Money, Whole

Wins = Annotated[Whole, Field(ge=0, le=10**9)]
"""a number of deals"""


class TargetSet(Event):
    """What a rep or a team shall win in a period: an amount, or a number of deals."""

    TOPIC: ClassVar[str] = "target.set.v1"
    rep: UUID | None = None
    """person_id; or the team"""
    team: Label | None = None
    period: PeriodName
    pipeline: Key
    attribute: Attribute | None = None
    """of deals that have it alone; without it: of all deals of the pipeline"""
    value: Money | None = None
    """or wins"""
    wins: Wins | None = None
    reason: Label | None = None


class TargetRevised(Event):
    """Another amount in the same currency, or another number of deals."""

    TOPIC: ClassVar[str] = "target.revised.v1"
    value: Money | None = None
    wins: Wins | None = None
    reason: Label


class TargetWithdrawn(Event):
    """There is none any more, until one is set again."""

    TOPIC: ClassVar[str] = "target.withdrawn.v1"
    reason: Label


TargetEvent = TargetSet | TargetRevised | TargetWithdrawn
