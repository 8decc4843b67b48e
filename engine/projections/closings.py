"""Journeys as cycle time and win rate look at them: at their close, or at as_of while they are open."""

from typing import TYPE_CHECKING

import polars as pl

from engine.projections.filters import Filters, chosen, narrowed

if TYPE_CHECKING:
    from engine.projections.look import Look

CLOSED = ("won", "lost", "disqualified")


def at_their_close(look: "Look", filters: Filters) -> pl.LazyFrame:
    """Look.journeys left by the filters but for the window, with `at` (closed_at, else as_of); amount_minor and
    currency are those at the close, of journeys that are not closed those at as_of.
    """
    closed = pl.col("outcome").is_in(CLOSED)
    rows = chosen(look, filters).with_columns(
        at=pl.when(closed).then("closed_at").otherwise(look.as_of),
        amount_minor=pl.when(closed).then("close_amount_minor").otherwise("amount_minor"),
        currency=pl.when(closed).then("close_currency").otherwise("currency"),
    )
    return narrowed(rows, look, filters)
