"""Lengths of time, every single one of them, in order: what quantiles are told from."""

from collections.abc import Iterable, Sequence
from functools import cached_property

import polars as pl

from engine.projections.figures import SECOND, Durations

FEW = 256
"""lengths that are put in or taken out one by one; more are sorted in"""


class Lengths:
    """Whole microseconds. All are kept, for the quantiles of a whole can't be told from those of its parts.

    An instance never changes what it holds.
    """

    def __init__(self, parts: Sequence[pl.Series], total: int) -> None:
        """parts: each sorted, Int64. total: their sum."""
        self._parts = parts
        self._n = sum(map(len, parts))
        self.total = total

    @property
    def ordered(self) -> pl.Series:
        if len(self._parts) != 1:
            self._parts = (pl.concat(self._parts).sort(),)
        return self._parts[0]

    def __len__(self) -> int:
        return self._n

    def plus(self, other: "Lengths") -> "Lengths":
        return Lengths([*self._parts, *other._parts], self.total + other.total)

    def changed(self, gone: "Lengths", come: "Lengths") -> "Lengths":
        """Less those of gone, each of which is here, and with those of come."""
        out, new = gone.ordered, come.ordered
        total = self.total - gone.total + come.total
        if len(out) + len(new) > FEW:
            return Lengths([without(self.ordered, out), new], total)
        ordered = self.ordered
        # What comes is put before the first that is not smaller; what goes is cut out where it stands.
        cuts = [(place, 0, number) for number, place in enumerate(ordered.search_sorted(new, side="left"))]
        cuts += [(place, 1, 0) for place in apart(ordered.search_sorted(out, side="left"))]
        pieces, kept = [], 0
        for place, goes, number in sorted(cuts):
            pieces.append(ordered[kept:place])
            if not goes:
                pieces.append(new[number : number + 1])
            kept = place + goes
        return Lengths((pl.concat([*pieces, ordered[kept:]], rechunk=True),), total)

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
        below, above = self.ordered.gather([low, low + (rest > 0)]).to_list()
        hundredfold: int = below * (100 - rest) + above * rest + plus * 100
        return hundredfold / (100 * SECOND)


NO_LENGTHS = Lengths((pl.Series([], dtype=pl.Int64),), 0)


def apart(places: Iterable[int]) -> list[int]:
    """The places of equal ones, which a search finds at the first of them, one beside the other."""
    found: list[int] = []
    for place in places:
        found.append(max(place, found[-1] + 1) if found else place)
    return found


def without(ordered: pl.Series, gone: pl.Series) -> pl.Series:
    places = apart(ordered.search_sorted(gone, side="left").to_list())
    return ordered.filter(pl.repeat(True, len(ordered), dtype=pl.Boolean, eager=True).scatter(places, False))
