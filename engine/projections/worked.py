"""How leads were worked: the attempts to reach each, the first answer it got, and every touch that was made.

Exact definitions: docs/metrics.md#activity.
"""

from typing import TYPE_CHECKING

import polars as pl

from engine.projections.columns import ACTOR
from engine.projections.filters import Filters, chosen, narrowed
from engine.projections.groups import grouped
from engine.projections.journeys import first
from engine.stages.criteria_polars import TOUCH_MASK, is_kind

if TYPE_CHECKING:
    from engine.projections.look import Look

INBOUND, AUTOMATED = 16, 32
"""bits of a touch's code, above its kind (columns.py)"""


def asked_of(look: "Look", filters: Filters, by: str | None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The leads opened in the window, as they were worked; the touches of the window. Both with `group`."""
    journeys = narrowed(chosen(look, filters).with_columns(at=pl.col("opened_at")), look, filters)
    kept = journeys.filter(pl.col("outcome") != "merged").collect()
    events = look.seen().events
    told = ("journey", "occurred_at", "position", "code", "policy")
    touches = events.filter(is_kind("Touched")).select(told)
    touches = touches.with_columns(
        actor=pl.col("code") // ACTOR,
        kind=pl.col("code") & TOUCH_MASK,
        inbound=(pl.col("code") & INBOUND) > 0,
        automated=((pl.col("code") & AUTOMATED) > 0) | pl.col("policy"),
    )
    opened = worked(kept.lazy().filter(filters.window.holds("opened_at")), touches, look.as_of)
    made = happened(kept, touches, filters)
    return grouped(opened, look, by, filters).collect(), grouped(made, look, by, filters).collect()


def worked(leads: pl.LazyFrame, touches: pl.DataFrame, as_of: int) -> pl.LazyFrame:
    """Adds attempts (human outbound touches up to the close) and answered_at (the first of all)."""
    human = touches.filter(~pl.col("inbound") & ~pl.col("automated"))
    closes = leads.select("journey", ends=pl.col("closed_at").fill_null(as_of))
    attempts = (
        human.lazy()
        .select("journey", "occurred_at")
        .join(closes, on="journey", how="inner")
        .filter(pl.col("occurred_at") <= pl.col("ends"))
        .group_by("journey")
        .agg(attempts=pl.len().cast(pl.Int64))
    )
    answers = first(human).lazy().select("journey", answered_at="occurred_at", answered_position="position")
    return (
        leads.join(attempts, on="journey", how="left")
        .join(answers, on="journey", how="left")
        .with_columns(pl.col("attempts").fill_null(0))
    )


def happened(journeys: pl.DataFrame, touches: pl.DataFrame, filters: Filters) -> pl.LazyFrame:
    """The touches of the window with what groups them; a touch's month and membership are those of its own moment."""
    told = journeys.lazy().select("journey", "owner", "source", "channel")
    return (
        touches.lazy()
        .filter(filters.window.holds("occurred_at"))
        .join(told, on="journey", how="inner")
        .with_columns(at=pl.col("occurred_at"))
    )
