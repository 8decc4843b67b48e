"""The cells of the conversion: who entered a stage, and what became of them."""

from typing import Any

import polars as pl

from engine.errors import Rejected
from engine.projections.cards import rank_of
from engine.projections.cohort import TRANSFERRED, entries, entries_as_they_stood, ranks_of
from engine.projections.conversion import PARTS, horizon_of, with_flags
from engine.projections.filters import Filters, chosen, narrowed
from engine.projections.transitions import transitions
from engine.projections.views import Look
from engine.stages.definition import TRANSFERRED_KEY
from replay.cells import Cell, Members, of, told, with_next


def conversion(
    look: Look,
    filters: Filters,
    cell: Cell,
    *,
    strict: bool = False,
    within_days: float | None = None,
    in_period: bool = False,
    **_: Any,
) -> Members:
    """stage=KEY part=entered|advanced|...; part=entered|won|... of the whole; or from=KEY to=KEY"""
    cell.only("stage", "part", "from", "to")
    kept = chosen(look, filters).filter(pl.col("outcome") != "merged").select("journey", "owner", "source", "channel")
    visits = with_next(look).lazy().join(kept, on="journey", how="inner", maintain_order="left")
    horizon = horizon_of(look, filters, within_days, in_period=in_period)
    if "from" in cell.asked or "to" in cell.asked:
        return transition(look, filters, cell, visits, horizon)
    if within_days is not None or in_period:
        cohort = entries_as_they_stood(visits, look.definition, horizon=horizon)
    else:
        cohort = entries(visits, look.definition).with_columns(horizon=pl.lit(look.as_of))
    rows = with_flags(
        cohort.rename({"entered_at": "at"}), look.definition, pl.col("passed") if strict else pl.lit(True)
    )
    found = narrowed(rows.filter(filters.window.holds("at")), look, filters)
    if "stage" in cell.asked:
        part = cell.one_of("part", ("entered", *PARTS), "entered")
        found = found.filter(pl.col("cohort") & (pl.col("stage") == rank_of(look, cell.asked["stage"])))
        found = found if part == "entered" else found.filter(part)
    else:
        part = cell.one_of("part", ("entered", "won", "lost", "open", "transferred"), "entered")
        found = found.filter("first").filter(of_the_whole(look)[part])
    members = found.collect()
    return Members(members, told(("entered", of(members, "entered_position")), *what_became(look, members, part)))


def of_the_whole(look: Look) -> dict[str, pl.Expr]:
    far, lost, gone = (
        pl.col("far"),
        pl.col("place").is_in(ranks_of(look.definition, "lost")),
        pl.col("place") == TRANSFERRED,
    )
    return {
        "entered": pl.lit(True),
        "won": far,
        "lost": ~far & lost,
        "open": ~far & ~lost & ~gone,
        "transferred": ~far & gone,
    }


def what_became(look: Look, members: pl.DataFrame, part: str) -> list[tuple[str, pl.DataFrame]]:
    """The event by which each went where the part says; none for those that stayed."""
    own = members.select("journey", "horizon", since="n", rank="stage")
    later = (
        with_next(look)
        .join(own, on="journey", how="inner", maintain_order="left")
        .filter((pl.col("n") >= pl.col("since")) & (pl.col("entered_at") <= pl.col("horizon")))
    )
    if part in ("advanced", "skipped", "won"):
        ranks = ranks_of(look.definition, *(("won", "after_sale") if part == "won" else ("open", "won", "after_sale")))
        further = later.filter(pl.col("stage").is_in(ranks) & ((pl.col("stage") > pl.col("rank")) | (part == "won")))
        return [("advanced", of(further.unique("journey", keep="first", maintain_order=True), "entered_position"))]
    newest = later.unique("journey", keep="last", maintain_order=True)
    if part == "transferred":
        return [("left", of(newest, "next_position"))]
    if part in ("lost", "moved_back", "open"):
        return [("closed" if part == "lost" else "stands", of(newest, "entered_position"))]
    return []


def transition(look: Look, filters: Filters, cell: Cell, visits: pl.LazyFrame, horizon: pl.Expr) -> Members:
    """From one stage to the next one; `to` may be transferred."""
    cell.only("from", "to")
    if not {"from", "to"} <= cell.asked.keys():
        raise Rejected("a transition has two ends: give from= and to=")
    to = TRANSFERRED if cell.asked["to"] == TRANSFERRED_KEY else rank_of(look, cell.asked["to"])
    moves = transitions(visits, horizon).rename({"entered_at": "at"}).filter(filters.window.holds("at"))
    here = (pl.col("stage") == rank_of(look, cell.asked["from"])) & (pl.col("to") == to)
    found = narrowed(moves.filter(here), look, filters).collect()
    return Members(found, told(("entered", of(found, "entered_position")), ("left", of(found, "next_position"))))
