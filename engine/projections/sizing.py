"""Sizing: how many deals, leads and entries of every stage a target takes, at the rates seen or at given ones.

Exact definitions: docs/metrics.md#sizing.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Annotated, Self

import polars as pl
from pydantic import Field, model_validator

from engine.errors import Rejected
from engine.projections.cohort import WIDTH, ranks_of
from engine.projections.decided import NOTHING, Decided, all_in_one, closed, decided
from engine.projections.figures import DAY, Amount, Answer, Figures, Group, head
from engine.projections.filters import EVERYTHING, Filters, chosen, narrowed
from engine.projections.groups import labels
from engine.projections.velocity import days_in_month
from engine.values import Money, Value

if TYPE_CHECKING:
    from engine.projections.look import Look


class Target(Value):
    """What is to be reached: a revenue, or a number of won deals (contracts). What is not given is as observed."""

    revenue: Money | None = None
    deals: Annotated[int, Field(ge=0, le=10**9)] | None = None
    average: Money | None = None
    """of a sale"""
    close_rate: Annotated[float, Field(ge=1e-9, le=1)] | None = None
    """won / all leads that were decided"""
    reps: Annotated[int, Field(ge=1, le=10**6)] | None = None

    @model_validator(mode="after")
    def is_one(self) -> Self:
        if (self.revenue is None) == (self.deals is None):
            raise ValueError("a target is a revenue or a number of deals: give one of them")
        if self.average is not None:
            if self.average.amount_minor == 0:
                raise ValueError("an average sale of 0 reaches no target: give a larger one")
            if self.revenue is not None and self.average.currency != self.revenue.currency:
                raise ValueError("revenue and average sale are in two currencies: give them in one")
        return self


class StageNeed(Figures):
    stage: str
    entries: int | None
    """journeys that must reach the stage; None: nothing was won to tell from"""
    observed: int
    """of the decided journeys, those that reached it"""


class Sizes(Figures):
    target: Amount | None
    average_sale: Amount | None
    close_rate: float | None
    won: int
    """observed: what average_sale and close_rate are made of where they were not given"""
    decided: int
    deals: int | None
    leads: int | None
    leads_per_rep: int | None
    stages: tuple[StageNeed, ...]


class SizingGroup(Sizes, Group):
    """Its equal share of the target, at its own rates."""


class Incoming(Figures):
    """What the leads that come in lead to, when they go on coming and close as observed."""

    leads: int
    """opened in the window"""
    days: float
    """of the window: from its beginning or the first opening, to its end or as_of"""
    leads_per_month: float | None
    deals_per_month: float | None
    value_per_month: tuple[Amount, ...]


class Sizing(Sizes, Answer):
    """n: the decided journeys."""

    reps: int | None
    incoming: Incoming
    groups: tuple[SizingGroup, ...] | None = None


@dataclass(frozen=True)
class Needed:
    deals: int
    leads: int


def needed(target: Fraction, average_sale: Fraction, close_rate: Fraction) -> Needed:
    """Whole deals and leads: 100,000 / 500 = 200, 200 / 80 % = 250."""
    deals = ceil(target / average_sale)
    return Needed(deals, ceil(deals / close_rate))


def sizing(look: "Look", target: Target, filters: Filters = EVERYTHING, *, by: str | None = None) -> Sizing:
    """Observed are the journeys closed in the window; incoming are those opened in it.

    Rejected: by month; a revenue whose currency nothing was won in, without an average sale.
    """
    if by == "month":
        raise Rejected(
            "a plan by month is the target of a month: give that target, and the window to learn from", field="by"
        )
    rows = closed(look, filters, by)
    reached = stages_reached(look, rows)
    groups = None
    if by is not None:
        each = decided(rows)
        found = labels(look, by, list(each))
        part = Fraction(1, max(1, sum(value is not None for value, *_ in found)))
        groups = tuple(
            SizingGroup(
                key=key,
                label=label,
                n=count(each[value]),
                **sizes(look, target, each[value], reached.get(value, {}), part),
            )
            for value, key, label in found
            if value is not None
        )
        rows = all_in_one(rows)
        reached = stages_reached(look, rows)
    past = decided(rows).get(None, NOTHING)
    return Sizing(
        **head(look),
        n=count(past),
        **sizes(look, target, past, reached.get(None, {}), Fraction(1)),
        reps=target.reps,
        incoming=incoming(look, filters, target, past),
        groups=groups,
    )


def count(past: Decided) -> int:
    return past.won + past.lost + past.disqualified


def stages_reached(look: "Look", rows: pl.DataFrame) -> dict[str | None, dict[int, int]]:
    """How many of the rows visited each stage, by group and rank."""
    key = pl.col("journey").cast(pl.Int64) * WIDTH + pl.col("stage")
    counts = (
        look.visits.lazy()
        .filter((pl.col("stage") >= 0) & key.is_first_distinct())
        .join(rows.lazy().select("group", "journey"), on="journey", how="inner")
        .group_by("group", "stage")
        .len()
        .collect()
    )
    found: dict[str | None, dict[int, int]] = {}
    for group, stage, n in counts.iter_rows():
        found.setdefault(group, {})[stage] = n
    return found


def sizes(look: "Look", target: Target, past: Decided, reached: dict[int, int], part: Fraction) -> dict[str, object]:
    """The fields of Sizes for a part of the target."""
    average = average_of(target, past)
    rate = past.close_rate if target.close_rate is None else Fraction(str(target.close_rate))
    deals: int | None = None
    revenue = None if target.revenue is None else target.revenue.amount_minor * part
    if target.deals is not None:
        deals = ceil(target.deals * part)
    elif revenue is not None and average:
        deals = ceil(revenue / average[0])
    leads = None if deals is None or not rate else ceil(deals / rate)
    # A group is one rep's plan or a team's of unknown size: only the whole is divided by the reps.
    reps = target.reps if part == 1 else None
    return {
        "target": None if revenue is None or target.revenue is None else Amount.of(revenue, target.revenue.currency),
        "average_sale": Amount.of(*average) if average else None,
        "close_rate": None if rate is None else float(rate),
        "won": past.won,
        "decided": count(past),
        "deals": deals,
        "leads": leads,
        "leads_per_rep": None if leads is None or reps is None else ceil(leads / reps),
        "stages": tuple(
            StageNeed(
                stage=look.definition.key_of(rank),
                entries=ceil(Fraction(deals * reached.get(rank, 0), past.won))
                if past.won and deals is not None
                else None,
                observed=reached.get(rank, 0),
            )
            for rank in ranks_of(look.definition, "open", "won")
        ),
    }


def average_of(target: Target, past: Decided) -> tuple[Fraction, str] | None:
    """The average sale in minor units, and its currency: as given, else of the wins valued in that currency."""
    if target.average is not None:
        return Fraction(target.average.amount_minor), target.average.currency
    if target.revenue is None or not past.won_minor.get(target.revenue.currency):
        return None
    currency = target.revenue.currency
    return Fraction(past.won_minor[currency], past.valued[currency]), currency


def incoming(look: "Look", filters: Filters, target: Target, past: Decided) -> Incoming:
    opened = came(look, filters).select("opened_at").collect()["opened_at"]
    window = filters.window
    since = window.since if window.since is not None else opened.min()
    until = look.as_of if window.until is None else min(window.until, look.as_of)
    span = until - since if isinstance(since, int) else 0
    rate = past.close_rate if target.close_rate is None else Fraction(str(target.close_rate))
    monthly = Fraction(len(opened) * days_in_month(look.as_of, filters.tz) * DAY, span) if span > 0 else None
    deals = None if monthly is None or rate is None else monthly * rate
    return Incoming(
        leads=len(opened),
        days=max(span, 0) / DAY,
        leads_per_month=None if monthly is None else float(monthly),
        deals_per_month=None if deals is None else float(deals),
        value_per_month=()
        if deals is None
        else tuple(Amount.of(deals * minor, currency) for currency, minor in past.value_per_win.items()),
    )


def came(look: "Look", filters: Filters) -> pl.LazyFrame:
    """The journeys opened in the window."""
    rows = chosen(look, filters).filter((pl.col("outcome") != "merged") & filters.window.holds("opened_at"))
    return narrowed(rows.with_columns(at=pl.col("opened_at")), look, filters)
