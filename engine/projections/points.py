"""The points of a trend: what happened in each period, and what stood at its end, counted over all rows at once."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from itertools import pairwise
from typing import Any, Literal

import polars as pl

from engine.periods import Period
from engine.projections.decided import ratio
from engine.projections.figures import Amount, Figures, median_seconds, share, sums
from engine.projections.velocity import speed
from engine.values import from_micros

Side = Literal["then", "now"]


class Flow(Figures):
    """What happened in the period: entered it, was decided in it."""

    entered: int
    advanced: int
    """of those that entered, the ones that were won, or went further than the stage asked for"""
    conversion: float | None
    """advanced / entered"""
    won: int
    lost: int
    disqualified: int
    win_rate: float | None
    won_value: tuple[Amount, ...]
    cycle_p50_seconds: float | None
    """opening to win"""


class Point(Figures):
    period: str
    """2026-W05, 2026-02 or 2026-Q1"""
    since: datetime
    until: datetime
    complete: bool
    """over at as_of"""
    open: int
    """at the end of the period, or at as_of"""
    qualified_open: int
    pipeline_value: tuple[Amount, ...]
    """of the open ones, at what they were worth then"""
    velocity: tuple[Amount, ...]
    """a day: qualified_open x win rate x value per win / cycle days, all as they stood"""
    then: Flow
    """as it stood at the end of the period"""
    now: Flow
    """as it is seen at as_of: what was taken up again since is not won or lost, what was merged is gone"""


@dataclass(frozen=True)
class Parts:
    """Rows of timeline.py with `group`."""

    entries: pl.DataFrame
    closings: pl.DataFrame
    stretches: pl.DataFrame

    def all_in_one(self) -> "Parts":
        none = pl.lit(None, pl.String).alias("group")
        return Parts(*(rows.with_columns(none) for rows in (self.entries, self.closings, self.stretches)))


Key = tuple[str | None, int]
"""group, number of the period"""
Minor = dict[str, int]
"""minor units by currency"""


@dataclass
class Count:
    """What one side of a point is made of."""

    entered: int = 0
    advanced: int = 0
    won: int = 0
    lost: int = 0
    disqualified: int = 0
    minor: Minor = field(default_factory=dict)
    valued: int = 0
    """wins with a value in any currency"""
    cycle_p50_seconds: float | None = None


@dataclass
class Stock:
    """What stood open at the end of a period."""

    open: int = 0
    qualified: int = 0
    minor: Minor = field(default_factory=dict)
    valued: Minor = field(default_factory=dict)
    """how many have a value, by currency"""

    def add(self, sign: int, other: "Stock") -> None:
        self.open += sign * other.open
        self.qualified += sign * other.qualified
        for own, more in ((self.minor, other.minor), (self.valued, other.valued)):
            for currency, amount in more.items():
                own[currency] = own.get(currency, 0) + sign * amount

    def value(self) -> Minor:
        """Of the currencies that anything is valued in."""
        return {currency: self.minor[currency] for currency, count in self.valued.items() if count}


def points(parts: Parts, axis: list[Period], as_of: int) -> dict[str | None, tuple[Point, ...]]:
    """The points of each group; those of None where there is nothing at all."""
    moments = pl.Series("until", [min(period.until - 1, as_of) for period in axis], dtype=pl.Int64)
    came = placed(parts.entries, moments, axis[0].since)
    done = placed(parts.closings, moments, axis[0].since)
    then, now = counts(came, done, "then"), counts(came, done, "now")
    stood = stocks(parts.stretches, moments)
    groups: dict[str | None, None] = dict.fromkeys([*came["group"].unique(), *done["group"].unique(), *stood])
    return {
        group: tuple(
            point(period, as_of, then[group, n], now[group, n], stood[group][n] if group in stood else Stock())
            for n, period in enumerate(axis)
        )
        for group in groups or {None: None}
    }


def placed(rows: pl.DataFrame, moments: pl.Series, since: int) -> pl.DataFrame:
    """Rows of these periods with `period` (its number) and `until` (the last moment of it that is looked at)."""
    numbered = rows.filter(pl.col("at") >= since).with_columns(period=number(moments, pl.col("at")))
    inside = numbered.filter(pl.col("period") < len(moments))
    return inside.with_columns(until=moments.gather(inside["period"]))


def number(moments: pl.Series, at: pl.Expr) -> pl.Expr:
    """The number of the first moment at or after `at`; as many as there are moments where all are before, or null."""
    place = pl.lit(moments).search_sorted(at, side="left")
    return pl.when(at.is_null()).then(len(moments)).otherwise(place).cast(pl.Int64)


def counts(came: pl.DataFrame, done: pl.DataFrame, side: Side) -> dict[Key, Count]:
    """What happened in each period, as it stood at its end or as it is now."""
    late = pl.col("until") if side == "then" else pl.lit(LAST)
    came = came.filter((pl.col("merged_at") > late).fill_null(True))
    done = done.filter((pl.col("ends") > late).fill_null(True))
    found: dict[Key, Count] = defaultdict(Count)
    by = ["group", "period"]
    advanced = (pl.col("far_at") <= late).fill_null(False).sum()
    for group, n, entered, further in came.group_by(by).agg(pl.len(), advanced).iter_rows():
        found[group, n].entered, found[group, n].advanced = entered, further
    for group, n, outcome, decided in done.group_by(*by, "outcome").agg(pl.len()).iter_rows():
        setattr(found[group, n], outcome, decided)
    won = done.filter(pl.col("outcome") == "won")
    for group, n, seconds in won.group_by(by).agg(median_seconds("spent")).iter_rows():
        found[group, n].cycle_p50_seconds = seconds
    for group, n, currency, minor, valued in worth(won, *by):
        found[group, n].minor[currency] = minor
        found[group, n].valued += valued
    return found


LAST = 2**63 - 1
"""later than anything"""


def worth(rows: pl.DataFrame, *by: str) -> Iterator[Any]:
    """Sums by currency and the columns named, with how many had a value."""
    return sums(rows.lazy(), *by).collect().iter_rows()


def stocks(stretches: pl.DataFrame, moments: pl.Series) -> dict[str | None, list[Stock]]:
    """What stood open at each moment: all that began by then, less all that ended by then."""
    rows = stretches.with_columns(begins=number(moments, pl.col("at")), over=number(moments, pl.col("ends"))).filter(
        pl.col("begins") < pl.col("over")
    )
    steps: dict[str | None, list[Stock]] = defaultdict(lambda: [Stock() for _ in range(len(moments))])
    for edge, sign in (("begins", 1), ("over", -1)):
        here = rows.filter(pl.col(edge) < len(moments))
        for group, n, stood, ready in here.group_by("group", edge).agg(pl.len(), pl.col("qualified").sum()).iter_rows():
            steps[group][n].add(sign, Stock(stood, ready))
        for group, n, currency, minor, valued in worth(here, "group", edge):
            steps[group][n].add(sign, Stock(minor={currency: minor}, valued={currency: valued}))
    for own in steps.values():
        for before, after in pairwise(own):
            after.add(1, before)
    return dict(steps)


def point(period: Period, as_of: int, then: Count, now: Count, stood: Stock) -> Point:
    value_per_win = {currency: Fraction(minor, then.valued) for currency, minor in sorted(then.minor.items())}
    pace = speed(stood.qualified, ratio(then.won, then.won + then.lost), value_per_win, then.cycle_p50_seconds)
    return Point(
        period=period.name,
        since=from_micros(period.since),
        until=from_micros(period.until),
        complete=period.until <= as_of,
        open=stood.open,
        qualified_open=stood.qualified,
        pipeline_value=money(stood.value()),
        velocity=tuple(Amount.of(minor, currency) for currency, minor in pace.items()),
        then=flow(then),
        now=flow(now),
    )


def flow(count: Count) -> Flow:
    return Flow(
        entered=count.entered,
        advanced=count.advanced,
        conversion=share(count.advanced, count.entered),
        won=count.won,
        lost=count.lost,
        disqualified=count.disqualified,
        win_rate=share(count.won, count.won + count.lost),
        won_value=money(count.minor),
        cycle_p50_seconds=count.cycle_p50_seconds,
    )


def money(minor: Minor) -> tuple[Amount, ...]:
    return tuple(Amount.of(amount, currency) for currency, amount in sorted(minor.items()))
