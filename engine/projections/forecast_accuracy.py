"""Forecast accuracy: what the forecasts of past periods said at fixed horizons, against what was won.

Exact definitions: docs/metrics.md#forecast-accuracy.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from engine.errors import Rejected
from engine.periods import Every, Period
from engine.projections.figures import Amount, Answer, Figures, Group, head
from engine.projections.filters import EVERYTHING, Filters
from engine.projections.forecast import Share, amounts
from engine.projections.foretold import HORIZONS, Asked, Foretold, axis_of, foretold
from engine.projections.groups import WHOLE, labels
from engine.projections.likelihood import Basis
from engine.projections.prospects import Count, Minor, added, counted, prospects
from engine.projections.score import Score
from engine.values import from_micros

if TYPE_CHECKING:
    from engine.projections.look import Look

Counts = Mapping[str | None, Count]
"""by group"""
MOST = 24
"""periods"""


class LeftOut(Figures):
    """Of the figures in one currency."""

    currency: str
    periods: int


class AccuracyPoint(Figures):
    """One period at one horizon."""

    period: str
    """2026-W05, 2026-02 or 2026-Q1"""
    at: datetime
    """the moment looked from: as_of and, but in hindsight, known_at"""
    insufficient_history: bool
    """nothing was recorded by then, or a deal was expected from a stage from which too few were decided: no forecast"""
    forecast: tuple[Amount, ...]
    """won_value_then + weighted"""
    won_value: tuple[Amount, ...]
    """in the whole period, as seen now"""
    error: tuple[Amount, ...]
    """forecast - won_value"""
    forecast_wins: float | None
    won: int
    error_wins: float | None
    won_value_then: tuple[Amount, ...]
    """of the period, by then"""
    pipeline_value: tuple[Amount, ...]
    """open then, and expected to close in the period"""
    weighted: tuple[Amount, ...]
    won_then: int
    pipeline_n: int
    without_likelihood: int
    weighted_wins: float


class Horizon(Figures):
    """Over the periods that have a forecast, each currency by itself."""

    horizon: str
    """start, or days before the end of the period"""
    measured: int
    """periods with a forecast"""
    insufficient: int
    """periods without: insufficient history"""
    forecast: tuple[Amount, ...]
    came: tuple[Amount, ...]
    """won_value of the measured periods"""
    wape: tuple[Share, ...]
    """sum of the absolute errors / sum won"""
    bias: tuple[Share, ...]
    """sum of the errors / sum won: above zero where too much was forecast"""
    mape: tuple[Share, ...]
    """mean of absolute error / won, over the periods in which something was won"""
    mape_left_out: tuple[LeftOut, ...]
    """measured periods in which nothing was won"""
    forecast_wins: float
    came_wins: int
    wape_wins: float | None
    bias_wins: float | None
    mape_wins: float | None
    mape_wins_left_out: int
    points: tuple[AccuracyPoint, ...]


class AccuracyGroup(Group):
    horizons: tuple[Horizon, ...]


class ForecastAccuracy(Answer):
    """n: the journeys won in these periods."""

    every: Every
    hindsight: bool
    """as of then with all that is recorded now, instead of what was recorded then"""
    horizons: tuple[Horizon, ...]
    groups: tuple[AccuracyGroup, ...] | None = None


class Pair(NamedTuple):
    """A period's forecast beside what came of it."""

    forecast: Minor | None
    """None: insufficient history"""
    forecast_wins: Fraction
    came: Count
    point: AccuracyPoint


def forecast_accuracy(
    look: "Look",
    filters: Filters = EVERYTHING,
    *,
    by: str | None = None,
    every: Every = "month",
    count: int = 6,
    horizons: Sequence[str] = HORIZONS,
    basis: Basis = "observed",
    hindsight: bool = False,
) -> ForecastAccuracy:
    """Of the periods that the window touches and that are over at as_of; without its beginning of the last `count`.

    horizons: `start`, or days before the end of the period. Rejected: by month, no or too many periods or looks.
    """
    if not 1 <= count <= MOST:
        raise Rejected(f"count {count} is out of range: ask for 1 to {MOST} periods")
    asked = Asked(by, every, count, tuple(dict.fromkeys(horizons)) or HORIZONS, basis, hindsight)
    axis = axis_of(look, filters, asked)
    came = what_came(look, filters, axis, by)
    told = foretold(look, filters, axis, asked)
    groups = None
    if by is not None:
        sides = [*came.values(), *(each.counts for each in told.values())]
        groups = tuple(
            AccuracyGroup(
                key=key,
                label=label,
                n=sum(count_of(counts, value).won for counts in came.values()),
                horizons=horizons_of(told, came, value),
            )
            for value, key, label in labels(look, by, list({group for counts in sides for group in counts}))
        )
    return ForecastAccuracy(
        **head(look),
        n=sum(count_of(counts, WHOLE).won for counts in came.values()),
        every=every,
        hindsight=hindsight,
        horizons=horizons_of(told, came, WHOLE),
        groups=groups,
    )


