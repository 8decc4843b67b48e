"""Who entered each stage, and what became of them: counted, as conversion tells it.

Exact definitions: docs/metrics.md#conversion.
"""

from typing import TYPE_CHECKING

import polars as pl

from engine.errors import Rejected
from engine.projections.cohort import (
    PARTS,
    TRANSFERRED,
    entries,
    entries_as_they_stood,
    horizon_of,
    ranks_of,
    with_flags,
)
from engine.projections.days import micros_of
from engine.projections.filters import EVERYTHING, Filters, chosen, narrowed, of_chosen
from engine.projections.groups import grouped, with_whole
from engine.projections.tally import Part, Tally, counts, lengths, tally
from engine.projections.transitions import transitions
from engine.stages.definition import Definition

if TYPE_CHECKING:
    from engine.projections.look import Look


def passed(
    look: "Look",
    filters: Filters = EVERYTHING,
    by: str | None = None,
    *,
    strict: bool = False,
    within_days: float | None = None,
    in_period: bool = False,
) -> Tally:
    """Who entered each stage and what became of them; where groups are asked for, of all together as WHOLE."""
    cohort, moves = asked_of(
        look, filters, by, look.visits.lazy(), strict=strict, within_days=within_days, in_period=in_period
    )
    asked, moved = (
        with_whole(rows.select("group", *columns), by)
        for rows, columns in (
            (cohort, ("journey", "stage", "first", "cohort", "far", "place", *PARTS, "immature")),
            (moves, ("stage", "to", "spent")),
        )
    )
    merged = chosen(look, filters).filter(pl.col("outcome") == "merged")
    return tally(
        *reached(asked, by, look.definition),
        lengths("move", moved, by, "stage", "to", of=pl.col("spent")),
        counts("gone", merged, None, merged=pl.len()),
    )


def asked_of(
    look: "Look",
    filters: Filters,
    by: str | None,
    visits: pl.LazyFrame,
    *,
    strict: bool,
    within_days: float | None,
    in_period: bool,
) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Of Look.visits, with any further columns: first entries and what became of them; transitions. With `group`."""
    if in_period and filters.window.until is None:
        raise Rejected("in_period looks at the end of the window: give until", field="until")
    visits = of_chosen(visits, look, filters, by)
    if within_days is None and not in_period:
        horizon, cohort = None, entries(visits, look.definition).with_columns(horizon=pl.lit(look.as_of))
    else:
        horizon = horizon_of(look, filters, within_days, in_period=in_period)
        cohort = entries_as_they_stood(visits, look.definition, horizon=horizon)
    passed = pl.col("passed") if strict else pl.lit(True)
    days = pl.lit(None) if within_days is None else pl.col("at") + micros_of("within_days", within_days)
    cohort = with_flags(cohort.rename({"entered_at": "at"}), look.definition, passed)
    cohort = cohort.with_columns(immature=(days > look.as_of).fill_null(False))
    moves = transitions(visits, horizon).rename({"entered_at": "at"})
    inside = filters.window.holds("at")
    return (
        grouped(narrowed(cohort.filter(inside), look, filters), look, by, filters),
        grouped(narrowed(moves.filter(inside), look, filters), look, by, filters),
    )


def reached(asked: pl.LazyFrame, by: str | None, definition: Definition) -> tuple[Part, Part]:
    """Overall, and stage by stage. asked: the cohort as asked_of gives it."""
    first, far, gone = pl.col("first"), pl.col("far"), pl.col("place") == TRANSFERRED
    lost = pl.col("place").is_in(ranks_of(definition, "lost"))
    return (
        counts(
            "all",
            asked,
            by,
            n=pl.col("journey").n_unique(),
            entered=first.sum(),
            won=(first & far).sum(),
            lost=(first & ~far & lost).sum(),
            open=(first & ~far & ~lost & ~gone).sum(),
            transferred=(first & ~far & gone).sum(),
        ),
        counts(
            "stage",
            asked.filter(pl.col("cohort")),
            by,
            "stage",
            entered=pl.len(),
            immature=pl.col("immature").sum(),
            ripe=(pl.col("advanced") & ~pl.col("immature")).sum(),
            **{part: pl.col(part).sum() for part in PARTS},
        ),
    )
