"""What a journey's place in the pipeline says of it at as_of: age, stalled, likelihood."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import polars as pl

from engine.projections.likelihood import Likelihood
from engine.projections.rows_alone import Row
from engine.projections.stalling import is_stalled
from engine.projections.stalling_alone import stalled_at

if TYPE_CHECKING:
    from engine.projections.look import Look


def with_state(journeys: pl.LazyFrame, look: "Look", chances: list[Likelihood]) -> pl.LazyFrame:
    """Adds age (microseconds in the stage), stalled and likelihood, all at as_of."""
    ranks = range(len(chances))

    def of_stage(values: list[Any], dtype: type[pl.DataType]) -> pl.Expr:
        return pl.col("stage").replace_strict(ranks, values, default=None, return_dtype=dtype)

    age = look.as_of - pl.col("stage_since")
    shares = [None if chance.value is None else float(chance.value) for chance in chances]
    open_ranks = pl.col("stage").is_between(0, look.definition.open_count - 1)
    return journeys.with_columns(
        age=age,
        stalled=is_stalled(look.definition, look.as_of),
        likelihood=pl.when(open_ranks).then(of_stage(shares, pl.Float64)),
    )


def state_of(look: "Look", chances: list[Likelihood]) -> Callable[[Row], dict[str, Any]]:
    """The same of plain rows: the columns that with_state adds."""
    is_stalled = stalled_at(look.definition, look.as_of)
    shares = [None if chance.value is None else float(chance.value) for chance in chances]
    open_shares = dict(enumerate(shares[: look.definition.open_count]))

    def state(row: Row) -> dict[str, Any]:
        since = row["stage_since"]
        return {
            "age": None if since is None else look.as_of - since,
            "stalled": is_stalled(row),
            "likelihood": open_shares.get(row["stage"]),
        }

    return state