def what_came(
    look: "Look", filters: Filters, axis: Sequence[Period], by: str | None
) -> dict[str, dict[str | None, Count]]:
    """By period and group, what was won in it as seen now."""
    found: dict[str, dict[str | None, Count]] = {period.name: {} for period in axis}
    for (number, group), count in counted(prospects(look, filters, axis, by), (), ("period", "group")).items():
        found[axis[number].name][group] = count
    return found


def horizons_of(
    told: Mapping[tuple[str, str], Foretold], came: Mapping[str, Counts], group: str | None
) -> tuple[Horizon, ...]:
    """Of one group, or of the WHOLE."""
    pairs: dict[str, list[Pair]] = {}
    for (horizon, period), each in told.items():
        counts = count_of(each.counts, group), count_of(came[period], group)
        pairs.setdefault(horizon, []).append(pair(period, each, *counts))
    return tuple(horizon_of(name, each) for name, each in pairs.items())


def count_of(counts: Counts, group: str | None) -> Count:
    return added(counts.values()) if group == WHOLE else counts.get(group, Count())


def pair(period: str, told: Foretold, then: Count, came: Count) -> Pair:
    known = told.recorded and not then.undecided
    forecast: Minor | None = None
    if known:
        # What a forecast says is rounded: errors are told of what was said.
        currencies = {*then.won_minor, *then.weighted_minor}
        forecast = {each: then.won_minor.get(each, 0) + round(then.weighted_minor.get(each, 0)) for each in currencies}
    wins = then.won + then.weighted
    point = AccuracyPoint(
        period=period,
        at=from_micros(told.at),
        insufficient_history=not known,
        forecast=amounts(forecast or {}),
        won_value=amounts(came.won_minor),
        error=() if forecast is None else amounts(less(forecast, came.won_minor)),
        forecast_wins=float(wins) if known else None,
        won=came.won,
        error_wins=float(wins - came.won) if known else None,
        won_value_then=amounts(then.won_minor),
        pipeline_value=amounts(then.expected_minor),
        weighted=amounts(then.weighted_minor),
        won_then=then.won,
        pipeline_n=then.expected,
        without_likelihood=then.expected - then.likely,
        weighted_wins=float(then.weighted),
    )
    return Pair(forecast, wins, came, point)


def horizon_of(name: str, pairs: Sequence[Pair]) -> Horizon:
    measured = [each for each in pairs if each.forecast is not None]
    money = {
        currency: [
            (each.forecast.get(currency, 0), each.came.won_minor.get(currency, 0))
            for each in measured
            if each.forecast is not None
        ]
        for currency in sorted(
            {currency for each in measured for currency in (*(each.forecast or ()), *each.came.won_minor)}
        )
    }
    scores = {currency: Score.of(said) for currency, said in money.items()}
    wins = Score.of([(each.forecast_wins, each.came.won) for each in measured])

    def shares(figure: str) -> tuple[Share, ...]:
        told = ((currency, getattr(score, figure)) for currency, score in scores.items())
        return tuple(Share(currency=currency, share=share) for currency, share in told if share is not None)

    return Horizon(
        horizon=name,
        measured=len(measured),
        insufficient=len(pairs) - len(measured),
        forecast=amounts({currency: score.forecast for currency, score in scores.items()}),
        came=amounts({currency: score.came for currency, score in scores.items()}),
        wape=shares("wape"),
        bias=shares("bias"),
        mape=shares("mape"),
        mape_left_out=tuple(
            LeftOut(currency=currency, periods=score.left_out) for currency, score in scores.items() if score.left_out
        ),
        forecast_wins=float(wins.forecast),
        came_wins=int(wins.came),
        wape_wins=wins.wape,
        bias_wins=wins.bias,
        mape_wins=wins.mape,
        mape_wins_left_out=wins.left_out,
        points=tuple(each.point for each in pairs),
    )


def less(minuend: Minor, subtrahend: Minor) -> Minor:
    return {each: minuend.get(each, 0) - subtrahend.get(each, 0) for each in {*minuend, *subtrahend}}
