"""Facts put straight into columns, without a log: what the derivation's property tests feed it with."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import polars as pl

from engine.projections.columns import EVENTS, SIDES, Columns
from engine.projections.kept import ORDER, Kept
from engine.projections.streams import Streams
from engine.stages.criteria_polars import CODE, DIMENSION, TOUCH, VERDICT
from engine.stages.facts import MOVES, OPENINGS, VALUED, Fact

Journeys = Mapping[int, Sequence[Fact]]


def columns_of(journeys: Journeys) -> Columns:
    """Columns that hold these journeys, as reading them from a log would."""
    columns = Columns()
    columns.streams = Streams(pl.Series([f"{number:032x}" for number in journeys]))
    hot: list[dict[str, object]] = []
    sides: dict[str, list[dict[str, object]]] = {"openings": [], "numbers": [], "corrections": []}
    for number, facts in journeys.items():
        for fact in facts:
            stamp: dict[str, object] = {
                "journey": number,
                "occurred_at": fact.occurred_at,
                "position": fact.position,
            }
            hot.append(stamp | hot_part(fact, columns))
            if fact.kind in OPENINGS:
                pipeline = code(columns.codes.pipelines, fact.pipeline)
                sides["openings"].append(stamp | {"pipeline": pipeline, "first": not fact.from_lead})
            if fact.kind == "EntryRetracted":
                sides["corrections"].append(stamp | {"takes_back": fact.retracts})
            if fact.kind in ("Scored", "PipelineChanged") or (fact.kind in VALUED and fact.amount_minor is not None):
                sides["numbers"].append(stamp | {"value": number_of(fact, columns)})
    columns.events = Kept.none(EVENTS).plus(pl.DataFrame(hot, schema=EVENTS, orient="row"))
    for name, rows in sides.items():
        columns.sides[name] = Kept(pl.DataFrame(rows, schema=SIDES[name], orient="row").sort(ORDER))
    return columns


def known_by(facts: Iterable[Fact], known_at: int | None) -> int | None:
    """The last position recorded by then; positions and recording times rise together."""
    ordered = sorted(facts, key=lambda fact: fact.position)
    assert all(one.recorded_at <= next_one.recorded_at for one, next_one in pairwise(ordered))
    return None if known_at is None else max((f.position for f in ordered if f.recorded_at <= known_at), default=0)


def code(words: dict[str, int], word: str | None) -> int | None:
    return None if word is None else words.setdefault(word, len(words))


def hot_part(fact: Fact, columns: Columns) -> dict[str, object]:
    codes = columns.codes
    row: dict[str, object] = {
        "kind": CODE[fact.kind],
        "code": -1,
        "policy": False,
    }
    if fact.kind == "Touched":
        row["code"] = TOUCH[fact.touch or ""]
    elif fact.kind == "BantAssessed":
        row["code"] = DIMENSION[fact.dimension or ""] * 3 + VERDICT[fact.verdict or ""]
    elif fact.kind == "SignalRecorded":
        row["code"] = code(codes.signals, fact.signal)
    elif fact.kind in MOVES:
        row["code"] = code(codes.stages, fact.stage)
    elif fact.kind == "Scored":
        row["code"] = -1 if fact.fit is None else fact.fit
    elif fact.kind in VALUED and fact.amount_minor is not None:
        row["code"] = code(codes.currencies, fact.currency)
    return row


def number_of(fact: Fact, columns: Columns) -> int | None:
    if fact.kind == "PipelineChanged":
        return code(columns.codes.pipelines, fact.pipeline)
    return fact.engagement if fact.kind == "Scored" else fact.amount_minor
