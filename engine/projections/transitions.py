"""The transition matrix: from which stage to which, how often, and how long it took."""

from typing import Any

import polars as pl
from pydantic import ConfigDict, Field

from engine.projections.cohort import TRANSFERRED, WIDTH
from engine.projections.figures import Figures
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


def transitions(visits: pl.LazyFrame, horizon: pl.Expr) -> pl.LazyFrame:
    """Visits that ended by their horizon, with `to` (rank of the next, or TRANSFERRED) and `spent` (microseconds)."""
    following = pl.when("transferred").then(pl.lit(TRANSFERRED, pl.Int8)).otherwise(pl.col("stage").shift(-1))
    return visits.with_columns(to=following, spent=pl.col("left_at") - pl.col("entered_at")).filter(
        pl.col("left_at") <= horizon
    )


def in_order(rank: str) -> pl.Expr:
    """Definition order; then unmapped, then transferred."""
    return pl.when(pl.col(rank) < 0).then(WIDTH - pl.col(rank).cast(pl.Int64)).otherwise(rank)


def transition(row: dict[str, Any], definition: Definition) -> Transition:
    to = TRANSFERRED_KEY if row["to"] == TRANSFERRED else definition.key_of(row["to"])
    times = {name: row[name] for name in ("n", "p50_seconds", "p85_seconds", "p90_seconds")}
    return Transition(from_stage=definition.key_of(row["stage"]), to=to, **times)
