"""What one may ask about targets: to set one, to revise it, to withdraw it."""

from engine.aggregates.inputs import Who
from engine.aggregates.target.events import Wins
from engine.messages import Command
from engine.periods import PeriodName
from engine.values import Attribute, Key, Label, Money


class SetTarget(Command):
    """Of a rep or a team; an amount or a number of wins."""

    rep: Who | None = None
    team: Label | None = None
    period: PeriodName
    """2026-W05, 2026-02 or 2026-Q1"""
    pipeline: Key
    attribute: Attribute | None = None
    """of deals that have it alone, such as those of one product or type"""
    value: Money | None = None
    wins: Wins | None = None
    reason: Label | None = None


class ReviseTarget(Command):
    """In the measure it was set in: its currency, or wins."""

    value: Money | None = None
    wins: Wins | None = None
    reason: Label


class WithdrawTarget(Command):
    reason: Label


TargetCommand = SetTarget | ReviseTarget | WithdrawTarget
