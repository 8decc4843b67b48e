"""Open journeys in which nothing happens any more: by each stage's own rule, or idle for a number of days.

Exact definitions: docs/metrics.md#stalled.
"""

from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from engine.projections.board import placed
from engine.projections.cards import Card, card, with_volume
from engine.projections.days import micros_of
from engine.projections.figures import SECOND, Answer, head
from engine.projections.filters import EVERYTHING, Filters
from engine.projections.groups import named
from engine.projections.likelihood import likelihoods
from engine.projections.pages import Pages
from engine.values import from_micros

if TYPE_CHECKING:
    from engine.projections.look import Look


class StalledJourney(Card):
    last_activity_at: datetime
    """its newest event, what policies did apart"""
    idle_seconds: float


class Stalled(Answer):
    count: int
    journeys: tuple[StalledJourney, ...]
    """longest idle first"""
    next: str | None
    """cursor of the following page"""


def stalled(
    look: "Look",
    filters: Filters = EVERYTHING,
    *,
    idle_days: float | None = None,
    limit: int | None = None,
    after: str | None = None,
) -> Stalled:
    """The stalled among the open journeys at as_of; of the window, those opened in it. n: the open journeys.

    idle_days: those whose newest event is older, whatever the stages' rules say; without it, by the stages' rules.
    limit and after: pages of the journeys.
    """
    rows = idling(look, filters).collect()
    found = rows.filter(too_long(idle_days))
    pages = Pages(limit, after, of=("journeys",))
    shown = pages.page("journeys", found.with_columns(place=0 - pl.col("idle")), ("place", "journey_id"))
    people = named(look, shown["owner"].drop_nulls().unique().to_list())
    return Stalled(
        **head(look),
        n=rows.height,
        count=found.height,
        journeys=tuple(
            StalledJourney(
                **dict(card(row, look, people)),
                last_activity_at=from_micros(row["last_activity_at"]),
                idle_seconds=row["idle"] / SECOND,
            )
            for row in look.named(with_volume(shown, look)).iter_rows(named=True)
        ),
        next=pages.next,
    )


def idling(look: "Look", filters: Filters) -> pl.LazyFrame:
    """The open journeys with idle, the microseconds since the newest activity."""
    rows = placed(look, filters, None, likelihoods(look, "observed")).filter(pl.col("outcome") == "open")
    return rows.with_columns(idle=look.as_of - pl.col("last_activity_at"))


def too_long(idle_days: float | None) -> pl.Expr:
    return pl.col("stalled") if idle_days is None else pl.col("idle") > micros_of("idle_days", idle_days)
