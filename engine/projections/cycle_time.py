"""Cycle time: how long it takes to win or lose, and how long journeys stay in each stage.

Exact definitions: docs/metrics.md#cycle-time.
"""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl

from engine.errors import Rejected
from engine.projections.closings import CLOSED, at_their_close
from engine.projections.cohort import WIDTH
from engine.projections.counted_alone import spent_alone
from engine.projections.figures import Answer, Durations, Figures, Group, head
from engine.projections.filters import EVERYTHING, Filters, of_chosen
from engine.projections.groups import WHOLE, grouped, labels, with_whole
from engine.projections.tally import Tally, counts, lengths, tally
from engine.stages.definition import UNMAPPED, Definition

if TYPE_CHECKING:
    from engine.projections.look import Look


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
        raise Rejected("from_stage and from_first_touch are two starts of one clock: give one", field="from_stage")
    if by is None and filters == EVERYTHING and from_stage is None:
        question = "spent since the first touch" if from_first_touch else "spent"
        counted = look.tally(
            question,
            partial(spent, from_first_touch=from_first_touch),
            alone=partial(spent_alone, from_first_touch=from_first_touch),
        )
    else:
        counted = spent(look, filters, by, from_stage, from_first_touch=from_first_touch)
    groups = None
    if by is not None:
        groups = tuple(
            CycleTimeGroup(key=key, label=label, **figures(counted, value, look.definition, look.as_of))
            for value, key, label in labels(look, by, counted.groups("life", "stay", "lasting"))
            if value != WHOLE
        )
    since = from_stage or ("first_touch" if from_first_touch else "opened")
    whole = None if by is None else WHOLE
    return told(head(look), counted, look.definition, look.as_of, since, whole).model_copy(
        update={"void": look.void, "groups": groups}
    )


def spent(
    look: "Look",
    filters: Filters = EVERYTHING,
    by: str | None = None,
    from_stage: str | None = None,
    *,
    from_first_touch: bool = False,
) -> Tally:
    """Lives, completed stays and stays that last; where groups are asked for, of all together as WHOLE."""
    clocked = clocked_of(look, filters, by, from_stage, from_first_touch=from_first_touch)
    stayed, lasts = stays_of(look, filters, by, look.visits.lazy())
    stays = stayed.select("group", "stage", "journey", "spent", "again").collect()
    whole = [stays] if by is None else [stays, stays.with_columns(group=pl.lit(WHOLE))]
    gone = at_their_close(look, filters).filter(pl.col("outcome") == "merged")
    lives = with_whole(clocked.select("group", "outcome", "spent"), by)
    lasting = with_whole(lasts.select("group", "stage", "entered_at"), by)
    return tally(
        lengths("life", lives, by, "outcome", of=pl.col("spent")),
        lengths("stay", pl.concat(map(in_all, whole)).lazy(), by, "stage", of=pl.col("spent")),
        # As of 0, so that it holds at every moment.
        lengths("lasting", lasting, by, "stage", of=0 - pl.col("entered_at")),
        counts("gone", gone, None, merged=pl.len()),
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
        raise Rejected(f"from_stage {from_stage!r} is not in this definition: use one of {known}", field="from_stage")
    entries = (
        look.visits.lazy()
        .filter(pl.col("stage") == look.definition.ranks[from_stage])
        .filter((pl.col("journey") != pl.col("journey").shift()).fill_null(True))
        .select("journey", started_at="entered_at")
    )
    return journeys.join(entries, on="journey", how="left")


def told(
    head: Mapping[str, Any],
    counted: Tally,
    definition: Definition,
    as_of: int,
    since: str = "opened",
    group: str | None = None,
) -> CycleTime:
    """counted: spent by all that is asked for, which is in one group. as_of: microseconds."""
    merged = counted.count("gone merged", None)
    return CycleTime(**head, **figures(counted, group, definition, as_of), since=since, merged=merged, void=0)


def figures(counted: Tally, group: str | None, definition: Definition, as_of: int) -> dict[str, Any]:
    """n and the fields of CycleTimes of one group."""
    won, lost, disqualified = (counted.of("life", group, outcome) for outcome in CLOSED)
    closed = won.plus(lost).durations

    def stage_time(rank: int) -> StageTime:
        lasting = counted.of("lasting", group, rank)
        return StageTime(
            stage=definition.key_of(rank),
            **dict(counted.of("stay", group, rank).durations),
            open_n=len(lasting),
            open_age_p50_seconds=lasting.quantile(50, plus=as_of),
        )

    return {
        "n": closed.n,
        "won": won.durations,
        "lost": lost.durations,
        "closed": closed,
        "disqualified": disqualified.durations,
        "stages": tuple(stage_time(rank) for rank in range(len(definition.stages))),
        "unmapped": stage_time(UNMAPPED),
    }
