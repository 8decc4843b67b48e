"""What the derived frames hold of one journey, as plain rows: a few journeys are counted and shown from these.

A call of Polars costs some 50 microseconds whatever it holds, and waits for a thread besides. docs/adr/0010.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

Row = Mapping[str, Any]
"""by column; it may hold more than the frame's columns"""


class RowsAlone(NamedTuple):
    """By the fields of Frames."""

    visits: Sequence[Row]
    """by n"""
    journeys: Sequence[Row]
    """one, or none"""
    attributes: Sequence[Row]
    void: Sequence[Row]


class Blank(NamedTuple):
    """What a frame is before it has a row."""

    rows: pl.DataFrame
    """none"""
    schema: pl.Schema
    """theirs, which Polars makes anew whenever it is asked for"""


def complete(rows: Sequence[Row], blank: Blank) -> Sequence[Row]:
    """The rows themselves. KeyError where they lack a column: Polars would put null for it."""
    if rows and (missing := blank.schema.keys() - rows[0].keys()):
        raise KeyError(f"a journey derived alone has no {', '.join(sorted(missing))}")
    return rows


def framed(rows: Sequence[Row], blank: Blank) -> pl.DataFrame:
    """The rows, of each the columns that there are."""
    return pl.from_dicts(rows, schema=blank.schema) if rows else blank.rows


def by_journey(rows: pl.DataFrame) -> dict[int, list[Row]]:
    """The rows of each journey, plain."""
    found: dict[int, list[Row]] = {}
    for row in rows.iter_rows(named=True):
        found.setdefault(row["journey"], []).append(row)
    return found


def flat(rows: Iterable[Sequence[Row]]) -> list[Row]:
    return [row for some in rows for row in some]
