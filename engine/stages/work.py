"""What a definition asks to be done, and by when: tasks, answers to signals, attempts, proposals, hand-over."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from engine.stages.criteria import Count, Signals
from engine.values import Flag, Key, Label, Number, TouchKind, Value, Whole

Days = Annotated[Number, Field(gt=0, le=3650)]


class Task(Value):
    """Entering the stage creates it for the owner; leaving the stage cancels it while it is open."""

    key: Key
    """tells the tasks of a stage apart, for ever"""
    kind: TouchKind
    within_days: Days = 1
    business: Flag = False
    note: Label | None = None
    """what is to be done, in a few words: send the proposal, remind of the payment"""


class SignalTask(Value):
    """A signal of the customer deserves an answer: a trial finished, a quote obtained, a demo asked for."""

    signal: Signals
    kind: TouchKind = TouchKind.CALL
    within_days: Days = 1
    business: Flag = False
    note: Label | None = None


class Ladder(Value):
    """Attempts to reach the customer, each so many days after the one before, until they answer."""

    after_days: Annotated[tuple[Days, ...], Field(min_length=1, max_length=8)]
    """the first counts from the entry into the stage"""
    kind: TouchKind = TouchKind.CALL
    business: Flag = False
    escalate_after: Annotated[Whole, Field(ge=1, le=8)] | None = None
    """from so many unanswered attempts on, the owner's manager is asked"""

    @model_validator(mode="after")
    def escalates_on_the_way(self) -> Self:
        if self.escalate_after is not None and self.escalate_after > len(self.after_days):
            raise ValueError(
                f"escalate_after {self.escalate_after} is never reached: there are {len(self.after_days)} attempts"
            )
        return self


class ProposalRule(Value):
    remind_days: Days | None = None
    """so many days before a proposal expires its owner is reminded"""
    expire: Flag = True
    """record that it has expired"""


class HandOver(Value):
    """A journey whose fit and engagement together reach the score is assigned to who has least to do in the team."""

    score: Count
    team: Label
