"""Journeys as a list, a page at a time: all of them, those that are leads still, or the deals.

A journey is a lead until it is converted, a deal from then on; one that began as a deal always is.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import polars as pl

from engine.projections.cards import APART, FIRST_PAGE, Card, Cards, Owner, card, page_of, wanted, when, with_volume
from engine.projections.customers import customers_of
from engine.projections.figures import Answer, head
from engine.projections.filters import EVERYTHING, Filters, chosen, narrowed
from engine.projections.groups import named
from engine.projections.likelihood import likelihoods
from engine.projections.outcomes import Outcome
from engine.stages.criteria_polars import is_kind
from engine.values import from_micros

if TYPE_CHECKING:
    from engine.projections.look import Look

Kind = Literal["lead", "deal"]


class Listed(Card):
    kind: Kind
    customer: Owner | None
    """who it is sold to: a person or an organisation; None: nobody said, or erased"""
    outcome: Outcome
    opened_at: datetime
    closed_at: datetime | None
    last_activity_at: datetime
    source: str | None
    channel: str | None
    attributes: dict[str, str]


class Listing(Answer):
    """n: all that are asked for, on this page or not."""

    journeys: tuple[Listed, ...]
    next: str | None
    """cursor of the following page"""


def listing(
    look: "Look", filters: Filters = EVERYTHING, *, kind: Kind | None = None, cards: Cards = FIRST_PAGE
) -> Listing:
    """The journeys in the pipeline at as_of; of the window, those opened in it. cards: which of them, in what order."""
    journeys = chosen(look, filters).filter(filters.window.holds("opened_at"), ~pl.col("outcome").is_in(APART))
    if kind is not None:
        is_lead = pl.col("journey").is_in(leads(look).implode())
        journeys = journeys.filter(is_lead if kind == "lead" else ~is_lead)
    here = narrowed(journeys.with_columns(at=pl.lit(look.as_of)), look, filters)
    rows = wanted(here, look, cards)
    shown, following = page_of(rows, look, cards, likelihoods(look, "observed"))
    n = rows.select(pl.len()).collect().item()
    return Listing(**head(look), n=n, journeys=tuple(listed(look, shown)), next=following)


def listed(look: "Look", shown: pl.DataFrame) -> Iterator[Listed]:
    """The few rows that are shown; shown: rows of Look.journeys as board.with_state leaves them."""
    kinds = dict.fromkeys(leads(look, shown["journey"]), "lead")
    people = named(look, shown["owner"].drop_nulls().unique().to_list())
    who = customers_of(look, shown["journey"])
    told = look.attributes.filter(pl.col("journey").is_in(shown["journey"].implode())).rows_by_key("journey")
    for row in look.named(with_volume(shown, look)).iter_rows(named=True):
        yield Listed(
            **dict(card(row, look, people)),
            kind="lead" if row["journey"] in kinds else "deal",
            customer=who.get(row["journey"]),
            outcome=row["outcome"],
            opened_at=from_micros(row["opened_at"]),
            closed_at=when(row["closed_at"]),
            last_activity_at=from_micros(row["last_activity_at"]),
            source=row["source"],
            channel=row["channel"],
            attributes=dict(told.get(row["journey"], ())),
        )


def leads(look: "Look", only: pl.Series | None = None) -> pl.Series:
    """Codes of the journeys that were captured as a lead and not converted; of all, or of some."""
    events = look.seen().events
    if only is not None:
        events = events.filter(pl.col("journey").is_in(only.implode()))
    captured, converted = (
        events.filter(is_kind(kind))["journey"].unique() for kind in ("LeadCaptured", "LeadConverted")
    )
    return captured.filter(~captured.is_in(converted.implode()))
