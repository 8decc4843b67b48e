"""Sources: what each source, channel or kind of customer brings, converts and earns, and how fast.

Exact definitions: docs/metrics.md#sources.
"""

from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import polars as pl

from engine.projections.closings import at_their_close
from engine.projections.decided import NOTHING, Decided, all_in_one, decided
from engine.projections.figures import Amount, Answer, Durations, Figures, Group, head, share
from engine.projections.filters import EVERYTHING, Filters
from engine.projections.groups import grouped, labels

if TYPE_CHECKING:
    from engine.projections.look import Look

OUTCOMES = ("won", "lost", "disqualified", "open", "transferred")


class Yield(Figures):
    """leads = won + lost + disqualified + open + transferred."""

    leads: int
    qualified: int
    """of the leads, those that ever were"""
    won: int
    lost: int
    disqualified: int
    open: int
    transferred: int
    conversion: float | None
    """won / leads"""
    qualified_share: float | None
    win_rate: float | None
    """won / (won + lost)"""
    earned: tuple[Amount, ...]
    average_sale: tuple[Amount, ...]
    """by currency, of the wins that have a value in it"""
    earned_per_lead: tuple[Amount, ...]
    cycle: Durations
    """opening to win"""


class SourceYield(Yield, Group):
    share_of_leads: float | None
    share_of_wins: float | None


class Sources(Yield, Answer):
    by: str
    merged: int
    void: int
    groups: tuple[SourceYield, ...]
    """most earned first, in the currency most wins have; then most won, most leads, by key; those without one last"""


def sources(look: "Look", filters: Filters = EVERYTHING, *, by: str = "source") -> Sources:
    """Of the journeys opened in the window, what became of them by as_of. n: the leads."""
    wanted = ("group", "outcome", "amount_minor", "currency", "qualified", "spent")
    opened = opened_of(look, filters, by).select(wanted).collect()
    merged = opened.filter(pl.col("outcome") == "merged").height
    kept = opened.filter(pl.col("outcome") != "merged")
    each = yields(kept)
    whole = yields(all_in_one(kept)).get(None, Told(NOTHING, Counter()))
    main = max(sorted(whole.past.valued), key=lambda currency: whole.past.valued[currency], default=None)
    found = labels(look, by, list(each))
    found.sort(key=lambda row: (row[1] is None, *before(each[row[0]], main)))
    return Sources(
        **head(look),
        n=whole.leads,
        **figures(whole),
        by=by,
        merged=merged,
        void=look.void,
        groups=tuple(
            SourceYield(
                key=key,
                label=label,
                n=each[value].leads,
                **figures(each[value]),
                share_of_leads=share(each[value].leads, whole.leads),
                share_of_wins=share(each[value].past.won, whole.past.won),
            )
            for value, key, label in found
        ),
    )


def opened_of(look: "Look", filters: Filters, by: str) -> pl.LazyFrame:
    """The journeys opened in the window, merged ones too, with `group`, qualified, and spent from opening to close."""
    rows = at_their_close(look, filters).filter(filters.window.holds("opened_at"))
    if by == "month":
        rows = rows.with_columns(at=pl.col("opened_at"))
    return grouped(rows, look, by, filters).with_columns(
        qualified=pl.col("qualified_at").is_not_null(), spent=pl.col("closed_at") - pl.col("opened_at")
    )


class Told:
    """What one group brought: the decided ones, and counts by outcome and of the qualified."""

    def __init__(self, past: Decided, counts: "Counter[str]") -> None:
        self.past = past
        self.counts = counts
        self.leads = sum(counts[outcome] for outcome in OUTCOMES)


def yields(rows: pl.DataFrame) -> dict[str | None, Told]:
    past = decided(rows)
    counts: dict[str | None, Counter[str]] = {}
    for group, outcome, n, qualified in (
        rows.group_by("group", "outcome").agg(pl.len(), pl.col("qualified").sum()).iter_rows()
    ):
        told = counts.setdefault(group, Counter())
        told[outcome] += n
        told["qualified"] += qualified
    return {group: Told(past.get(group, NOTHING), told) for group, told in counts.items()}


def before(told: Told, currency: str | None) -> tuple[int, int, int]:
    """What earns most comes first."""
    return -told.past.won_minor.get(currency or "", 0), -told.past.won, -told.leads


def figures(told: Told) -> dict[str, Any]:
    """The fields of Yield."""
    past, counts = told.past, told.counts
    money = sorted(past.won_minor.items())
    return {
        "leads": told.leads,
        "qualified": counts["qualified"],
        **{outcome: counts[outcome] for outcome in OUTCOMES},
        "conversion": share(past.won, told.leads),
        "qualified_share": share(counts["qualified"], told.leads),
        "win_rate": share(past.won, past.won + past.lost),
        "earned": tuple(Amount.of(minor, currency) for currency, minor in money),
        "average_sale": tuple(Amount.of(Fraction(minor, past.valued[currency]), currency) for currency, minor in money),
        "earned_per_lead": tuple(Amount.of(Fraction(minor, told.leads), currency) for currency, minor in money),
        "cycle": past.cycle,
    }
