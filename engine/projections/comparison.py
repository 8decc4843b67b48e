"""Comparison: the same figures over two periods side by side, such as before and after the stages were changed.

Exact definitions: docs/metrics.md#comparison.
"""

from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from engine.errors import Rejected
from engine.projections.conversion import Conversion, ConversionGroup, conversion
from engine.projections.cycle_time import CycleTime, CycleTimeGroup, cycle_time
from engine.projections.figures import DAY, Amount, Answer, Figures, Group, head
from engine.projections.filters import EVERYTHING, Filters, Window
from engine.projections.win_rate import WinRate, WinRateGroup, win_rate
from engine.values import exponent, from_micros

if TYPE_CHECKING:
    from engine.projections.look import Look

Unit = Literal["count", "share", "seconds", "money", "average"]
SUMMED = ("count", "money")
"""units that grow with the length of a period"""
MONTH_DAYS = 30


class Period(Figures):
    since: datetime
    until: datetime
    days: float


class Difference(Figures):
    """One figure in both periods. Null where a period has none."""

    figure: str
    stage: str | None
    currency: str | None
    unit: Unit
    before: float | Amount | None
    after: float | Amount | None
    difference: float | Amount | None
    """after - before"""
    change: float | None
    """difference / before, null where before is 0"""
    before_per_30_days: float | Amount | None
    """of counts and sums of money: as much in 30 days, for periods of unequal length"""
    after_per_30_days: float | Amount | None


class ComparisonGroup(Group):
    figures: tuple[Difference, ...]


class Comparison(Answer):
    """n: the journeys that entered the pipeline in the later period."""

    before: Period
    after: Period
    figures: tuple[Difference, ...]
    groups: tuple[ComparisonGroup, ...] | None = None


Name = tuple[str, str | None, str | None]
"""figure, stage, currency"""
Number = float | Fraction | None
"""of money an exact number of minor units"""
Told = dict[Name, tuple[Unit, Number]]
Key = tuple[str | None, str | None] | None
"""key and label of a group; None: the whole"""


def comparison(
    look: "Look", filters: Filters = EVERYTHING, *, by: str | None = None, against: Window | None = None
) -> Comparison:
    """The filters' window beside `against`, by default as long a time just before it.

    Conversion is that of each period as it stood at its own end, so that the older cohort has no head start. Rejected:
    a period without beginning, an empty one, by month.
    """
    if by == "month":
        raise Rejected("two periods by month are a trend: ask for the trend, or group by something else", field="by")
    since, until = bounds(filters.window, look.as_of)
    start, end = (2 * since - until, since) if against is None else bounds(against, look.as_of)
    before, after = (told(look, within(filters, *period), by) for period in ((start, end), (since, until)))
    days = (end - start) / DAY, (until - since) / DAY
    groups = None
    if by is not None:
        names = [name for name in dict.fromkeys([*before, *after]) if name is not None]
        groups = tuple(
            ComparisonGroup(
                key=key,
                label=label,
                n=counted(after.get((key, label), {})),
                figures=differences(before.get((key, label), {}), after.get((key, label), {}), *days),
            )
            for key, label in sorted(names, key=lambda name: (name[0] is None, name[0] or ""))
        )
    return Comparison(
        **head(look),
        n=counted(after[None]),
        before=Period(since=from_micros(start), until=from_micros(end), days=days[0]),
        after=Period(since=from_micros(since), until=from_micros(until), days=days[1]),
        figures=differences(before[None], after[None], *days),
        groups=groups,
    )


def bounds(window: Window, as_of: int) -> tuple[int, int]:
    """Beginning and end of a period; one that is not over ends at as_of."""
    if window.since is None:
        raise Rejected("a comparison needs the beginning of its period: give since", field="since")
    until = as_of if window.until is None else min(window.until, as_of)
    if until <= window.since:
        raise Rejected(
            f"the period from {from_micros(window.since)} to {from_micros(until)} is empty: begin it earlier",
            field="since",
        )
    return window.since, until


