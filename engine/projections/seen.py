"""What the two time lenses leave of the log: the live entries, and the pipeline each journey began in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Final

import polars as pl

from engine.projections.columns import STAMP, Columns
from engine.projections.kept import BEGINS, Kept, places
from engine.projections.parts import cut, on_threads, part_starts
from engine.projections.sides import Sides, part_of
from engine.stages.criteria import Criterion
from engine.stages.criteria_polars import has_number, is_kind

HIDDEN: Final = 255
"""kind of a row that does not count: no rule speaks of it"""


@dataclass(frozen=True)
class Seen:
    """Live entries under a pair of lenses, of all journeys or of some."""

    rows: pl.DataFrame
    """columns.EVENTS, sorted by columns.ORDER; `kind` is HIDDEN where a row is none of the live entries. To leave such
    rows out would copy all others: at ten million events 380 MB and a tenth of a second."""
    first: pl.Series
    """by row: it is its journey's first live entry"""
    sides: Mapping[str, pl.DataFrame]
    """columns.SIDES, sorted likewise; live entries alone"""
    began: pl.Series
    """pipeline code each journey began in, by journey code; -1: void, or not known yet"""
    voided: pl.DataFrame
    """journey and the pipeline of its retracted opening, of the void ones"""
    fired: dict[tuple[int, Criterion], pl.Series] = field(default_factory=dict, compare=False, repr=False)
    """where criteria fire, by pipeline, as far as it was asked (firing.py)"""
    profiles: list[pl.DataFrame] = field(default_factory=list, compare=False, repr=False)
    """of their journeys (journeys.py), once they were asked for"""

    @cached_property
    def events(self) -> pl.DataFrame:
        """The live entries alone."""
        return self.rows.filter(is_live())

    def pipelines(self, journeys: pl.Series) -> set[int]:
        """Codes of the pipelines that these journeys, which are all there are in rows, are or were in."""
        changes = self.numbers.filter(is_kind("PipelineChanged"))["value"]
        return {*self.began[journeys], *self.voided["pipeline"], *changes}

    @cached_property
    def numbers(self) -> pl.DataFrame:
        """The live entries that have a number: columns.STAMP, kind, code, `value`; `row`: the place in rows."""
        places = self.rows.lazy().select(*STAMP, "kind", "code", row=pl.int_range(pl.len(), dtype=pl.UInt32))
        told = places.filter(has_number()).collect()
        # One for one, in the same order: both are the live entries of the same kinds.
        return told.hstack([self.sides["numbers"]["value"]])

    @cached_property
    def starts(self) -> pl.Series:
        """The journeys that begin a part, but for the first part."""
        return part_starts(self.rows["journey"])

    @property
    def parts(self) -> list["Seen"]:
        """The same in parts (engine/projections/parts.py), always the same ones; nothing is copied."""
        # Not remembered where it is the only one: who holds itself is not let go.
        return self._parts or [self]

    @cached_property
    def _parts(self) -> list["Seen"]:
        if self.starts.is_empty():
            return []
        voided = cut(self.voided["journey"], self.starts)
        return [
            Seen(
                self.rows[part],
                self.first[part],
                part_of(self.sides, self.starts, number),
                self.began,
                self.voided[voided[number]],
            )
            for number, part in enumerate(cut(self.rows["journey"], self.starts))
        ]


def is_live() -> pl.Expr:
    return pl.col("kind") != HIDDEN


def see(columns: Columns, *, as_of: int | None, known: int | None, only: pl.Series | None = None) -> Seen:
    """Apply the lenses: as_of in microseconds, known the last position known (None: everything).

    only: the codes of the journeys to look at, sorted.
    """

    def told(kept: Kept) -> pl.DataFrame:
        return kept.all() if only is None else kept.of(only)

    rows = told(columns.events)
    is_known = pl.lit(True) if known is None else pl.col("position") <= known
    taken_back = told(columns.sides["corrections"]).filter(is_known)["takes_back"].drop_nulls()
    stands = is_known if taken_back.is_empty() else is_known & ~pl.col("position").is_in(taken_back.implode())
    openings = told(columns.sides["openings"]).select("journey", "position", "pipeline", "first").filter("first")
    begun, standing = openings.filter(is_known).filter(BEGINS), openings.filter(stands).filter(BEGINS)
    began = dense(standing, "pipeline", len(columns.streams))
    voided = begun.filter(began.gather(begun["journey"]) == -1).select("journey", "pipeline")
    stands = stands if as_of is None else stands & (pl.col("occurred_at") <= as_of)
    counts = stands & ~is_kind("EntryRetracted")

    def marked(part: pl.DataFrame) -> pl.DataFrame:
        kind = part.select(pl.when(counts).then("kind").otherwise(pl.lit(HIDDEN, pl.UInt8))).to_series()
        kind = kind.scatter(places(part["journey"], voided["journey"]), HIDDEN)
        return pl.DataFrame([kind, first_live(part.select("journey", kind))])

    parts = [rows[part] for part in cut(rows["journey"], part_starts(rows["journey"]))]
    marks = pl.concat(on_threads(marked, parts), rechunk=True)
    if not voided.is_empty():
        stands = stands & ~pl.col("journey").is_in(voided["journey"].implode())

    def left_of(kept: Kept) -> pl.DataFrame:
        return told(kept).filter(stands)

    sides = {name: partial(left_of, kept) for name, kept in columns.sides.items()}
    return Seen(rows.with_columns(marks["kind"]), marks["first"], Sides(sides), began, voided)


def first_live(rows: pl.DataFrame) -> pl.Series:
    """By row: it is the first of its journey that is live."""
    live = rows.lazy().select("journey", "kind", place=pl.int_range(pl.len(), dtype=pl.UInt32)).filter(is_live())
    first = live.select("journey", "place").filter(BEGINS).select("place").collect().to_series()
    return pl.repeat(False, rows.height, dtype=pl.Boolean, eager=True).scatter(first, True).alias("first")


def dense(rows: pl.DataFrame, column: str, length: int) -> pl.Series:
    """A column by journey code: one value for each of `length` journeys, -1 where there is no row."""
    return pl.repeat(-1, length, dtype=rows.schema[column], eager=True).scatter(rows["journey"], rows[column])
