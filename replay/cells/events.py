"""The events behind rows that were counted: those that opened, closed, moved or valued a journey."""

import polars as pl

from engine.projections.cohort import ranks_of
from engine.projections.columns import POSITION
from engine.projections.look import Look
from engine.stages.criteria_polars import is_kind, valued
from replay.cells.counted import Behind, Counted, What


def of(rows: pl.DataFrame, position: str) -> pl.DataFrame:
    """The event of a column of positions."""
    return rows.select("journey", position=position)


def among(rows: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(pl.col("journey").is_in(members["journey"].unique().implode()))


def openings(look: Look, members: pl.DataFrame) -> pl.DataFrame:
    entries = among(look.seen().events, members)
    return entries.unique("journey", keep="first", maintain_order=True).select("journey", "position")


def closes(look: Look, members: pl.DataFrame) -> pl.DataFrame:
    """The events of the standing wins and losses."""
    ends = among(look.visits, members).filter(pl.col("stage").is_in(ranks_of(look.definition, "won", "lost")))
    return of(ends.unique("journey", keep="last"), "entered_position")


def mergers(look: Look, members: pl.DataFrame) -> pl.DataFrame:
    merged = look.seen().events.filter(is_kind("LeadMerged", "DealMerged"))
    return among(merged, members).unique("journey", keep="last").select("journey", "position")


def departures(look: Look, members: pl.DataFrame) -> pl.DataFrame:
    """The events by which they left for another pipeline last."""
    left = among(look.visits, members).filter("transferred").unique("journey", keep="last")
    changes = look.seen().events.filter(is_kind("PipelineChanged")).select("journey", "position", left_at="occurred_at")
    return left.join(changes, on=["journey", "left_at"]).unique("journey", keep="first", maintain_order=True)


def qualifications(look: Look, members: pl.DataFrame) -> pl.DataFrame:
    lost = pl.col("stage").is_in(ranks_of(look.definition, "lost"))
    ready = among(look.visits, members).filter((pl.col("stage") >= look.definition.qualified_rank) & ~lost)
    return of(ready.unique("journey", keep="first", maintain_order=True), "entered_position")


def valuations(look: Look, members: pl.DataFrame, until: str, position: str | None = None) -> pl.DataFrame:
    """The events that said what each was worth at the moment in a column, or at the event in another."""
    moments = members.select("journey", until=until, last=pl.lit(None, POSITION) if position is None else position)
    told = among(look.seen().numbers.filter(valued()), members).select("journey", "position", told_at="occurred_at")
    same = (pl.col("told_at") == pl.col("until")) & (pl.col("position") <= pl.col("last")).fill_null(True)
    known = told.join(moments, on="journey", maintain_order="left").filter((pl.col("told_at") < pl.col("until")) | same)
    return known.unique(["journey", "until"], keep="last", maintain_order=True).select("journey", "position")


def standing(look: Look, members: pl.DataFrame) -> list[What]:
    """What made each what it is: opened, and won, lost, merged, gone to another pipeline, or where it stands."""
    outcome = pl.col("outcome").cast(pl.String)
    closed = members.filter(outcome.is_in(["won", "lost", "disqualified"]))
    return [
        ("opened", openings(look, members)),
        ("closed", closes(look, closed)),
        ("merged", mergers(look, members.filter(outcome == "merged"))),
        ("left", departures(look, members.filter(outcome == "transferred"))),
        ("stands", of(members.filter(outcome == "open"), "stage_position")),
    ]


def worth_at_close(look: Look, members: pl.DataFrame) -> What:
    """What said how much each was worth when it was closed; of what is open, at as_of."""
    positions = closes(look, members).rename({"position": "close"})
    rows = members.join(positions, on="journey", how="left")
    return "valued", valuations(look, rows.filter(pl.col("amount_minor").is_not_null()), "at", "close")


def merged(look: Look, journeys: pl.LazyFrame) -> Counted:
    """The journeys that an answer leaves out, for they were merged into others; they are in no group."""
    rows = journeys.filter(pl.col("outcome") == "merged").with_columns(group=pl.lit(None, pl.String))
    return Counted(rows, {"merged": pl.lit(True)}, as_it_stands(look))


def as_it_stands(look: Look) -> Behind:
    return lambda rows, _: standing(look, rows)


def with_next(look: Look) -> pl.DataFrame:
    """Visits with next_position: the event that ended each, by entering the next or by leaving the pipeline."""
    changes = look.seen().events.filter(is_kind("PipelineChanged")).unique(["journey", "occurred_at"], keep="first")
    gone = changes.select("journey", gone="position", left_at="occurred_at")
    same = (pl.col("journey") == pl.col("journey").shift(-1)).fill_null(False)
    following = pl.when(same & ~pl.col("transferred")).then(pl.col("entered_position").shift(-1))
    return (
        look.visits.with_columns(next_position=following)
        .join(gone, on=["journey", "left_at"], how="left", maintain_order="left")
        .with_columns(next_position=pl.when("transferred").then("gone").otherwise("next_position"))
        .drop("gone")
    )
