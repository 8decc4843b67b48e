"""Lists of an answer, a page at a time: each sorted by columns of its own and continued behind the row shown last."""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any

import polars as pl

from engine.errors import Rejected


class Pages:
    """One page of each of an answer's lists, and the cursor that continues them all.

    A list that has ended stays empty on the pages that the others still need.
    """

    def __init__(self, limit: int | None, after: str | None, of: Sequence[str]) -> None:
        """limit: rows of each list, all without; after: `next` of the page before; of: names of the lists.

        Rejected: a limit below 0, a cursor that is none, or of other lists.
        """
        if limit is not None and limit < 0:
            raise Rejected(f"limit {limit} is out of range: use 0 or more", field="limit")
        self._limit = limit
        self._continued = after is not None
        self._before: dict[str, list[Any]] = {} if after is None else _read(after, of)
        self._last: dict[str, list[Any]] = {}
        self._more = False

    def page(self, name: str, rows: pl.DataFrame | pl.LazyFrame, by: Sequence[str]) -> pl.DataFrame:
        """The rows of this page, ascending. by: columns without nulls that together tell any two rows apart."""
        rows = rows.lazy()
        last = self._before.get(name)
        if last is not None:
            rows = rows.filter(_behind(rows.select(by).collect_schema(), last))
        elif self._continued:
            rows = rows.clear()
        rows = rows.sort(*by)
        found = (rows if self._limit is None else rows.head(self._limit + 1)).collect()
        shown = found if self._limit is None else found.head(self._limit)
        if shown.height:
            last = list(shown.select(by).row(-1))
            self._more |= found.height > shown.height
        if last is not None:
            self._last[name] = last
        return shown

    @property
    def next(self) -> str | None:
        """Of the pages taken so far; None when nothing is left."""
        if not self._more:
            return None
        told = json.dumps(self._last, separators=(",", ":"))
        return base64.urlsafe_b64encode(told.encode()).decode().rstrip("=")


def _read(after: str, of: Sequence[str]) -> dict[str, list[Any]]:
    try:
        told = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
    except (binascii.Error, ValueError):
        told = None
    if not isinstance(told, dict) or not all(isinstance(last, list) for last in told.values()):
        raise _no_cursor(after)
    if not told.keys() <= set(of):
        said = f"after {after!r} continues another list ({', '.join(told)}): ask for the first page again"
        raise Rejected(said, field="after")
    return told


def _behind(schema: pl.Schema, last: list[Any]) -> pl.Expr:
    """True for what comes after a row with these values: larger in the first column that differs."""
    if len(last) != len(schema) or not all(map(_fits, last, schema.values())):
        raise _no_cursor(str(last))
    behind = pl.lit(False)
    for name, value in reversed(list(zip(schema, last, strict=True))):
        column = pl.col(name)
        behind = (column > value) | ((column == value) & behind)
    return behind


def _fits(value: Any, kind: pl.DataType) -> bool:
    if kind == pl.String:
        return isinstance(value, str)
    if kind.is_float():
        return isinstance(value, float | int) and not isinstance(value, bool)
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def _no_cursor(after: str) -> Rejected:
    return Rejected(f"after {after!r} is no cursor: use `next` of the page before, or leave it out")
