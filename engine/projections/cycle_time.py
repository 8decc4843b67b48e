"""Cycle time: how long it takes to win or lose, and how long journeys stay in each stage.

Exact definitions: docs/metrics.md#cycle-time.
"""

from typing import TYPE_CHECKING

import polars as pl

from engine.errors import Rejected
from engine.projections.closings import CLOSED, at_their_close
from engine.projections.cohort import WIDTH
from engine.projections.figures import (
    NO_DURATIONS,
    Answer,
    Durations,
    Figures,
    Group,
    group_by,
    head,
    median_seconds,
    timed,
)
from engine.projections.filters import EVERYTHING, Filters, of_chosen
from engine.projections.groups import WHOLE, grouped, labels, with_whole
from engine.stages.definition import UNMAPPED, Definition

if TYPE_CHECKING:
    from engine.projections.views import Look


class StageTime(Figures):
    """n journeys that left the stage, with the sum of their completed visits; those in it now are apart."""

    stage: str
    n: int
    p50_seconds: float | None
    p85_seconds: float | None
    p90_seconds: float | None
    mean_seconds: float | None
    open_n: int
    open_age_p50_seconds: float | None
    """of the visits that last, at as_of"""


class CycleTimes(Figures):
    won: Durations
    lost: Durations
    closed: Durations
    """won and lost: the lifetime"""
    disqualified: Durations
    """before they were qualified; neither lost nor in closed"""
    stages: tuple[StageTime, ...]
    unmapped: StageTime


class CycleTimeGroup(CycleTimes, Group):
    pass


class CycleTime(CycleTimes, Answer):
    since: str
    """where the clock starts: opened, first_touch, or the key of a stage"""
    merged: int
    void: int
    groups: tuple[CycleTimeGroup, ...] | None = None


def cycle_time(
    look: "Look",
    filters: Filters = EVERYTHING,
    *,
    by: str | None = None,
    from_stage: str | None = None,
    from_first_touch: bool = False,
) -> CycleTime:
    """From the journey's opening to its close, of those closed in the window; the visits left in the window.

    from_stage: from the first entry of that stage (Rejected for an unknown one); from_first_touch: from the first
    touch. Journeys that were closed before their clock started, or never started it, are left out.
    """
    if from_stage is not None and from_first_touch:
        raise Rejected("from_stage and from_first_touch are two starts of one clock: give one")
    clocked = clocked_of(look, filters, by, from_stage, from_first_touch=from_first_touch)
    stayed, lasts = stays_of(look, filters, by, look.visits.lazy())
    gone = at_their_close(look, filters).filter(pl.col("outcome") == "merged")
    spans, stays, lasting, merged = pl.collect_all(
        [
            clocked.select("group", "outcome", "spent"),
            stayed.select("group", "stage", "journey", "spent", "again"),
            lasts.select("group", "stage", age="spent"),
            gone.select(pl.len()),
        ]
    )
    each = figures(
        with_whole(spans, by),
        in_all(stays) if by is None else pl.concat([in_all(stays), in_all(stays.with_columns(group=pl.lit(WHOLE)))]),
        with_whole(lasting, by),
        look.definition,
    )
    whole = each.pop(WHOLE, None) or each[None]
    groups = None
    if by is not None:
        groups = tuple(
            CycleTimeGroup(key=key, label=label, n=each[value].closed.n, **dict(each[value]))
            for value, key, label in labels(look, by, list(each))
        )
    return CycleTime(
        **head(look),
        n=whole.closed.n,
        since=from_stage or ("first_touch" if from_first_touch else "opened"),
        **dict(whole),
        merged=merged.item(),
        void=look.void,
        groups=groups,
    )


def clocked_of(
    look: "Look", filters: Filters, by: str | None, from_stage: str | None, *, from_first_touch: bool
) -> pl.LazyFrame:
    """The journeys closed in the window whose clock started before, with `group` and spent."""
    kept = at_their_close(look, filters).filter(pl.col("outcome") != "merged")
    closed = started(kept, look, from_stage, from_first_touch=from_first_touch).filter(
        pl.col("outcome").is_in(CLOSED) & filters.window.holds("closed_at")
    )
    spent = pl.col("closed_at") - pl.col("started_at")
    return grouped(closed, look, by, filters).with_columns(spent=spent).filter(pl.col("spent") >= 0)