def within(filters: Filters, since: int, until: int) -> Filters:
    return filters.model_copy(update={"since": from_micros(since), "until": from_micros(until)})


def told(look: "Look", filters: Filters, by: str | None) -> dict[Key, Told]:
    """Every figure of one period, of the whole and of each group."""
    funnel = conversion(look, filters, by=by, in_period=True)
    rates = win_rate(look, filters, by=by)
    times = cycle_time(look, filters, by=by)
    found: dict[Key, Told] = {None: {**passing(funnel), **winning(rates), **lasting(times)}}
    parts = [
        *((group, passing(group)) for group in funnel.groups or ()),
        *((group, winning(group)) for group in rates.groups or ()),
        *((group, lasting(group)) for group in times.groups or ()),
    ]
    for group, figures in parts:
        found.setdefault((group.key, group.label), {}).update(figures)
    return found


def passing(found: Conversion | ConversionGroup) -> Told:
    told: Told = {
        ("entered", None, None): ("count", found.overall.entered),
        ("conversion", None, None): ("share", found.overall.conversion),
    }
    for stage in found.stages:
        told["entered", stage.stage, None] = "count", stage.entered
        told["conversion", stage.stage, None] = "share", stage.conversion
    return told


def winning(found: WinRate | WinRateGroup) -> Told:
    told: Told = {
        ("won", None, None): ("count", found.won),
        ("lost", None, None): ("count", found.lost),
        ("disqualified", None, None): ("count", found.disqualified),
        ("win_rate", None, None): ("share", found.win_rate),
    }
    for money in found.won_value:
        told["won_value", None, money.currency] = "money", in_minor(money)
    for average in found.average_won_value:
        told["average_sale", None, average.currency] = "average", in_minor(average)
    return told


def in_minor(money: Amount) -> Fraction:
    return Fraction(Decimal(money.amount).scaleb(exponent(money.currency)))


def lasting(found: CycleTime | CycleTimeGroup) -> Told:
    told: Told = {("cycle_p50", None, None): ("seconds", found.won.p50_seconds)}
    for stage in found.stages:
        told["time_in_stage_p50", stage.stage, None] = "seconds", stage.p50_seconds
    return told


def counted(told: Told) -> int:
    """Journeys that entered the pipeline in the period."""
    return int(told.get(("entered", None, None), ("count", 0))[1] or 0)


def differences(before: Told, after: Told, days_before: float, days_after: float) -> tuple[Difference, ...]:
    """All figures that either period has; a count or a sum that one lacks is 0 there."""
    return tuple(
        difference(
            name,
            before.get(name) or (unit, none_of(unit)),
            after.get(name) or (unit, none_of(unit)),
            days_before,
            days_after,
        )
        for name, (unit, _) in {**before, **after}.items()
    )


def none_of(unit: Unit) -> Number:
    if unit not in SUMMED:
        return None
    return Fraction(0) if unit == "money" else 0


def difference(
    name: Name, before: tuple[Unit, Number], after: tuple[Unit, Number], days_before: float, days_after: float
) -> Difference:
    figure, stage, currency = name
    unit, was, now = after[0], before[1], after[1]
    gap = now - was if was is not None and now is not None else None

    def told(number: Number) -> float | Amount | None:
        if isinstance(number, Fraction):
            return None if currency is None else Amount.of(number, currency)
        return number

    def monthly(number: Number, days: float) -> float | Amount | None:
        if unit not in SUMMED or number is None:
            return None
        return told(number / Fraction(days) * MONTH_DAYS if unit == "money" else number / days * MONTH_DAYS)

    return Difference(
        figure=figure,
        stage=stage,
        currency=currency,
        unit=unit,
        before=told(was),
        after=told(now),
        difference=told(gap),
        change=float(gap / was) if gap is not None and was else None,
        before_per_30_days=monthly(was, days_before),
        after_per_30_days=monthly(now, days_after),
    )
