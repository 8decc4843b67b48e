"""Frames of one row a journey, put side by side: left joins, for less."""

from collections.abc import Sequence

import polars as pl


def side_by_side(rows: pl.DataFrame, parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The rows with what each part says of their journeys, null where it says nothing.

    All are sorted by journey and have one row for each; rows have all that the parts have.
    """
    journeys = rows["journey"]
    lowest = 0 if rows.is_empty() else int(journeys[0])
    row_of = pl.repeat(0, 0 if rows.is_empty() else int(journeys[-1]) - lowest + 1, dtype=pl.UInt32, eager=True)
    row_of = row_of.scatter(journeys - lowest, pl.int_range(rows.height, dtype=pl.UInt32, eager=True))
    beside = [rows]
    for part in parts:
        told = part.drop("journey")
        if told.height == rows.height:
            beside.append(told)
        elif told.is_empty():
            beside.append(told.clear(rows.height))
        else:
            at = row_of[part["journey"] - lowest]
            beside.append(pl.DataFrame([spread(column, at, rows.height) for column in told]))
    return pl.concat(beside, how="horizontal")


def spread(values: pl.Series, at: pl.Series, length: int) -> pl.Series:
    """A column that has the values at these rows and is null elsewhere."""
    if values.dtype.is_nested():
        # Polars scatters no lists.
        row = pl.repeat(None, length, dtype=pl.UInt32, eager=True)
        return values[row.scatter(at, pl.int_range(values.len(), dtype=pl.UInt32, eager=True))]
    return pl.repeat(None, length, dtype=values.dtype, eager=True).scatter(at, values).alias(values.name)
