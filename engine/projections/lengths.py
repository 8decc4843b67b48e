"""Lengths of time, every single one of them, in order: what quantiles are told from."""

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

import polars as pl

from engine.projections.figures import SECOND, Durations

FEW = 256
"""lengths that are kept apart, as gone or come since; more are sorted in"""


class Held(NamedTuple):
    """Most of them in parts, and what changed since."""

    parts: Sequence[pl.Series]
    """each sorted, Int64"""
    gone: Sequence[int] = ()
    """places in the one part that do not count any more, ascending"""
    come: Sequence[int] = ()
    """others that count too, ascending"""


class Lengths:
    """Whole microseconds. All are kept, for the quantiles of a whole can't be told from those of its parts.

    An instance never changes what it holds. A few that go and come are kept apart: a length is found among millions in
    twenty steps, where putting one in would copy them all.
    """

    def __init__(self, parts: Sequence[pl.Series], total: int) -> None:
        """parts: each sorted, Int64. total: their sum."""
        self._held = Held(parts)
        self._n = sum(map(len, parts))
        self.total = total

    @classmethod
    def of(cls, few: Iterable[int]) -> "Lengths":
        come = sorted(few)
        return cls._made(Held((NONE,), (), come), sum(come))

    @classmethod
    def _made(cls, held: Held, total: int) -> "Lengths":
        found = cls(held.parts, total)
        found._held = held
        found._n += len(held.come) - len(held.gone)
        return found

    @property
    def ordered(self) -> pl.Series:
        parts, gone, come = self._held
        if len(parts) != 1 or gone or come:
            rows = parts[0] if len(parts) == 1 else pl.concat(parts).sort()
            if gone:
                kept = pl.repeat(True, len(rows), dtype=pl.Boolean, eager=True).scatter(gone, False)
                rows = rows.filter(kept)
            if come:
                rows = pl.concat([rows, pl.Series(come, dtype=pl.Int64)]).sort()
            # Two threads may both do this: they come to the same.
            self._held = Held((rows,))
        return self._held.parts[0]

    def __len__(self) -> int:
        return self._n

    def plus(self, other: "Lengths") -> "Lengths":
        parts = [part for each in (self, other) for part in each._in_parts()]
        return Lengths(parts, self.total + other.total)

    def _in_parts(self) -> Sequence[pl.Series]:
        parts, gone, come = self._held
        return (self.ordered,) if gone or come else parts

    def changed(self, gone: "Lengths", come: "Lengths") -> "Lengths":
        """Less those of gone, each of which is here, and with those of come."""
        out, new = Counter(gone.listed()), Counter(come.listed())
        goes, comes = list((out - new).elements()), list((new - out).elements())
        if not goes and not comes:
            return self
        held = self._held
        if len(held.parts) != 1 or len(held.gone) + len(held.come) + len(goes) + len(comes) > FEW:
            held = Held((self.ordered,))
        places, others = list(held.gone), list(held.come)
        for length in goes:
            at = bisect_left(others, length)
            if others[at : at + 1] == [length]:
                del others[at]
            else:
                insort(places, free(held.parts[0], length, places))
        for length in comes:
            insort(others, length)
        return Lengths._made(Held(held.parts, places, others), self.total - gone.total + come.total)

    def listed(self) -> Sequence[int]:
        """All of them, of a few."""
        (parts, gone, come) = self._held
        return self.ordered.to_list() if gone or any(map(len, parts)) else come

    @cached_property
    def durations(self) -> Durations:
        n = len(self)
        return Durations(
            n=n,
            p50_seconds=self.quantile(50),
            p85_seconds=self.quantile(85),
            p90_seconds=self.quantile(90),
            mean_seconds=self.total / (n * SECOND) if n else None,
        )

    def quantile(self, percent: int, *, plus: int = 0) -> float | None:
        """In seconds, linear between the two around it (type 7), rounded once; None of none.

        plus: microseconds that every one of them is longer.
        """
        if not len(self):
            return None
        low, rest = divmod((len(self) - 1) * percent, 100)
        below = self.nth(low)
        above = self.nth(low + 1) if rest else below
        hundredfold: int = below * (100 - rest) + above * rest + plus * 100
        return hundredfold / (100 * SECOND)

    def nth(self, number: int) -> int:
        """The length at this place in their order, from 0 on."""
        if len(self._held.parts) != 1:
            return int(self.ordered[number])
        (rows,), gone, come = self._held
        # Where each that is gone would stand among those that stay: as many as come before it.
        before = [place - n for n, place in enumerate(gone)]
        stay = len(rows) - len(gone)

        def staying(place: int) -> int:
            return int(rows[place + bisect_right(before, place)])

        # How many of the `number` smallest are among those that came: the fewest that leave no smaller one out.
        fewest, most = max(0, number - stay), min(number, len(come))
        while fewest < most:
            middle = (fewest + most) // 2
            if staying(number - middle - 1) <= come[middle]:
                most = middle
            else:
                fewest = middle + 1
        rest = number - fewest
        candidates = [staying(rest)] if rest < stay else []
        return min([*candidates, *come[fewest : fewest + 1]])


NONE = pl.Series([], dtype=pl.Int64)
NO_LENGTHS = Lengths((NONE,), 0)


def free(ordered: pl.Series, length: int, taken: Sequence[int]) -> int:
    """The first place of the length that is not taken yet."""
    place = bisect_left(ordered, length)
    at = bisect_left(taken, place)
    while at < len(taken) and taken[at] == place:
        at, place = at + 1, place + 1
    return place
