"""Rows kept by journey: a large part that is sorted, and what came since; one new row must not cost a sort of all."""

from typing import Self

import polars as pl
from polars._typing import SchemaDict

ORDER = ("journey", "occurred_at", "position")
NEW = 4096
"""rows that came since may be so many, or an eighth of all, before they are sorted in"""
FEW = 64
"""journeys whose rows are taken slice by slice"""


class Kept:
    """Rows with the columns of ORDER. An instance never changes what it holds: to add makes another one."""

    def __init__(self, rows: pl.DataFrame, since: pl.DataFrame | None = None) -> None:
        """rows: sorted by ORDER. since: in the order they came."""
        self._parts = (rows, rows.clear() if since is None else since)

    @classmethod
    def none(cls, schema: SchemaDict) -> Self:
        return cls(pl.DataFrame(schema=schema))

    def plus(self, more: pl.DataFrame) -> "Kept":
        rows, since = self._parts
        since = pl.concat([since, more])
        if since.height > max(NEW, rows.height // 8):
            return Kept(sorted_in(rows, since))
        return Kept(rows, since)

    def all(self) -> pl.DataFrame:
        """Every row, sorted by ORDER."""
        rows, since = self._parts
        if not since.is_empty():
            # Two threads may both do this: they come to the same.
            rows = sorted_in(rows, since)
            self._parts = (rows, since.clear())
        return rows

    def of(self, journeys: pl.Series) -> pl.DataFrame:
        """The rows of some journeys, sorted by ORDER. journeys: their codes, sorted."""
        rows, since = self._parts
        found = rows_of(rows, journeys)
        if since.is_empty():
            return found
        newer = since.filter(pl.col("journey").is_in(journeys.implode()))
        return found if newer.is_empty() else pl.concat([found, newer]).sort(ORDER)

    def __len__(self) -> int:
        return sum(part.height for part in self._parts)


def bounds(ordered: pl.Series, wanted: pl.Series) -> list[tuple[int, int]]:
    """Where the rows of each of the wanted codes begin and end; both are sorted."""
    ends = ordered.search_sorted(pl.concat([wanted, wanted + 1])).to_list()
    return list(zip(ends[: wanted.len()], ends[wanted.len() :], strict=True))


def places(ordered: pl.Series, wanted: pl.Series) -> pl.Series:
    """The row numbers of all that is one of the wanted codes; both are sorted."""
    first, end = ordered.search_sorted(wanted), ordered.search_sorted(wanted + 1)
    return pl.int_ranges(first, end, eager=True).explode(empty_as_null=False)


def rows_of(rows: pl.DataFrame, journeys: pl.Series) -> pl.DataFrame:
    """The rows of some journeys; both are sorted by journey."""
    if journeys.len() > FEW:
        return rows[places(rows["journey"], journeys)]
    found = [rows[begin:end] for begin, end in bounds(rows["journey"], journeys) if begin < end]
    return pl.concat(found) if found else rows.clear()


def without(rows: pl.DataFrame, journeys: pl.Series) -> pl.DataFrame:
    """The rows of all other journeys; both are sorted by journey."""
    others = pl.repeat(True, rows.height, dtype=pl.Boolean, eager=True)
    return rows.filter(others.scatter(places(rows["journey"], journeys), False))


def sorted_in(rows: pl.DataFrame, since: pl.DataFrame) -> pl.DataFrame:
    """All rows by ORDER: where few journeys are touched the others stay as they stand."""
    touched = since["journey"].unique().sort()
    if touched.len() * 5 > rows.height:
        return pl.concat([rows, since]).sort(ORDER)
    own = rows_of(rows, touched)
    return without(rows, touched).merge_sorted(pl.concat([own, since]).sort(ORDER), key="journey")
