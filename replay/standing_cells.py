"""The cells of the answers that look at where journeys stand and how they closed."""

from typing import Any

import polars as pl

from engine.projections.board import with_state
from engine.projections.cards import rank_of
from engine.projections.closings import CLOSED, at_their_close
from engine.projections.cohort import ranks_of
from engine.projections.cycle_time import started
from engine.projections.figures import DAY
from engine.projections.filters import Filters, chosen, narrowed
from engine.projections.likelihood import likelihoods
from engine.projections.views import Look
from engine.stages.criteria_polars import is_kind
from replay.cells import Cell, Members, among, closes, departures, of, openings, told, with_next


def board(look: Look, filters: Filters, cell: Cell, **_: Any) -> Members:
    """stage=KEY|unmapped, part=count|stalled|without_value"""
    cell.only("stage", "part")
    part = cell.one_of("part", ("count", "stalled", "without_value"), "count")
    journeys = chosen(look, filters).filter(filters.window.holds("opened_at"))
    here = narrowed(journeys.with_columns(at=pl.lit(look.as_of)), look, filters)
    rows = with_state(here, look, likelihoods(look, "observed")).filter(
        ~pl.col("outcome").is_in(["merged", "transferred"])
    )
    if "stage" in cell.asked:
        rows = rows.filter(pl.col("stage") == rank_of(look, cell.asked["stage"]))
    if part != "count":
        rows = rows.filter("stalled" if part == "stalled" else pl.col("amount_minor").is_null())
    found = rows.collect()
    events = [("entered", of(found, "stage_position"))]
    if part == "stalled":
        events.append(("last_activity", of(found, "last_activity_position")))
    return Members(found, told(*events))


def stalled(look: Look, filters: Filters, cell: Cell, *, idle_days: float | None = None, **_: Any) -> Members:
    """stage=KEY"""
    cell.only("stage")
    journeys = chosen(look, filters).filter(filters.window.holds("opened_at"), pl.col("outcome") == "open")
    here = narrowed(journeys.with_columns(at=pl.lit(look.as_of)), look, filters)
    rows = with_state(here, look, likelihoods(look, "observed"))
    idle = look.as_of - pl.col("last_activity_at")
    rows = rows.filter("stalled") if idle_days is None else rows.filter(idle > round(idle_days * DAY))
    if "stage" in cell.asked:
        rows = rows.filter(pl.col("stage") == rank_of(look, cell.asked["stage"]))
    found = rows.collect()
    return Members(
        found,
        told(("entered", of(found, "stage_position")), ("last_activity", of(found, "last_activity_position"))),
    )


def win_rate(
    look: Look,
    filters: Filters,
    cell: Cell,
    *,
    cohort: str = "closed",
    without_reasons: tuple[str, ...] = (),
    **_: Any,
) -> Members:
    """part=won|lost|open|disqualified|transferred|merged|qualified"""
    cell.only("part")
    part = cell.one_of("part", ("won", "lost", "open", "disqualified", "transferred", "merged", "qualified"))
    journeys = at_their_close(look, filters)
    if without_reasons:
        journeys = journeys.filter(~pl.col("reason").is_in(without_reasons).fill_null(False))
    if part == "qualified":
        ready = (pl.col("outcome") != "merged") & pl.col("qualified_at").is_not_null()
        found = journeys.filter(ready & filters.window.holds("qualified_at")).collect()
        return Members(found, told(("opened", openings(look, found)), ("qualified", qualifications(look, found))))
    inside = filters.window.holds("opened_at" if cohort == "opened" else "closed_at")
    if cohort == "closed":
        inside = inside | pl.col("outcome").is_in(["open", "transferred"])
    found = journeys.filter(inside & (pl.col("outcome") == part)).collect()
    events = [("opened", openings(look, found))]
    if part in CLOSED:
        events.append(("closed", closes(look, found)))
    elif part == "merged":
        merged = look.seen().events.filter(is_kind("LeadMerged", "DealMerged"))
        events.append(("closed", among(merged, found).unique("journey", keep="last").select("journey", "position")))
    elif part == "transferred":
        events.append(("left", departures(look, found)))
    else:
        events.append(("entered", of(found, "stage_position")))
    return Members(found, told(*events))


def qualifications(look: Look, members: pl.DataFrame) -> pl.DataFrame:
    lost = pl.col("stage").is_in(ranks_of(look.definition, "lost"))
    ready = among(look.visits, members).filter((pl.col("stage") >= look.definition.qualified_rank) & ~lost)
    return of(ready.unique("journey", keep="first", maintain_order=True), "entered_position")


def cycle_time(
    look: Look,
    filters: Filters,
    cell: Cell,
    *,
    from_stage: str | None = None,
    from_first_touch: bool = False,
    **_: Any,
) -> Members:
    """part=won|lost|closed|disqualified; or stage=KEY|unmapped with part=left|open"""
    cell.only("stage", "part")
    journeys = at_their_close(look, filters).filter(pl.col("outcome") != "merged")
    if "stage" in cell.asked:
        return time_in_stage(look, filters, cell, journeys)
    part = cell.one_of("part", ("won", "lost", "closed", "disqualified"))
    outcomes = ["won", "lost"] if part == "closed" else [part]
    timed = started(journeys, look, from_stage, from_first_touch=from_first_touch)
    found = timed.filter(
        pl.col("outcome").is_in(outcomes)
        & filters.window.holds("closed_at")
        & (pl.col("closed_at") >= pl.col("started_at"))
    ).collect()
    if from_stage is not None:
        stays = among(look.visits, found).filter(pl.col("stage") == look.definition.ranks[from_stage])
        starts = of(stays.unique("journey", keep="first", maintain_order=True), "entered_position")
    elif from_first_touch:
        touches = among(look.seen().events.filter(is_kind("Touched")), found)
        starts = touches.unique("journey", keep="first", maintain_order=True).select("journey", "position")
    else:
        starts = openings(look, found)
    return Members(
        found, told(("opened" if from_stage is None else "entered", starts), ("closed", closes(look, found)))
    )


def time_in_stage(look: Look, filters: Filters, cell: Cell, journeys: pl.LazyFrame) -> Members:
    part = cell.one_of("part", ("left", "open"), "left")
    stays = with_next(look).lazy().join(journeys.select("journey"), on="journey", how="semi", maintain_order="left")
    stays = stays.filter(pl.col("stage") == rank_of(look, cell.asked["stage"]))
    if part == "left":
        stays = stays.filter(pl.col("left_at").is_not_null() & filters.window.holds("left_at"))
    else:
        stays = stays.filter(pl.col("left_at").is_null())
    found = stays.collect()
    members = found.unique("journey") if part == "left" else found
    return Members(members, told(("entered", of(found, "entered_position")), ("left", of(found, "next_position"))))
