"""Velocity: what the open pipeline brings in a day, at the rate, worth and pace of what was decided lately.

Exact definitions: docs/metrics.md#velocity.
"""

from calendar import monthrange
from fractions import Fraction
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

import polars as pl

from engine.errors import Rejected
from engine.projections.decided import NOTHING, Decided, all_in_one, closed, decided
from engine.projections.figures import Amount, Answer, Figures, Group, head
from engine.projections.filters import EVERYTHING, Filters, chosen, narrowed
from engine.projections.groups import grouped, labels
from engine.values import from_micros

if TYPE_CHECKING:
    from engine.projections.look import Look

Pace = Literal["median", "mean"]
A_DAY = 86_400


class Velocities(Figures):
    """per_day = qualified_open x win_rate x value_per_win / cycle_days; empty where one of them is not known."""

    qualified_open: int
    win_rate: float | None
    won: int
    lost: int
    value_per_win: tuple[Amount, ...]
    """won value by currency / won journeys that have a value in any, rounded half to even"""
    cycle_days: float | None
    """opening to win, median or mean"""
    per_day: tuple[Amount, ...]
    per_month: tuple[Amount, ...]
    """per_day x days_in_month, rounded once"""


class VelocityGroup(Velocities, Group):
    pass


class Velocity(Velocities, Answer):
    """n: the qualified open journeys and those decided."""

    pace: Pace
    days_in_month: int
    """of the month of as_of in the filters' time zone"""
    groups: tuple[VelocityGroup, ...] | None = None


def velocity(look: "Look", filters: Filters = EVERYTHING, *, by: str | None = None, pace: Pace = "median") -> Velocity:
    """Of the window those closed in it; the qualified open ones are all that stand open at as_of.

    pace: cycle_days is the median, or the mean as in the classic formula. Rejected: by month (ask the trend).
    """
    if by == "month":
        raise Rejected("velocity by month is a trend: ask for the trend of velocity", field="by")
    counts = dict(ready_of(look, filters, by).group_by("group").len().collect().iter_rows())
    rows = closed(look, filters, by)
    days = days_in_month(look.as_of, filters.tz)
    groups = None
    if by is not None:
        each = decided(rows)
        groups = tuple(
            VelocityGroup(key=key, label=label, **told(counts.get(value, 0), each.get(value, NOTHING), pace, days))
            for value, key, label in labels(look, by, list(dict.fromkeys([*each, *counts])))
        )
    whole = told(sum(counts.values()), decided(all_in_one(rows)).get(None, NOTHING), pace, days)
    return Velocity(**head(look), pace=pace, days_in_month=days, **whole, groups=groups)


def ready_of(look: "Look", filters: Filters, by: str | None) -> pl.LazyFrame:
    """The qualified open journeys, with `group`."""
    ready = chosen(look, filters).filter((pl.col("outcome") == "open") & pl.col("qualified_at").is_not_null())
    return grouped(narrowed(ready.with_columns(at=pl.lit(look.as_of)), look, filters), look, by, filters)


def days_in_month(as_of: int, tz: str) -> int:
    local = from_micros(as_of).astimezone(ZoneInfo(tz))
    return monthrange(local.year, local.month)[1]


def told(ready: int, past: Decided, pace: Pace, days: int) -> dict[str, object]:
    """The fields of Velocities, and n."""
    seconds = past.cycle.p50_seconds if pace == "median" else past.cycle.mean_seconds
    per_day = speed(ready, past.win_rate, past.value_per_win, seconds)
    return {
        "n": ready + past.won + past.lost,
        "qualified_open": ready,
        "win_rate": None if past.win_rate is None else float(past.win_rate),
        "won": past.won,
        "lost": past.lost,
        "value_per_win": tuple(Amount.of(minor, currency) for currency, minor in past.value_per_win.items()),
        "cycle_days": None if seconds is None else seconds / A_DAY,
        "per_day": tuple(Amount.of(minor, currency) for currency, minor in per_day.items()),
        "per_month": tuple(Amount.of(minor * days, currency) for currency, minor in per_day.items()),
    }


def speed(
    ready: int, win_rate: Fraction | None, value_per_win: dict[str, Fraction], cycle_seconds: float | None
) -> dict[str, Fraction]:
    """Minor units a day by currency, exact; empty where a factor is not known or the cycle takes no time."""
    if win_rate is None or not cycle_seconds:
        return {}
    cycle_days = Fraction(cycle_seconds) / A_DAY
    return {currency: ready * win_rate * minor / cycle_days for currency, minor in value_per_win.items()}
