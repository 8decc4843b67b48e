"""What the two time lenses leave of the log: the live entries, and the pipeline each journey began in."""

from dataclasses import dataclass

import polars as pl

from engine.projections.columns import Columns
from engine.projections.kept import Kept
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

    def pipelines(self, journeys: pl.Series) -> set[int]:
        """Codes of the pipelines that these journeys, which are all there are in events, are or were in."""
        changes = self.events.filter(pl.col("kind") == CODE["PipelineChanged"])["value"]
        return {*self.began[journeys], *self.voided["pipeline"], *changes}


def see(columns: Columns, *, as_of: int | None, known: int | None, only: pl.Series | None = None) -> Seen:
    """Apply the lenses: as_of in microseconds, known the last position known (None: everything).

    only: the codes of the journeys to look at, sorted.
    """

    def told(kept: Kept) -> pl.DataFrame:
        rows = kept.all() if only is None else kept.of(only)
        return rows if known is None else rows.filter(pl.col("position") <= known)

    events = told(columns.events)
    corrections = events.filter(pl.col("kind") == CODE["EntryRetracted"])
    taken_back = corrections["value"].drop_nulls().implode()

    def live(rows: pl.DataFrame) -> pl.DataFrame:
        return rows if corrections.is_empty() or rows.is_empty() else rows.filter(~pl.col("position").is_in(taken_back))

    def occurred(rows: pl.DataFrame) -> pl.DataFrame:
        return rows if as_of is None else rows.filter(pl.col("occurred_at") <= as_of)

    sides = {name: told(side) for name, side in columns.sides.items()}
    openings = sides["openings"].filter(pl.col("first"))
    standing = live(openings).unique("journey", keep="first", maintain_order=True)
    voided = openings.join(standing, on="journey", how="anti").unique("journey", keep="first", maintain_order=True)
    # All at once: at ten million events each pass is a copy of everything.
    stands = [] if as_of is None else [pl.col("occurred_at") <= as_of]
    if not corrections.is_empty():
        stands += [~pl.col("position").is_in(taken_back), pl.col("kind") != CODE["EntryRetracted"]]
    if not voided.is_empty():
        stands.append(~pl.col("journey").is_in(voided["journey"].implode()))
        sides = {
            name: rows.join(voided, on="journey", how="anti", maintain_order="left") for name, rows in sides.items()
        }
    return Seen(
        events.filter(stands) if stands else events,
        {name: rows if rows.is_empty() else occurred(live(rows)) for name, rows in sides.items()},
        dense(standing, "pipeline", len(columns.streams)),
        voided.select("journey", "pipeline"),
    )


def dense(rows: pl.DataFrame, column: str, length: int) -> pl.Series:
    """A column by journey code: one value for each of `length` journeys, -1 where there is no row."""
    return pl.repeat(-1, length, dtype=rows.schema[column], eager=True).scatter(rows["journey"], rows[column])
