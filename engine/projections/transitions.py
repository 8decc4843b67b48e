"""The transition matrix: from which stage to which, how often, and how long it took."""

import polars as pl
from pydantic import ConfigDict, Field

from engine.projections.cohort import TRANSFERRED, WIDTH
from engine.projections.figures import Figures
from engine.projections.lengths import Lengths
from engine.stages.definition import TRANSFERRED_KEY, Definition


class Transition(Figures):
    """From one visit to the next; the time between is that of the earlier visit."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    from_stage: str = Field(alias="from")
    to: str
    n: int
    p50_seconds: float
    p85_seconds: float
    p90_seconds: float


def transitions(visits: pl.LazyFrame, horizon: pl.Expr | None) -> pl.LazyFrame:
    """Visits that ended, by the horizon if there is one.

    Adds `to` (rank of the next, or TRANSFERRED) and `spent` (microseconds).
    """
    following = pl.when("transferred").then(pl.lit(TRANSFERRED, pl.Int8)).otherwise(pl.col("stage").shift(-1))
    ended = pl.col("left_at").is_not_null() if horizon is None else pl.col("left_at") <= horizon
    return visits.with_columns(to=following, spent=pl.col("left_at") - pl.col("entered_at")).filter(ended)


def in_order(rank: int) -> int:
    """Definition order; then unmapped, then transferred."""
    return WIDTH - rank if rank < 0 else rank


def transition(stage: int, to: int, spent: Lengths, definition: Definition) -> Transition:
    times = spent.durations.model_dump(exclude={"mean_seconds"})
    following = TRANSFERRED_KEY if to == TRANSFERRED else definition.key_of(to)
    return Transition(from_stage=definition.key_of(stage), to=following, **times)
