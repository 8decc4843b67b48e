"""What the two time lenses leave of the log: the live entries, and the pipeline each journey began in."""

from dataclasses import dataclass

import polars as pl

from engine.projections.columns import Columns
from engine.stages.criteria_polars import CODE


@dataclass(frozen=True)
class Seen:
    """Live entries under a pair of lenses, of all journeys or of some."""

    events: pl.DataFrame
    """columns.EVENTS, sorted by columns.ORDER"""
    sides: dict[str, pl.DataFrame]
    """columns.SIDES, sorted likewise"""
    began: pl.Series
    """pipeline code each journey began in, by journey code; -1: void, or not known yet"""
    voided: pl.DataFrame
    """journey and the pipeline of its retracted opening, of the void ones"""


def see(columns: Columns, *, as_of: int | None, known_at: int | None, only: pl.Series | None = None) -> Seen:
    """Apply the lenses (microseconds; None: everything). only: the journey codes to look at."""

    def known(rows: pl.DataFrame) -> pl.DataFrame:
        return rows if known_at is None else rows.filter(pl.col("recorded_at") <= known_at)

    def wanted(rows: pl.DataFrame) -> pl.DataFrame:
        return rows if only is None else rows.filter(pl.col("journey").is_in(only.implode()))

    events = known(columns.events(only))
    corrections = events.filter(pl.col("kind") == CODE["EntryRetracted"])
    taken_back = corrections["value"].drop_nulls().implode()

    def live(rows: pl.DataFrame) -> pl.DataFrame:
        return rows if corrections.is_empty() else rows.filter(~pl.col("position").is_in(taken_back))

    def occurred(rows: pl.DataFrame) -> pl.DataFrame:
        return rows if as_of is None else rows.filter(pl.col("occurred_at") <= as_of)

    sides = {name: known(wanted(side)) for name, side in columns.sides.items()}
    openings = sides["openings"].filter(pl.col("first"))
    standing = live(openings).unique("journey", keep="first", maintain_order=True)
    began = dense(standing, "pipeline", len(columns.journeys))
    voided = openings.join(standing, on="journey", how="anti").unique("journey", keep="first", maintain_order=True)
    events = occurred(live(events))
    if not corrections.is_empty():
        events = events.filter(pl.col("kind") != CODE["EntryRetracted"])
    if not voided.is_empty():
        events = events.filter(~pl.col("journey").is_in(voided["journey"].implode()))
    return Seen(
        events,
        {name: occurred(live(side)) for name, side in sides.items()},
        began,
        voided.select("journey", "pipeline"),
    )


def dense(rows: pl.DataFrame, column: str, length: int) -> pl.Series:
    """A column by journey code: one value for each of `length` journeys, -1 where there is no row."""
    return (
        pl.select(journey=pl.int_range(length, dtype=pl.UInt32))
        .join(rows.select("journey", column), on="journey", how="left", maintain_order="left")[column]
        .fill_null(-1)
    )
