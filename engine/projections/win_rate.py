"""Win rate: of the journeys that were decided, how many were won, and what they were worth.

Exact definitions: docs/metrics.md#win-rate.
"""

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from engine.projections.closings import at_their_close
from engine.projections.figures import (
    NO_DURATIONS,
    Amount,
    Answer,
    Durations,
    Figures,
    Group,
    amounts,
    head,
    share,
    sums,
    timed,
)
from engine.projections.filters import EVERYTHING, Filters
from engine.projections.groups import grouped, labels
from engine.values import exponent

if TYPE_CHECKING:
    from engine.projections.views import Look

Cohort = Literal["closed", "opened"]
COUNTED = ("won", "lost", "open", "disqualified", "transferred", "merged")


class AverageValue(Figures):
    """Of the n won journeys that have a value in the currency; mean in major units, unrounded."""

    currency: str
    n: int
    mean: float


class ByValue(Figures):
    """won_value / (won_value + lost_value), values as they were at the close."""

    currency: str
    won_value: Amount
    lost_value: Amount
    win_rate: float | None


class WinRates(Figures):
    won: int
    lost: int
    open: int
    win_rate: float | None
    """won / (won + lost)"""
    won_value: tuple[Amount, ...]
    average_won_value: tuple[Amount, ...]
    """rounded half to even to the currency's minor unit"""
    average_won: tuple[AverageValue, ...]
    by_value: tuple[ByValue, ...]
    qualified: int
    """journeys that were first qualified in the window"""
    lifetime: Durations
    """from opening to close, won or lost"""
    disqualified: int
    """closed before they were qualified: no loss"""
    transferred: int
    merged: int


class WinRateGroup(WinRates, Group):
    pass


class WinRate(WinRates, Answer):
    void: int
    groups: tuple[WinRateGroup, ...] | None = None


def win_rate(
    look: "Look",
    filters: Filters = EVERYTHING,
    *,
    by: str | None = None,
    cohort: Cohort = "closed",
    without_reasons: tuple[str, ...] = (),
) -> WinRate:
    """Of the journeys closed in the window (cohort closed), or opened in it and decided since (cohort opened).

    open counts whatever is open at as_of; only the cohort opened binds it to the window. without_reasons: losses for
    these reasons are left out (a customer who decided nothing).
    """
    decided_ones, ready = asked_of(look, filters, by, cohort, without_reasons)
    asked, leads = pl.collect_all(
        [decided_ones.select("group", "outcome", "amount_minor", "currency", "spent"), ready.select("group")]
    )
    groups = None
    if by is not None:
        each = figures(asked, leads)
        groups = tuple(
            WinRateGroup(key=key, label=label, n=decided(each[value]), **dict(each[value]))
            for value, key, label in labels(look, by, list(each))
        )
        asked, leads = (rows.with_columns(group=pl.lit(None, pl.String)) for rows in (asked, leads))
    whole = figures(asked, leads)[None]
    return WinRate(**head(look), n=decided(whole), **dict(whole), void=look.void, groups=groups)


def asked_of(
    look: "Look", filters: Filters, by: str | None, cohort: Cohort, without_reasons: tuple[str, ...]
) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """The journeys by what became of them, with spent from opening to close; those first qualified in the window."""
    journeys = at_their_close(look, filters).with_columns(spent=pl.col("closed_at") - pl.col("opened_at"))
    if without_reasons:
        journeys = journeys.filter(~pl.col("reason").is_in(without_reasons).fill_null(False))
    dated = "opened_at" if cohort == "opened" else "closed_at"
    inside = filters.window.holds(dated)
    if cohort == "closed":
        inside = inside | pl.col("outcome").is_in(["open", "transferred"])
    qualified = journeys.filter(pl.col("outcome") != "merged").filter(
        pl.col("qualified_at").is_not_null() & filters.window.holds("qualified_at")
    )
    return (
        grouped(dated_by(journeys.filter(inside), by, dated), look, by, filters),
        grouped(dated_by(qualified, by, "qualified_at"), look, by, filters),
    )


def dated_by(rows: pl.LazyFrame, by: str | None, column: str) -> pl.LazyFrame:
    """Rows whose month is that of the column; membership stays that of the close."""
    return rows.with_columns(at=pl.col(column)) if by == "month" else rows


def decided(figures: WinRates) -> int:
    return figures.won + figures.lost


def figures(asked: pl.DataFrame, leads: pl.DataFrame) -> dict[str | None, WinRates]:
    """The figures of each group; those of None where there is nothing at all."""
    outcomes = {row[:2]: row[2] for row in asked.group_by("group", "outcome").len().iter_rows()}
    values = sums(asked.lazy().filter(pl.col("outcome").is_in(["won", "lost"])), "group", "outcome").collect()
    money = values.rows_by_key("group", named=True, include_key=True)
    lifetimes = timed(asked.filter(pl.col("outcome").is_in(["won", "lost"])), "spent", "group").rows_by_key(
        "group", named=True, unique=True
    )
    qualified = dict(leads.group_by("group").len().iter_rows())
    found = dict.fromkeys([*(group for group, _ in outcomes), *qualified]) or {None: None}
    return {
        group: rates(
            {outcome: outcomes.get((group, outcome), 0) for outcome in COUNTED},
            money.get(group, []),
            qualified.get(group, 0),
            Durations(**lifetimes.get(group, dict(NO_DURATIONS))),
        )
        for group in found
    }


def rates(counts: dict[str, int], money: list[dict[str, Any]], qualified: int, lifetime: Durations) -> WinRates:
    won = [row for row in money if row["outcome"] == "won"]
    minor = {(row["outcome"], row["currency"]): row["minor"] for row in money}
    means = [(row["currency"], row["valued"], Fraction(row["minor"], row["valued"])) for row in won]
    return WinRates(
        **counts,
        win_rate=share(counts["won"], counts["won"] + counts["lost"]),
        won_value=amounts(won),
        average_won_value=tuple(Amount.of(mean, currency) for currency, _, mean in means),
        average_won=tuple(
            AverageValue(currency=currency, n=n, mean=float(mean / 10 ** exponent(currency)))
            for currency, n, mean in means
        ),
        by_value=tuple(
            by_value(currency, minor.get(("won", currency), 0), minor.get(("lost", currency), 0))
            for currency in sorted({currency for _, currency in minor})
        ),
        qualified=qualified,
        lifetime=lifetime,
    )


def by_value(currency: str, won: int, lost: int) -> ByValue:
    return ByValue(
        currency=currency,
        won_value=Amount.of(won, currency),
        lost_value=Amount.of(lost, currency),
        win_rate=share(won, won + lost),
    )
