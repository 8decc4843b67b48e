"""Win rate: of the journeys that were decided, how many were won, and what they were worth.

Exact definitions: docs/metrics.md#win-rate.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from engine.projections.closings import at_their_close
from engine.projections.counted_alone import decided_alone
from engine.projections.figures import Amount, Answer, Durations, Figures, Group, head, share
from engine.projections.filters import EVERYTHING, Filters
from engine.projections.groups import grouped, labels
from engine.projections.known import known_word
from engine.projections.tally import Tally, counts, lengths, money, tally
from engine.values import exponent

if TYPE_CHECKING:
    from engine.projections.look import Look

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
    if by is None and filters == EVERYTHING and cohort == "closed" and not without_reasons:
        counted = look.tally("decided", decided, alone=decided_alone)
    else:
        counted = decided(look, filters, by, cohort, without_reasons)
    groups = None
    if by is not None:
        groups = tuple(
            WinRateGroup(key=key, label=label, **figures(counted, value))
            for value, key, label in labels(look, by, counted.groups("decided n", "qualified n"))
        )
        counted = counted.whole()
    return told(head(look), counted).model_copy(update={"void": look.void, "groups": groups})


def decided(
    look: "Look",
    filters: Filters = EVERYTHING,
    by: str | None = None,
    cohort: Cohort = "closed",
    without_reasons: tuple[str, ...] = (),
) -> Tally:
    """How the journeys ended, what they were worth, how long they took; how many were qualified."""
    asked, ready = asked_of(look, filters, by, cohort, without_reasons)
    won_or_lost = asked.filter(pl.col("outcome").is_in(["won", "lost"]))
    return tally(
        counts("decided", asked, by, "outcome", n=pl.len()),
        money("decided", won_or_lost, by, "outcome"),
        lengths("lifetime", won_or_lost, by, of=pl.col("spent")),
        counts("qualified", ready, by, n=pl.len()),
    )


def asked_of(
    look: "Look", filters: Filters, by: str | None, cohort: Cohort, without_reasons: tuple[str, ...]
) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """The journeys by what became of them, with spent from opening to close; those first qualified in the window."""
    journeys = at_their_close(look, filters).with_columns(spent=pl.col("closed_at") - pl.col("opened_at"))
    if without_reasons:
        for reason in without_reasons:
            known_word(look, "reason", reason, "without_reason")
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


def told(head: Mapping[str, Any], counted: Tally) -> WinRate:
    """counted: decided of all that is asked for."""
    return WinRate(**head, **figures(counted, None), void=0)


def figures(counted: Tally, group: str | None) -> dict[str, Any]:
    """n and the fields of WinRates of one group."""
    ends = {outcome: counted.count("decided n", group, outcome) for outcome in COUNTED}
    won, lost = (counted.sums("decided", group, outcome) for outcome in ("won", "lost"))
    means = [(currency, valued, Fraction(minor, valued)) for currency, (minor, valued) in won.items()]
    return {
        **ends,
        "n": ends["won"] + ends["lost"],
        "win_rate": share(ends["won"], ends["won"] + ends["lost"]),
        "won_value": counted.amounts("decided", group, "won"),
        "average_won_value": tuple(Amount.of(mean, currency) for currency, _, mean in means),
        "average_won": tuple(
            AverageValue(currency=currency, n=n, mean=float(mean / 10 ** exponent(currency)))
            for currency, n, mean in means
        ),
        "by_value": tuple(
            by_value(currency, won.get(currency, (0, 0))[0], lost.get(currency, (0, 0))[0])
            for currency in sorted({*won, *lost})
        ),
        "qualified": counted.count("qualified n", group),
        "lifetime": counted.of("lifetime", group).durations,
    }


def by_value(currency: str, won: int, lost: int) -> ByValue:
    return ByValue(
        currency=currency,
        won_value=Amount.of(won, currency),
        lost_value=Amount.of(lost, currency),
        win_rate=share(won, won + lost),
    )
