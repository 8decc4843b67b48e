"""A derived frame in spans of consecutive journeys: what changes in a few journeys rewrites their spans alone.

And that only when all of it is asked for: until then the rows of changed journeys are kept beside, as plain rows.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import polars as pl

from engine.projections.kept import FEW, between, rows_of, without
from engine.projections.rows_alone import Blank, Row, complete, flat, framed

WIDTH = 8_192
"""journeys of a span: 600,000 make 74, and one is copied in a millisecond"""
BESIDE = 512
"""journeys whose rows lie beside, from which on whoever has the time puts them in (Views.settle)"""
MOST = 4_096
"""journeys whose rows lie beside; of more, those of a span are put in with each change, for none to wait for all"""


class PutIn(NamedTuple):
    """What lay beside, put in."""

    parts: list[pl.DataFrame]
    beside: Mapping[int, Sequence[Row]]
    whole: list[pl.DataFrame]


class Spans:
    """Rows sorted by journey. An instance never changes what it holds."""

    def __init__(
        self,
        parts: list[pl.DataFrame],
        beside: Mapping[int, Sequence[Row]] | None = None,
        blank: Blank | None = None,
        height: int | None = None,
    ) -> None:
        """parts: by journey code // WIDTH; at least one. beside: by code what a journey has instead."""
        self._held = (parts, beside or {})
        self.blank = blank or Blank(parts[0].clear(), parts[0].schema)
        self.height = sum(part.height for part in parts) if height is None else height
        """of all rows"""

    @classmethod
    def of(cls, rows: pl.DataFrame) -> "Spans":
        """rows: sorted by journey."""
        last = 0 if rows.is_empty() else rows["journey"][-1]
        after = pl.Series(range(WIDTH, last + WIDTH + 1, WIDTH), dtype=pl.UInt32)
        ends = rows["journey"].search_sorted(after, side="left").to_list()
        return cls([rows[begin:end] for begin, end in zip([0, *ends], ends, strict=False)])

    def replaced(self, rows: Mapping[int, tuple[Sequence[Row], Sequence[Row]]]) -> "Spans":
        """With other rows of a few journeys; rows: what each of them had (rows_alone), and what it has."""
        parts, beside = self._held
        changed, height = dict(beside), self.height
        for journey, (before, now) in rows.items():
            if before or now:
                changed[journey] = complete(now, self.blank)
                height += len(now) - len(before)
        while len(changed) > MOST:
            number = next(iter(changed)) // WIDTH
            oldest = {journey: changed.pop(journey) for journey in list(changed) if journey // WIDTH == number}
            parts = with_beside(parts, oldest, self.blank)
        return Spans(parts, changed, self.blank, height)

    def spliced(self, rows: pl.DataFrame, journeys: pl.Series) -> "Spans":
        """With these rows instead of all that the journeys had; both are sorted by journey."""
        return Spans(spliced(self.parts, rows.select(self.blank.rows.columns), journeys), blank=self.blank)

    @property
    def parts(self) -> list[pl.DataFrame]:
        """All rows, by journey code // WIDTH."""
        parts, beside = self._held
        if beside:
            parts = with_beside(parts, beside, self.blank)
            # Two threads may both do this: they come to the same.
            self._held = (parts, {})
        return parts

    def put_in(self) -> PutIn | None:
        """What lies beside in the parts, where it is much: for `take`."""
        parts, beside = self._held
        return PutIn(parts, beside, with_beside(parts, beside, self.blank)) if len(beside) > BESIDE else None

    def take(self, done: PutIn) -> None:
        """Hold the same with what was put in, here or in an instance before; what changed since still lies beside."""
        parts, beside = self._held
        if parts is done.parts:
            self._held = done.whole, {code: rows for code, rows in beside.items() if rows is not done.beside.get(code)}

    @cached_property
    def whole(self) -> pl.DataFrame:
        """All rows, in as many chunks as there are spans: nothing is copied but the spans where something changed."""
        return pl.concat(self.parts, rechunk=False)

    def rows_alone(self, journey: int) -> Sequence[Row]:
        """The rows of one journey as they stand."""
        parts, beside = self._held
        if journey in beside:
            return beside[journey]
        number = journey // WIDTH
        if number >= len(parts):
            return ()
        begin, end = between(parts[number]["journey"], journey)
        return parts[number][begin:end].rows(named=True) if begin < end else ()


def with_beside(parts: list[pl.DataFrame], beside: Mapping[int, Sequence[Row]], blank: Blank) -> list[pl.DataFrame]:
    """The parts with what lies beside put in."""
    journeys = sorted(beside)
    rows = framed(flat(beside[each] for each in journeys), blank)
    return spliced(parts, rows, pl.Series(journeys, dtype=pl.UInt32))


def spliced(parts: list[pl.DataFrame], rows: pl.DataFrame, journeys: pl.Series) -> list[pl.DataFrame]:
    """The parts with these rows instead of all that the journeys had."""
    longer, numbers = list(parts), journeys // WIDTH
    for number in numbers.unique(maintain_order=True):
        longer += [rows.clear()] * (number + 1 - len(longer))
        longer[number] = put_in(longer[number], rows, journeys.filter(numbers == number))
    return longer


def put_in(old: pl.DataFrame, new: pl.DataFrame, journeys: pl.Series) -> pl.DataFrame:
    """The old rows, those of the journeys taken from new."""
    if len(journeys) > FEW:
        return pl.concat([without(old, journeys), rows_of(new, journeys)]).sort("journey", maintain_order=True)
    # Piece by piece, which costs one copy whatever is kept.
    pieces, kept = [], 0
    were, are = old["journey"], new["journey"]
    for journey in journeys:
        (begin, end), (first, last) = between(were, journey), between(are, journey)
        pieces += [old[kept:begin], new[first:last]]
        kept = end
    return pl.concat([*pieces, old[kept:]], rechunk=True)
