"""A derived frame in spans of consecutive journeys: what changes in a few journeys rewrites their spans alone."""

from functools import cached_property

import polars as pl

from engine.projections.kept import bounds, rows_of

WIDTH = 8_192
"""journeys of a span: 600,000 make 74, and one is copied in a millisecond"""


class Spans:
    """Rows sorted by journey. An instance never changes."""

    def __init__(self, parts: list[pl.DataFrame]) -> None:
        self.parts = parts
        """by journey code // WIDTH; at least one"""

    @classmethod
    def of(cls, rows: pl.DataFrame) -> "Spans":
        """rows: sorted by journey."""
        last = 0 if rows.is_empty() else rows["journey"][-1]
        after = pl.Series(range(WIDTH, last + WIDTH + 1, WIDTH), dtype=pl.UInt32)
        ends = rows["journey"].search_sorted(after, side="left").to_list()
        return cls([rows[begin:end] for begin, end in zip([0, *ends], ends, strict=False)])

    def replaced(self, rows: pl.DataFrame, journeys: pl.Series) -> "Spans":
        """With these rows instead of all that the journeys had; both are sorted by journey."""
        rows = rows.select(self.parts[0].columns)
        parts = list(self.parts)
        for number in (journeys // WIDTH).unique(maintain_order=True):
            parts += [rows.clear()] * (number + 1 - len(parts))
            parts[number] = spliced(parts[number], rows, journeys.filter(journeys // WIDTH == number))
        return Spans(parts)

    def holds(self, journeys: pl.Series) -> bool:
        """Whether any of the journeys has a row; journeys: sorted."""
        numbers = (journeys // WIDTH).unique(maintain_order=True)
        concerned = (self.parts[number]["journey"] for number in numbers if number < len(self.parts))
        return any(begin < end for part in concerned for begin, end in bounds(part, journeys))

    def rows_of(self, journeys: pl.Series) -> pl.DataFrame:
        """The rows of some journeys; journeys: sorted."""
        numbers = journeys // WIDTH
        found = [
            rows_of(self.parts[number], journeys.filter(numbers == number))
            for number in numbers.unique(maintain_order=True)
            if number < len(self.parts)
        ]
        return pl.concat(found) if found else self.parts[0].clear()

    @cached_property
    def whole(self) -> pl.DataFrame:
        """All rows, in as many chunks as there are spans: nothing is copied."""
        return pl.concat(self.parts, rechunk=False)


def spliced(old: pl.DataFrame, new: pl.DataFrame, journeys: pl.Series) -> pl.DataFrame:
    """The old rows, those of the journeys taken from new: piece by piece, which costs one copy whatever is kept."""
    pieces, kept = [], 0
    for gone, come in zip(bounds(old["journey"], journeys), bounds(new["journey"], journeys), strict=True):
        pieces += [old[kept : gone[0]], new[come[0] : come[1]]]
        kept = gone[1]
    return pl.concat([*pieces, old[kept:]], rechunk=True)
