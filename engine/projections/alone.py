"""One journey alone: what counts of it now, as plain rows of the columns and as the facts that the stage rules read."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from engine.projections.columns import SIDES, Codes, Columns
from engine.stages.criteria_polars import TOUCH_MASK, VERDICTS
from engine.stages.facts import KINDS, MOVES, VALUED, Fact, Life, life
from engine.values import Dimension, TouchKind

DIMENSIONS = tuple(dimension.value for dimension in Dimension)
TOUCHES = tuple(kind.value for kind in TouchKind)

Side = dict[str, Any]
"""a row of a side table (columns.SIDES), by column"""


class Entry(NamedTuple):
    """A row of columns.EVENTS, with the name of its kind and its number, where it has one."""

    journey: int
    occurred_at: int
    position: int
    kind: str
    code: int
    value: int | None
    policy: bool


@dataclass(frozen=True)
class Words:
    """What the codes of the columns mean: the words by code."""

    pipelines: list[str]
    stages: list[str]
    signals: list[str]
    currencies: list[str]
    people: list[str]

    @classmethod
    def of(cls, codes: Codes) -> "Words":
        return cls(**{name: list(words) for name, words in vars(codes).items()})


@dataclass(frozen=True)
class Alone:
    """The live entries of a journey; none where it is void."""

    journey: int
    journey_id: str
    life: Life
    entries: list[Entry]
    """those of life, in their order"""
    sides: dict[str, list[Side]]
    """in the same order"""
    void_in: str | None
    """of a void journey the pipeline of its retracted opening"""

    @property
    def pipelines(self) -> set[str | None]:
        """Every pipeline that it is or was in."""
        moves = (fact.pipeline for fact in self.life.entries if fact.kind == "PipelineChanged")
        return {self.void_in, self.life.pipeline, *moves}


def alone(columns: Columns, journey: int, words: Words) -> Alone:
    """The journey as it is now, what was taken back left out."""
    sides = {name: side_rows(columns, name, journey) for name in SIDES}
    values = {row["position"]: row["value"] for row in sides["numbers"]}
    rows = [
        Entry(of, at, position, KINDS[kind], code, values.get(position), policy)
        for of, at, position, kind, code, policy in columns.events.of_one(journey)
    ]
    openings = {row["position"]: row for row in sides["openings"]}
    retracted = {row["position"]: row["takes_back"] for row in sides["corrections"]}
    alive = life(fact_of(row, openings.get(row.position), retracted.get(row.position), words) for row in rows)
    live = {fact.position for fact in alive.entries}
    begun = [row["pipeline"] for row in sides["openings"] if row["first"]]
    return Alone(
        journey=journey,
        journey_id=columns.streams.id(journey),
        life=alive,
        entries=[row for row in rows if row.position in live],
        sides={name: [row for row in side if row["position"] in live] for name, side in sides.items()},
        void_in=words.pipelines[begun[0]] if begun and not live else None,
    )


def side_rows(columns: Columns, name: str, journey: int) -> list[Side]:
    return [dict(zip(SIDES[name], row, strict=True)) for row in columns.sides[name].of_one(journey)]


def fact_of(row: Entry, opening: Side | None, retracts: int | None, words: Words) -> Fact:
    """The entry as the stage rules see it; when it was recorded is not kept in the columns, and told as 0."""
    kind, code, value = row.kind, row.code, row.value
    details: dict[str, Any] = {}
    if kind == "Touched":
        details = {"touch": TOUCHES[code & TOUCH_MASK]}
    elif kind == "BantAssessed":
        details = {"dimension": DIMENSIONS[code // 3], "verdict": VERDICTS[code % 3].value}
    elif kind == "SignalRecorded":
        details = {"signal": words.signals[code]}
    elif kind == "Scored":
        details = {"fit": None if code < 0 else code, "engagement": value}
    elif kind in MOVES:
        pipeline = words.pipelines[value] if kind == "PipelineChanged" and value is not None else None
        details = {"stage": words.stages[code], "pipeline": pipeline}
    elif kind == "EntryRetracted":
        details = {"retracts": retracts}
    elif kind in VALUED and code >= 0:
        details = {"amount_minor": value, "currency": words.currencies[code]}
    if opening is not None:
        details |= {"pipeline": words.pipelines[opening["pipeline"]], "from_lead": not opening["first"]}
    return Fact(row.position, row.occurred_at, 0, kind, **details)
