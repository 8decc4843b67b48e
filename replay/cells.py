"""What a cell of an answer is made of: who is counted in it, and the events that put each of them there."""

from dataclasses import dataclass

import polars as pl

from engine.errors import Rejected
from engine.projections.cohort import ranks_of
from engine.projections.views import Look
from engine.stages.criteria_polars import is_kind


@dataclass(frozen=True)
class Cell:
    """What was asked for, NAME=VALUE."""

    asked: dict[str, str]

    def one_of(self, name: str, choices: tuple[str, ...], default: str | None = None) -> str:
        value = self.asked.get(name, default)
        if value not in choices:
            raise Rejected(f"{name} {value!r} is not in this answer: use {name}= one of {', '.join(choices)}")
        return value

    def only(self, *names: str) -> None:
        for name in self.asked:
            if name not in names:
                raise Rejected(f"{name!r} does not name a cell of this answer: use {', '.join(names)}")


@dataclass(frozen=True)
class Members:
    """members: a row for each that the figure counts (journey); events: journey, what, position."""

    members: pl.DataFrame
    events: pl.DataFrame


def told(*parts: tuple[str, pl.DataFrame]) -> pl.DataFrame:
    """Frames of journey and position, each under what it did."""
    return pl.concat(
        [rows.select("journey", pl.lit(what).alias("what"), pl.col("position").cast(pl.Int64)) for what, rows in parts]
    )


def of(rows: pl.DataFrame, position: str) -> pl.DataFrame:
    return rows.select("journey", position=position)


def among(rows: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(pl.col("journey").is_in(members["journey"].implode()))


def openings(look: Look, members: pl.DataFrame) -> pl.DataFrame:
    return (
        among(look.seen().events, members)
        .unique("journey", keep="first", maintain_order=True)
        .select("journey", "position")
    )


def closes(look: Look, members: pl.DataFrame) -> pl.DataFrame:
    """The events of the standing wins and losses."""
    ends = among(look.visits, members).filter(pl.col("stage").is_in(ranks_of(look.definition, "won", "lost")))
    return of(ends.unique("journey", keep="last"), "entered_position")


def departures(look: Look, members: pl.DataFrame) -> pl.DataFrame:
    """The events by which they left for another pipeline last."""
    left = among(look.visits, members).filter("transferred").unique("journey", keep="last")
    changes = look.seen().events.filter(is_kind("PipelineChanged")).select("journey", "position", left_at="occurred_at")
    return left.join(changes, on=["journey", "left_at"]).unique("journey", keep="first", maintain_order=True)


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
