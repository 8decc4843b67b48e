"""What wants tidying among the open journeys: gone silent, stuck longer than is normal in a stage, stale notes.

Exact definitions: docs/policies.md#hygiene.
"""

from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from engine.projections.board import placed
from engine.projections.cards import Card, card, when, with_volume
from engine.projections.days import micros_of
from engine.projections.figures import SECOND, Answer, Figures, head, quantile_seconds
from engine.projections.filters import EVERYTHING, Filters
from engine.projections.groups import named
from engine.projections.journeys import last
from engine.projections.likelihood import likelihoods
from engine.projections.pages import Pages
from engine.stages.criteria_polars import is_kind
from engine.values import from_micros

if TYPE_CHECKING:
    from engine.projections.look import Look

ENOUGH = 30
"""completed visits from which on a stage knows what is normal"""
NORMAL = 85
"""percent of the visits that were shorter"""


class Normal(Figures):
    stage: str
    completed: int
    p85_seconds: float | None
    """None: too few visits to know"""


class Untidy(Card):
    silent: bool
    stuck: bool
    stale_notes: bool
    last_activity_at: datetime
    last_note_at: datetime | None


class Hygiene(Answer):
    silent: int
    stuck: int
    stale_notes: int
    """each counts journeys; one may be counted in several"""
    normal: tuple[Normal, ...]
    """how long visits of the open stages last"""
    journeys: tuple[Untidy, ...]
    """the most silent first"""
    next: str | None
    """cursor of the following page"""


def hygiene(
    look: "Look",
    filters: Filters = EVERYTHING,
    *,
    silent_days: float = 14,
    note_days: float = 30,
    limit: int | None = None,
    after: str | None = None,
) -> Hygiene:
    """n: the open journeys. Silent: nothing was recorded for silent_days or more. Stuck: longer in its stage than 85 %
    of its completed visits. Stale: the newest note, or else the opening, is older than note_days. limit and after:
    pages of the journeys.
    """
    usual = normal(look)
    rows = kept_how(look, filters, usual, silent_days, note_days).collect()
    found = rows.filter(pl.any_horizontal("silent", "stuck", "stale_notes"))
    pages = Pages(limit, after, of=("journeys",))
    shown = pages.page("journeys", found, ("last_activity_at", "journey_id"))
    people = named(look, shown["owner"].drop_nulls().unique().to_list())
    by_stage = {row["stage"]: row for row in usual.iter_rows(named=True)}
    return Hygiene(
        **head(look),
        n=rows.height,
        silent=int(rows["silent"].sum()),
        stuck=int(rows["stuck"].sum()),
        stale_notes=int(rows["stale_notes"].sum()),
        normal=tuple(
            Normal(
                stage=look.definition.key_of(rank),
                completed=by_stage.get(rank, {}).get("n", 0),
                p85_seconds=by_stage[rank]["p85"] if by_stage.get(rank, {}).get("n", 0) >= ENOUGH else None,
            )
            for rank in range(look.definition.open_count)
        ),
        journeys=tuple(
            Untidy(
                **dict(card(row, look, people)),
                silent=row["silent"],
                stuck=row["stuck"],
                stale_notes=row["stale_notes"],
                last_activity_at=from_micros(row["last_activity_at"]),
                last_note_at=when(row["noted_at"]),
            )
            for row in look.named(with_volume(shown, look)).iter_rows(named=True)
        ),
        next=pages.next,
    )


def kept_how(look: "Look", filters: Filters, usual: pl.DataFrame, silent_days: float, note_days: float) -> pl.LazyFrame:
    """The open journeys with silent, stuck, stale_notes and noted_at, noted_position of the newest note."""
    limits = usual.filter(pl.col("n") >= ENOUGH).select("stage", limit="p85")
    notes = last(look.seen().events.filter(is_kind("NoteAdded")))
    noted = notes.select("journey", noted_at="occurred_at", noted_position="position")
    return (
        placed(look, filters, None, likelihoods(look, "observed"))
        .filter(pl.col("outcome") == "open")
        .join(limits.lazy(), on="stage", how="left")
        .join(noted.lazy(), on="journey", how="left")
        .with_columns(
            silent=look.as_of - pl.col("last_activity_at") >= micros_of("silent_days", silent_days),
            stuck=(pl.col("age") > pl.col("limit") * SECOND).fill_null(False),
            stale_notes=look.as_of - pl.coalesce("noted_at", "opened_at") >= micros_of("note_days", note_days),
        )
    )


def normal(look: "Look") -> pl.DataFrame:
    """stage (rank), n, p85 (seconds) of its completed visits."""
    ended = look.visits.filter(pl.col("left_at").is_not_null())
    spans = ended.select("stage", span=pl.col("left_at") - pl.col("entered_at"))
    return (
        spans.group_by("stage")
        .agg(pl.col("span").sort().alias("sorted"), n=pl.len())
        .select("stage", "n", p85=quantile_seconds(NORMAL))
    )
