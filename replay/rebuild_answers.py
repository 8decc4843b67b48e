"""Four answers out of what ranges add up to: told by the very functions that tell the live ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.projections import board, conversion, cycle_time, likelihood, passed, win_rate
from engine.projections.look import Look
from engine.projections.tally import Tally
from engine.stages.definition import Definition


@dataclass(frozen=True)
class Answers:
    """About one pipeline. The board is without cards."""

    board: board.Board
    conversion: conversion.Conversion
    cycle_time: cycle_time.CycleTime
    win_rate: win_rate.WinRate


TOLD_OF = {
    "visitors": likelihood.closed_visitors,
    "standing": board.standing,
    "stalled": board.stalled,
    "passed": passed.passed,
    "spent": cycle_time.spent,
    "decided": win_rate.decided,
}
"""what each answer adds up"""


@dataclass(frozen=True)
class Partial:
    """What a range, or several, add to the answers about one pipeline."""

    tallies: Mapping[str, Tally]
    void: int

    @classmethod
    def none(cls) -> "Partial":
        return cls({name: Tally() for name in TOLD_OF}, 0)

    @classmethod
    def of(cls, look: Look) -> "Partial":
        return cls({name: told_of(look) for name, told_of in TOLD_OF.items()}, look.void)

    def plus(self, other: "Partial") -> "Partial":
        tallies = {name: tally.plus(other.tallies[name]) for name, tally in self.tallies.items()}
        return Partial(tallies, self.void + other.void)


def answers(head: Mapping[str, Any], definition: Definition, as_of: int, whole: Partial) -> Answers:
    """head: the fields of Answer, but for n. as_of: microseconds. whole: all partials added up."""
    told = whole.tallies
    chances = likelihood.chances(told["visitors"], definition, "observed")
    void = {"void": whole.void}
    return Answers(
        board.told(head, told["standing"].plus(told["stalled"]), definition, as_of, chances).model_copy(update=void),
        conversion.told(head, told["passed"], definition).model_copy(update=void),
        cycle_time.told(head, told["spent"], definition, as_of).model_copy(update=void),
        win_rate.told(head, told["decided"]).model_copy(update=void),
    )
