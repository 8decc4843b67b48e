"""What journeys add up to: an answer is told from such a tally alone.

Tallies of different journeys can be added, so an answer is told of ranges that were derived apart. What a journey added
can be taken away again, so an answer is told after a few journeys changed without counting all the others once more.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from engine.projections.figures import Amount
from engine.projections.lengths import NO_LENGTHS, Lengths

Key = tuple[Any, ...]
"""what it is of, then the group (None: all in one), then whatever tells it from others: ("stay", None, 3)"""
Sum = tuple[int, int]
"""minor units, and how many journeys have a value"""


@dataclass
class Tally:
    counts: dict[Key, int] = field(default_factory=dict)
    money: dict[Key, dict[str, Sum]] = field(default_factory=dict)
    """by currency"""
    lengths: dict[Key, Lengths] = field(default_factory=dict)

    def count(self, *key: Any) -> int:
        return self.counts.get(key, 0)

    def sums(self, *key: Any) -> dict[str, Sum]:
        return self.money.get(key, {})

    def amounts(self, *key: Any) -> tuple[Amount, ...]:
        return tuple(Amount.of(minor, currency) for currency, (minor, _) in self.sums(*key).items())

    def of(self, *key: Any) -> Lengths:
        return self.lengths.get(key, NO_LENGTHS)

    def groups(self, *whats: str) -> list[str | None]:
        """Those of which any of these counts or lengths is told, in no order."""
        return list({key[1]: None for keys in (self.counts, self.lengths) for key in keys if key[0] in whats})

    def whole(self) -> "Tally":
        """All groups together; of what is in one group alone."""
        found = Tally()
        for key, number in self.counts.items():
            found.add(Tally(counts={(key[0], None, *key[2:]): number}))
        for key, sums in self.money.items():
            found.add(Tally(money={(key[0], None, *key[2:]): sums}))
        for key, lengths in self.lengths.items():
            found.add(Tally(lengths={(key[0], None, *key[2:]): lengths}))
        return found

    def raise_by(self, number: int, *key: Any) -> None:
        """Counts some more; what would stay 0 is not told of."""
        if number:
            self.counts[key] = self.counts.get(key, 0) + number

    def value(self, minor: int, currency: str, *key: Any) -> None:
        """Adds one value, in minor units."""
        self.add(Tally(money={key: {currency: (minor, 1)}}))

    def add(self, other: "Tally") -> None:
        """What other journeys add up to."""
        self._count(other, 1)
        for key, lengths in other.lengths.items():
            self.lengths[key] = self.lengths[key].plus(lengths) if key in self.lengths else lengths

    def plus(self, other: "Tally") -> "Tally":
        """Both together: of other journeys, or other things of the same."""
        found = Tally(dict(self.counts), dict(self.money), dict(self.lengths))
        found.add(other)
        return found

    def changed(self, before: "Tally", now: "Tally") -> "Tally":
        """Less what some journeys were, with what they are now."""
        found = Tally(dict(self.counts), dict(self.money), dict(self.lengths))
        found._count(before, -1)
        found._count(now, 1)
        for key in before.lengths | now.lengths:
            found.lengths[key] = self.of(*key).changed(before.of(*key), now.of(*key))
        # What no journey tells of any more is not told of, as if it had never been.
        for told in (found.counts, found.money, found.lengths):
            for key in [
                key for key in (*before.counts, *before.money, *before.lengths) if key in told and not told[key]
            ]:
                del told[key]
        return found

    def _count(self, other: "Tally", sign: int) -> None:
        for key, number in other.counts.items():
            self.counts[key] = self.counts.get(key, 0) + sign * number
        for key, sums in other.money.items():
            own = dict(self.sums(*key))
            for currency, (minor, valued) in sums.items():
                before = own.get(currency, (0, 0))
                own[currency] = (before[0] + sign * minor, before[1] + sign * valued)
            self.money[key] = {currency: own[currency] for currency in sorted(own) if own[currency][1]}


@dataclass(frozen=True)
class Part:
    """Rows still to be collected: the keys, then what is told of them."""

    what: str
    keys: tuple[str, ...]
    rows: pl.LazyFrame


def counts(what: str, rows: pl.LazyFrame, by: str | None, *keys: str, **told: pl.Expr) -> Part:
    """Whole numbers that can be added, named by what and their own name: count("stage lost", group, key).

    rows: with `group`, which is all null where by is None.
    """
    # A key of several columns costs a multiple of a key of one.
    keys = keys if by is None else ("group", *keys)
    return Part(what, keys, rows.group_by(keys).agg(**told) if keys else rows.select(**told))


def money(what: str, rows: pl.LazyFrame, by: str | None, *keys: str) -> Part:
    """Of amount_minor, by currency. 128 bits, for 64 overflow without a word."""
    keys = (*keys, "currency") if by is None else ("group", *keys, "currency")
    valued = rows.filter(pl.col("amount_minor").is_not_null())
    return Part(
        what, keys, valued.group_by(keys).agg(minor=pl.col("amount_minor").cast(pl.Int128).sum(), valued=pl.len())
    )


def lengths(what: str, rows: pl.LazyFrame, by: str | None, *keys: str, of: pl.Expr) -> Part:
    """Of microseconds without nulls."""
    keys = keys if by is None else ("group", *keys)
    rows = rows.select(*keys, length=of.cast(pl.Int64))
    total, ordered = pl.col("length").cast(pl.Int128).sum().alias("total"), pl.col("length").sort().alias("ordered")
    told = rows.group_by(keys).agg(ordered, total) if keys else rows.select(ordered.implode(), total)
    return Part(what, keys, told)


def tally(*parts: Part) -> Tally:
    """Collects them all."""
    found = Tally()
    for part, rows in zip(parts, pl.collect_all([part.rows for part in parts]), strict=True):
        take(found, part, rows)
    return found


def take(found: Tally, part: Part, rows: pl.DataFrame) -> None:
    grouped = part.keys[:1] == ("group",)
    keys = [(part.what, *key) if grouped else (part.what, None, *key) for key in keys_of(part, rows)]
    told = rows.columns[len(part.keys) :]
    if told == ["ordered", "total"]:
        ordered = rows["ordered"]
        for number, (key, total) in enumerate(zip(keys, rows["total"], strict=True)):
            found.lengths[key] = Lengths((ordered[number],), total or 0)
    elif told == ["minor", "valued"]:
        for key, *each in sorted(zip(keys, rows["minor"], rows["valued"], strict=True), key=lambda row: row[0][-1]):
            found.money.setdefault(key[:-1], {})[key[-1]] = (each[0], each[1])
    else:
        for name in told:
            what = f"{part.what} {name}"
            found.counts |= {
                (what, *key[1:]): number for key, number in zip(keys, rows[name].to_list(), strict=True) if number
            }


def keys_of(part: Part, rows: pl.DataFrame) -> Iterable[Key]:
    return rows.select(part.keys).rows() if part.keys else [()] * rows.height
