"""What every answer is made of: its head, money per currency, durations, groups."""

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Self

import polars as pl
from pydantic import BaseModel, ConfigDict

from engine.projections.lens import called
from engine.values import exponent, from_micros

if TYPE_CHECKING:
    from engine.projections.look import Look

SECOND = 1_000_000
"""microseconds"""
DAY = 86_400 * SECOND


class Figures(BaseModel):
    """Base of everything an answer holds; immutable."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Answer(Figures):
    """The head of every answer: what it was computed from, so that it can be computed again."""

    pipeline: str
    definition: int | str
    """version of the pipeline's definition; draft:N of a draft"""
    as_of: datetime
    known_at: datetime | None
    position: int
    """of the log"""
    n: int
    """journeys the figures are made of"""


class Group(Figures):
    """One group's share of the figures."""

    key: str | None
    """of a person the id in the source system, else the value itself; None: those that have none"""
    label: str | None
    n: int


class Amount(Figures):
    """Money as the answers show it: an exact decimal with the currency's own places."""

    amount: str
    currency: str

    @classmethod
    def of(cls, minor: int | Fraction, currency: str) -> Self:
        """minor: in minor units; a fraction of one is rounded half to even."""
        return cls(amount=format(Decimal(round(minor)).scaleb(-exponent(currency)), "f"), currency=currency)


class Durations(Figures):
    """n lengths of time in seconds; quantiles are linear (type 7); None where n is 0."""

    n: int
    p50_seconds: float | None
    p85_seconds: float | None
    p90_seconds: float | None
    mean_seconds: float | None


NO_DURATIONS = Durations(n=0, p50_seconds=None, p85_seconds=None, p90_seconds=None, mean_seconds=None)


def head(look: "Look") -> dict[str, Any]:
    """The fields of Answer, but for n."""
    return {
        "pipeline": look.pipeline,
        "definition": called(look.version),
        "as_of": from_micros(look.as_of),
        "known_at": None if look.known_at is None else from_micros(look.known_at),
        "position": look.position,
    }


def timed(rows: pl.DataFrame, micros: str, *by: str) -> pl.DataFrame:
    """The fields of Durations over a column of microseconds without nulls, one row for each value of by.

    In whole numbers up to the one division, so that every quantile is the exact one, correctly rounded.
    """
    spans = group_by(rows, *by, told=[pl.col(micros).sort().alias("sorted"), pl.len().alias("n")])
    return spans.select(
        *by,
        "n",
        quantile_seconds(50).alias("p50_seconds"),
        quantile_seconds(85).alias("p85_seconds"),
        quantile_seconds(90).alias("p90_seconds"),
        in_seconds(
            pl.struct(pl.col("sorted").list.eval(pl.element().cast(pl.Int128).sum()).list.first().alias("sum"), "n"),
            lambda row: row["sum"] / (row["n"] * SECOND),
        ).alias("mean_seconds"),
    )


def group_by(rows: pl.DataFrame, *by: str, told: Iterable[pl.Expr]) -> pl.DataFrame:
    """rows.group_by(by).agg(told). Where all rows are of one group, which is null, that column is left out of the key:
    a key of several columns costs a multiple of a key of one.
    """
    keys = [key for key in by if key != "group"]
    if len(keys) == len(by) or rows.is_empty() or rows["group"].null_count() < rows.height:
        return rows.group_by(by).agg(told)
    found = rows.group_by(keys or pl.lit(None, pl.String).alias("group")).agg(told)
    return found.with_columns(group=pl.lit(None, pl.String))


def quantile_seconds(percent: int) -> pl.Expr:
    """Of `n` sorted microseconds in the list column `sorted`, linear between the two around the quantile (type 7)."""
    steps = (pl.col("n").cast(pl.Int64) - 1) * percent
    low, rest = steps // 100, steps % 100
    below = pl.col("sorted").list.get(low)
    above = pl.col("sorted").list.get(low + (rest > 0).cast(pl.Int64))
    return in_seconds(below * (100 - rest) + above * rest, lambda hundredfold: hundredfold / (100 * SECOND))


def median_seconds(micros: str) -> pl.Expr:
    """The median of a column of microseconds in seconds; None of none."""
    return in_seconds((pl.col(micros).median() * 2).cast(pl.Int64), lambda twice: twice / (2 * SECOND))


def in_seconds(found: pl.Expr, seconds: Callable[[Any], float]) -> pl.Expr:
    """Whole numbers as seconds, rounded once.

    Python divides them, correctly; Polars does not divide by a number, it multiplies by its reciprocal. It's few rows.
    """

    def rounded(values: pl.Series) -> pl.Series:
        told = [None if each is None else seconds(each) for each in values.to_list()]
        return pl.Series(told, dtype=pl.Float64)

    return found.map_batches(rounded, return_dtype=pl.Float64, is_elementwise=True)


def sums(rows: pl.LazyFrame, *by: str) -> pl.LazyFrame:
    """Sum of amount_minor by currency and the columns named: *by, currency, minor, valued (rows with a value).

    128 bits, for 64 overflow without a word.
    """
    return (
        rows.filter(pl.col("amount_minor").is_not_null())
        .group_by(*by, "currency")
        .agg(minor=pl.col("amount_minor").cast(pl.Int128).sum(), valued=pl.len())
        .sort("currency")
    )


def amounts(rows: Iterable[dict[str, Any]]) -> tuple[Amount, ...]:
    """Rows of `sums` as money."""
    return tuple(Amount.of(row["minor"], row["currency"]) for row in rows)


def share(part: int, whole: int) -> float | None:
    """part / whole, None where whole is 0."""
    return part / whole if whole else None
