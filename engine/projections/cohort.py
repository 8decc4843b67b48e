"""What became of each journey that entered a stage: how far it went afterwards, and where it stands.

No .over(): visits are clustered by journey, so "the highest rank from here on" is one global reverse maximum over
journey * 64 + rank. Only a horizon (as it stood N days later) needs the visits paired with themselves.
"""

from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl

from engine.projections.days import micros_of
from engine.projections.filters import Filters
from engine.stages.definition import Definition

if TYPE_CHECKING:
    from engine.projections.look import Look

TRANSFERRED = -2
"""place of a journey that is now in another pipeline"""
NOWHERE = -3
"""next stage of a stage that has none"""
WIDTH = 64
"""more than the ranks of any definition"""
PARTS = ("advanced", "skipped", "lost", "moved_back", "transferred", "still_there")
"""what may have become of a journey that entered a stage"""


def ranks_of(definition: Definition, *kinds: str) -> list[int]:
    return [rank for rank, stage in enumerate(definition.stages) if stage.kind in kinds]


def entries(visits: pl.LazyFrame, definition: Definition) -> pl.LazyFrame:
    """The first visit of each journey to each stage, and its very first visit, with what became of it by now.

    visits: Look.visits, clustered by journey, with any further columns, which are kept. Adds first (the journey's
    first visit here), cohort (its first visit to a stage that is not lost), reach (highest rank from here on, lost
    ones apart, -1 for none), place (rank where it stands now, UNMAPPED or TRANSFERRED) and passed (the next stage was
    itself visited after it).
    """
    ranked = pl.when(is_progress(definition)).then(pl.col("stage").cast(pl.Int64) + 1).otherwise(0)
    last = (pl.col("journey") != pl.col("journey").shift(-1)).fill_null(True)
    stands = pl.when("transferred").then(pl.lit(TRANSFERRED, pl.Int8)).otherwise("stage")
    return visits.with_columns(
        reach=(highest_from_here(ranked) - 1).cast(pl.Int8),
        place=pl.when(last).then(stands).backward_fill(),
        passed=passes(definition),
        **first_and_cohort(definition),
    ).filter(pl.col("first") | pl.col("cohort"))


def with_flags(cohort: pl.LazyFrame, definition: Definition, passed: pl.Expr) -> pl.LazyFrame:
    """Adds far (it was won) and PARTS, each by its own condition, so that what fits none shows as a missing one."""
    lost = pl.col("place").is_in(ranks_of(definition, "lost"))
    further = pl.col("reach") > pl.col("stage")
    stays = ~further & (pl.col("place") != TRANSFERRED)
    won = ranks_of(definition, "won")
    return cohort.with_columns(
        far=pl.col("reach") >= won[0] if won else pl.lit(False),
        advanced=further & passed,
        skipped=further & ~passed,
        lost=stays & lost,
        moved_back=stays & ~lost & (pl.col("place") < pl.col("stage")),
        transferred=~further & (pl.col("place") == TRANSFERRED),
        still_there=stays & ~lost & (pl.col("place") == pl.col("stage")),
    )


def highest_from_here(level: pl.Expr) -> pl.Expr:
    """The highest of a level (0 to WIDTH - 1) over this visit and the later ones of its journey."""
    base = (pl.col("journey").max().cast(pl.Int64) - pl.col("journey").cast(pl.Int64)) * WIDTH
    return (base + level).cum_max(reverse=True) - base


def passes(definition: Definition) -> pl.Expr:
    """The stage's next step is visited later in the journey."""
    steps = [step(definition, rank) for rank in range(len(definition.stages))]
    found = pl.lit(False)
    for rank, following in followers(definition).items():
        there = [other for other, own in enumerate(steps) if own == following]
        seen = highest_from_here(pl.col("stage").is_in(there).cast(pl.Int64)) > 0
        found = pl.when(pl.col("stage") == rank).then(seen).otherwise(found)
    return found


def entries_as_they_stood(visits: pl.LazyFrame, definition: Definition, *, horizon: pl.Expr) -> pl.LazyFrame:
    """`entries`, with what had become of each at its horizon (microseconds, included; over the columns of visits).

    Adds passed besides: the next stage was itself visited in between.
    """
    found = visits.with_columns(horizon=horizon, **first_and_cohort(definition)).filter(
        pl.col("first") | pl.col("cohort")
    )
    following = followers(definition)
    later = visits.select(
        "journey",
        later_n="n",
        later_at="entered_at",
        later_left="left_at",
        later_stage="stage",
        later_transferred="transferred",
        later_step=pl.col("stage").replace_strict(
            range(len(definition.stages)),
            [step(definition, rank) for rank in range(len(definition.stages))],
            default=NOWHERE,
            return_dtype=pl.Int8,
        ),
        later_progress=pl.when(is_progress(definition)).then("stage").otherwise(pl.lit(-1, pl.Int8)),
    )
    gone = (pl.col("later_transferred") & (pl.col("later_left") <= pl.col("horizon"))).fill_null(False)
    stands = pl.when(gone).then(TRANSFERRED).otherwise(pl.col("later_stage").cast(pl.Int64)) - TRANSFERRED
    became = (
        found.select(
            "journey",
            "n",
            "horizon",
            next_step=pl.col("stage").replace_strict(
                list(following), list(following.values()), default=NOWHERE - 1, return_dtype=pl.Int8
            ),
        )
        .join(later, on="journey", how="inner")
        .filter((pl.col("later_n") >= pl.col("n")) & (pl.col("later_at") <= pl.col("horizon")))
        .group_by("journey", "n")
        .agg(
            reach=pl.col("later_progress").max(),
            place=((pl.col("later_n").cast(pl.Int64) * WIDTH * 2 + stands).max() % (WIDTH * 2) + TRANSFERRED).cast(
                pl.Int8
            ),
            passed=(pl.col("later_step") == pl.col("next_step")).any(),
        )
    )
    return found.join(became, on=["journey", "n"], how="inner")


def horizon_of(look: "Look", filters: Filters, within_days: float | None, *, in_period: bool) -> pl.Expr:
    """The moment up to which each visit's journey is followed, itself included."""
    ends = [pl.lit(look.as_of)]
    if within_days is not None:
        ends.append(pl.col("entered_at") + micros_of("within_days", within_days))
    if in_period and filters.window.until is not None:
        ends.append(pl.lit(filters.window.until - 1))
    return pl.min_horizontal(ends)


def is_progress(definition: Definition) -> pl.Expr:
    """The visit is to a stage that is not lost (nor unmapped)."""
    return pl.col("stage").is_in(ranks_of(definition, "open", "won", "after_sale"))


def first_and_cohort(definition: Definition) -> dict[str, pl.Expr]:
    return {
        "first": (pl.col("journey") != pl.col("journey").shift()).fill_null(True),
        "cohort": is_progress(definition) & ~pl.col("again"),
    }


def step(definition: Definition, rank: int) -> int:
    """Several won stages are one step: winning one way skips no other."""
    won = ranks_of(definition, "won")
    return won[0] if rank in won else NOWHERE if definition.kind_of(rank) == "lost" else rank


def followers(definition: Definition) -> dict[int, int]:
    """The step after each stage that is not lost: the next open one, then won, then after-sale ones."""
    steps = sorted({step(definition, rank) for rank in range(len(definition.stages))} - {NOWHERE})
    after = dict(pairwise(steps))
    ranks = ranks_of(definition, "open", "won", "after_sale")
    return {rank: after[step(definition, rank)] for rank in ranks if step(definition, rank) in after}
