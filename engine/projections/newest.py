"""The newest word on each thing a journey speaks of: each of its attributes, follow-ups, proposals."""

from functools import reduce
from operator import or_
from typing import Final

import polars as pl

NEAR: Final = 6
"""neighbours that a row is held against; few journeys have more rows, and those are hashed"""


def newest_of_each(rows: pl.DataFrame, thing: str) -> pl.DataFrame:
    """Of each journey the last row for each value of a column; rows are clustered by journey, and stay in order."""
    return rows.filter(~has_twin(rows, thing, later=True))


def has_twin(rows: pl.DataFrame, thing: str, *, later: bool) -> pl.Series:
    """By row: whether a later row of its journey (or an earlier one) has the same value of a column.

    Twins stand near each other: to compare neighbours takes a fifteenth of what hashing all rows takes.
    """
    journey, of, sign = pl.col("journey"), pl.col(thing), -1 if later else 1

    def is_there(distance: int) -> pl.Expr:
        return (journey == journey.shift(sign * distance)).fill_null(False)

    near = [is_there(distance) & of.eq_missing(of.shift(sign * distance)) for distance in range(1, NEAR)]
    told = rows.select(journey, found=reduce(or_, near), more=is_there(NEAR))
    found = told["found"]
    undecided = told.filter(pl.col("more") & ~pl.col("found"))["journey"]
    if not undecided.is_empty():
        place = pl.int_range(pl.len(), dtype=pl.UInt32)
        many = rows.select(journey, of, place=place).filter(journey.is_in(undecided.unique().implode()))
        alone = many.unique(["journey", thing], keep="last" if later else "first")["place"]
        found = found.scatter(many["place"], True).scatter(alone, False)
    return found