def stays_of(look: "Look", filters: Filters, by: str | None, visits: pl.LazyFrame) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Of Look.visits, with any further columns: those left in the window, and those that last; with `group`, spent."""
    if by is None and filters.everyone:
        visits = grouped(of_chosen(visits, look, filters, by), look, by, filters)
    else:
        kept = grouped(at_their_close(look, filters), look, None if by == "month" else by, filters)
        groups = kept.filter(pl.col("outcome") != "merged").select("journey", "group")
        visits = visits.join(groups, on="journey", how="inner")
    if by == "month":
        visits = grouped(visits.drop("group").with_columns(at="left_at"), look, by, filters)
    visits = visits.with_columns(spent=pl.col("left_at").fill_null(look.as_of) - pl.col("entered_at"))
    left = pl.col("left_at").is_not_null()
    return visits.filter(left & filters.window.holds("left_at")), visits.filter(~left)


def in_all(stays: pl.DataFrame) -> pl.DataFrame:
    """group, stage and spent: what each journey spent in a stage, all its visits together."""
    visit = pl.col("journey").cast(pl.Int64) * WIDTH + pl.col("stage")
    # Few come back to a stage: only what they spent is added up.
    repeated = visit.is_in(stays.filter("again").select(visit.unique().implode()).to_series())
    several = stays.filter(repeated).group_by("group", "stage", "journey").agg(pl.col("spent").sum())
    columns = ("group", "stage", "spent")
    return pl.concat([stays.filter(~repeated).select(columns), several.select(columns)])


def started(journeys: pl.LazyFrame, look: "Look", from_stage: str | None, *, from_first_touch: bool) -> pl.LazyFrame:
    """Adds started_at, null where the clock never started."""
    if from_stage is None:
        return journeys.with_columns(started_at="first_touch_at" if from_first_touch else "opened_at")
    if from_stage not in look.definition.ranks:
        known = ", ".join(stage.key for stage in look.definition.stages)
        raise Rejected(f"from_stage {from_stage!r} is not in this definition: use one of {known}")
    entries = (
        look.visits.lazy()
        .filter(pl.col("stage") == look.definition.ranks[from_stage])
        .filter((pl.col("journey") != pl.col("journey").shift()).fill_null(True))
        .select("journey", started_at="entered_at")
    )
    return journeys.join(entries, on="journey", how="left")


def figures(
    spans: pl.DataFrame, stays: pl.DataFrame, lasting: pl.DataFrame, definition: Definition
) -> dict[str | None, CycleTimes]:
    """The figures of each group; those of None where there is nothing at all."""
    both = spans.filter(pl.col("outcome").is_in(["won", "lost"])).with_columns(outcome=pl.lit("closed"))
    lives = timed(
        pl.concat([spans.with_columns(pl.col("outcome").cast(pl.String)), both]), "spent", "group", "outcome"
    ).rows_by_key(["group", "outcome"], named=True, unique=True)
    times = timed(stays, "spent", "group", "stage").rows_by_key(["group", "stage"], named=True, unique=True)
    ages = group_by(
        lasting,
        "group",
        "stage",
        told=[pl.len().alias("open_n"), median_seconds("age").alias("open_age_p50_seconds")],
    ).rows_by_key(["group", "stage"], named=True, unique=True)

    def life(group: str | None, outcome: str) -> Durations:
        return Durations(**lives.get((group, outcome), dict(NO_DURATIONS)))

    def stage_time(group: str | None, rank: int) -> StageTime:
        open_ones = ages.get((group, rank), {"open_n": 0, "open_age_p50_seconds": None})
        return StageTime(stage=definition.key_of(rank), **times.get((group, rank), dict(NO_DURATIONS)), **open_ones)

    found = dict.fromkeys(group for group, _ in [*lives, *times, *ages]) or {None: None}
    return {
        group: CycleTimes(
            won=life(group, "won"),
            lost=life(group, "lost"),
            closed=life(group, "closed"),
            disqualified=life(group, "disqualified"),
            stages=tuple(stage_time(group, rank) for rank in range(len(definition.stages))),
            unmapped=stage_time(group, UNMAPPED),
        )
        for group in found
    }
