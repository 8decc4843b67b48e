"""Rows kept by journey: sorted parts, each much longer than the next, and the newest rows as they came.

One new row must not cost a sort of all: it is put to the newest, which become a part once there are many of them.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any, Final

import polars as pl
from polars._typing import PolarsDataType

ORDER: Final = ("journey", "occurred_at", "position")
"""the first columns of all rows"""
BEGINS: Final = (pl.col("journey") != pl.col("journey").shift()).fill_null(True)
ENDS: Final = (pl.col("journey") != pl.col("journey").shift(-1)).fill_null(True)
"""the first and the last row of each journey, in rows that are clustered by journey"""
NEWEST: Final = 4096
"""rows that came a few at a time, before they are sorted in"""
TIMES: Final = 8
"""a part is more than so many times as long as the next: few to look in, and few sorts of what was sorted before"""
NEAR: Final = 32
"""rows behind the first of a journey among which its last is looked for first"""
FEW: Final = 64
"""journeys whose rows are taken slice by slice"""

Row = tuple[Any, ...]
"""journey, occurred_at, position and the other columns"""
_order = itemgetter(1, 2)


class Newest:
    """Rows in the order of their positions. They are only ever added to, so who holds the first of them may share."""

    def __init__(self, rows: Sequence[Row] = ()) -> None:
        self.rows: list[Row] = []
        self._of: dict[int, list[Row]] = {}
        self.add(rows)

    def add(self, rows: Sequence[Row]) -> None:
        for row in rows:
            self._of.setdefault(row[0], []).append(row)
            self.rows.append(row)

    def of(self, journey: int, count: int) -> list[Row]:
        """Those of a journey among the first so many."""
        rows = self._of.get(journey, []) if count else []
        if rows and len(self.rows) > count:
            last = self.rows[count - 1][2]
            return [row for row in rows if row[2] <= last]
        return rows


class Kept:
    """Rows with the columns of ORDER first. An instance never changes what it holds: to add makes another one."""

    def __init__(self, *parts: pl.DataFrame, newest: Newest | None = None, count: int = 0) -> None:
        """parts: at least one, sorted by ORDER. newest: of which the first `count` are held."""
        self._held = (parts, newest or Newest(), count)

    @classmethod
    def none(cls, schema: Mapping[str, PolarsDataType]) -> "Kept":
        return cls(pl.DataFrame(schema=schema))

    def plus(self, more: pl.DataFrame) -> "Kept":
        """With these rows too, in whatever order they are."""
        return Kept(*lengthened(self._in_parts(), more.sort(ORDER)))

    def plus_few(self, more: Sequence[Row]) -> "Kept":
        """With these rows too, of positions that rise and are behind those of all others."""
        parts, newest, count = self._held
        if len(newest.rows) != count:
            # Another instance went on from here: what it added is none of this one's.
            newest = Newest(newest.rows[:count])
        newest.add(more)
        longer = Kept(*parts, newest=newest, count=count + len(more))
        return longer if count + len(more) <= NEWEST else Kept(*longer._in_parts())

    def _in_parts(self) -> tuple[pl.DataFrame, ...]:
        parts, newest, count = self._held
        if not count:
            return parts
        rows = pl.DataFrame(newest.rows[:count], schema=parts[0].schema, orient="row")
        return lengthened(parts, rows.sort(ORDER))

    def all(self) -> pl.DataFrame:
        """Every row, sorted by ORDER."""
        rows, *others = parts = self._in_parts()
        if others or parts is not self._held[0]:
            while others:
                rows = sorted_in(rows, others.pop(0))
            # Two threads may both do this: they come to the same.
            self._held = ((rows,), Newest(), 0)
        return rows

    def where(self, holds: pl.Expr) -> pl.DataFrame:
        """The rows for which it holds, in no order: unlike in `all` nothing is sorted in."""
        return pl.concat([part.filter(holds) for part in self._in_parts()])

    def of(self, journeys: pl.Series) -> pl.DataFrame:
        """The rows of some journeys, sorted by ORDER. journeys: their codes, sorted."""
        found = [rows_of(part, journeys) for part in self._in_parts()]
        return found[0] if len(found) == 1 else pl.concat(found).sort(ORDER)

    def of_one(self, journey: int) -> list[Row]:
        """The rows of one journey, sorted by ORDER."""
        parts, newest, count = self._held
        found: list[Row] = []
        for part in parts:
            begin, end = between(part["journey"], journey)
            if begin < end:
                found += part[begin:end].rows()
        return sorted(found + newest.of(journey, count), key=_order)

    def __len__(self) -> int:
        parts, _, count = self._held
        return sum(part.height for part in parts) + count


def lengthened(parts: tuple[pl.DataFrame, ...], last: pl.DataFrame) -> tuple[pl.DataFrame, ...]:
    """The parts and one more, joined to those before it until each is more than TIMES as long as the next."""
    if last.is_empty():
        return parts
    *before, rows = (*parts, last)
    while before and rows.height * TIMES >= before[-1].height:
        rows = sorted_in(before.pop(), rows)
    return (*before, rows)


def between(ordered: pl.Series, wanted: int) -> tuple[int, int]:
    """Where the rows of one code begin and end: halved in Python, a third of what asking Polars takes."""
    begin = bisect_left(ordered, wanted)
    # Most have few rows.
    near = min(begin + NEAR, len(ordered))
    end = bisect_left(ordered, wanted + 1, begin, near)
    return begin, end if end < near else bisect_left(ordered, wanted + 1, near)


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
    # In one piece: rle, for one, panics where a column is in several (Polars 2.1).
    return pl.concat(found, rechunk=True) if found else rows.clear()


def without(rows: pl.DataFrame, journeys: pl.Series) -> pl.DataFrame:
    """The rows of all other journeys; both are sorted by journey."""
    others = pl.repeat(True, rows.height, dtype=pl.Boolean, eager=True)
    return rows.filter(others.scatter(places(rows["journey"], journeys), False))


def sorted_in(rows: pl.DataFrame, more: pl.DataFrame) -> pl.DataFrame:
    """All rows by ORDER, as both are: where few journeys are touched the others stay as they stand."""
    touched = more["journey"].unique().sort()
    if touched.len() * 5 > rows.height:
        return pl.concat([rows, more]).sort(ORDER)
    own = rows_of(rows, touched)
    return without(rows, touched).merge_sorted(pl.concat([own, more]).sort(ORDER), key="journey")
