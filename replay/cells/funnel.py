"""The cells of the conversion: who entered a stage, and what became of them."""

from typing import Any

import polars as pl

from engine.projections.cohort import PARTS, TRANSFERRED, ranks_of
from engine.projections.filters import Filters, chosen
from engine.projections.look import Look
from engine.projections.passed import asked_of
from replay.cells.counted import Counted, What, all_rows, of_stage
from replay.cells.events import merged, of, with_next


def conversion(
    look: Look,
    filters: Filters,
    by: str | None,
    *,
    strict: bool = False,
    within_days: float | None = None,
    in_period: bool = False,
    **_: Any,
) -> list[Counted]:
    cohort, moves = asked_of(
        look, filters, by, with_next(look).lazy(), strict=strict, within_days=within_days, in_period=in_period
    )
    lost, gone = pl.col("place").is_in(ranks_of(look.definition, "lost")), pl.col("place") == TRANSFERRED
    far = pl.col("far")

    def became(rows: pl.DataFrame, part: str) -> list[What]:
        return [("entered", of(rows, "entered_position")), *what_became(look, rows, part)]

    def was_won(rows: pl.DataFrame, part: str) -> list[What]:
        return became(rows, "won" if part == "conversion" else part)

    def moved(rows: pl.DataFrame, _: str) -> list[What]:
        return [("entered", of(rows, "entered_position")), ("left", of(rows, "next_position"))]

    whole = Counted(
        cohort.filter("first"),
        {
            "entered": all_rows(),
            "won": far,
            "lost": ~far & lost,
            "open": ~far & ~lost & ~gone,
            "transferred": ~far & gone,
            "conversion": all_rows(),
        },
        was_won,
    )
    stages = Counted(
        cohort.filter("cohort"),
        {
            "entered": all_rows(),
            **{part: pl.col(part) for part in PARTS},
            "conversion": all_rows(),
            "immature": pl.col("immature"),
            "mature_conversion": ~pl.col("immature"),
        },
        became,
        {"stage": of_stage(look)},
    )
    steps = Counted(moves, {"n": all_rows()}, moved, {"from": of_stage(look), "to": of_stage(look, "to")})
    return [whole, stages, steps, merged(look, chosen(look, filters))]


def what_became(look: Look, rows: pl.DataFrame, part: str) -> list[What]:
    """The event by which each went where the part says; none for those that stayed."""
    own = rows.select("journey", "horizon", since="n", rank="stage")
    later = (
        with_next(look)
        .join(own, on="journey", how="inner", maintain_order="left")
        .filter((pl.col("n") >= pl.col("since")) & (pl.col("entered_at") <= pl.col("horizon")))
    )
    newest = later.unique("journey", keep="last", maintain_order=True)
    if part in ("advanced", "skipped", "won", "conversion", "mature_conversion"):
        won = part == "won"
        ranks = ranks_of(look.definition, *(("won", "after_sale") if won else ("open", "won", "after_sale")))
        further = later.filter(pl.col("stage").is_in(ranks) & ((pl.col("stage") > pl.col("rank")) | won))
        return [("advanced", of(further.unique("journey", keep="first", maintain_order=True), "entered_position"))]
    if part == "transferred":
        return [("left", of(newest, "next_position"))]
    if part in ("lost", "moved_back", "open"):
        return [("closed" if part == "lost" else "stands", of(newest, "entered_position"))]
    return []
