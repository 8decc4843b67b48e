"""The cells of the forecast: what was won in a period, and what is expected to be. Quotas count no journeys."""

from functools import partial
from typing import Any

import polars as pl

from engine.periods import Every
from engine.projections.filters import Filters
from engine.projections.forecast import axis_of
from engine.projections.groups import labels
from engine.projections.likelihood import Basis, likelihoods
from engine.projections.look import Look
from engine.projections.prospects import prospects
from engine.projections.quotas import quotas
from engine.projections.state import with_state
from replay.cells.closed import decided, valued
from replay.cells.counted import NONE, Counted, Word, all_rows
from replay.cells.standing import stands


def forecast(
    look: Look,
    filters: Filters,
    _: str | None,
    *,
    every: Every = "month",
    period: str | None = None,
    basis: Basis = "observed",
    **__: Any,
) -> list[Counted]:
    axis = axis_of(look, filters, every, period)
    found = prospects(look, filters, axis)
    names = [each.name for each in axis]
    goals = [goal for each in quotas(look, filters, axis) for goal in each.items()]
    places = [row for each in found[:2] for row in each.select("team", "owner").unique().iter_rows()]
    teams = {*(team for team, _ in goals), *(team for team, _ in places)}
    owners = {*(rep for _, goal in goals for rep in goal.people), *(owner for _, owner in places)}
    keys = {person: key or NONE for person, key, _ in labels(look, "owner", list(owners)) if person is not None}
    words = {
        "period": Word(pl.col("period").replace_strict(range(len(names)), names, return_dtype=pl.String), tuple(names)),
        "team": Word(pl.col("team").cast(pl.String), (*sorted(team for team in teams if team is not None), NONE)),
        "rep": Word(
            pl.col("owner").cast(pl.String).replace_strict(keys, default=None, return_dtype=pl.String),
            (*sorted(keys.values()), NONE),
        ),
    }
    no_group = pl.lit(None, pl.String).alias("group")
    won, undated = (each.lazy().with_columns(no_group) for each in (found.won, found.undated))
    expected = with_state(found.expected.lazy().with_columns(no_group), look, likelihoods(look, basis))
    likely = pl.col("likelihood").is_not_null()
    return [
        Counted(
            won,
            {
                "won": all_rows(),
                "won_value": valued(),
                "gap": valued(),
                "attainment": valued(),
                "gap_wins": all_rows(),
                "attainment_wins": all_rows(),
            },
            lambda rows, part: decided(look, rows, "won_value" if part in ("gap", "attainment") else part),
            words,
        ),
        Counted(
            expected,
            {
                "pipeline_n": all_rows(),
                "pipeline_value": valued(),
                "weighted": valued() & likely,
                "overdue": pl.col("overdue"),
                "weighted_wins": likely,
                "coverage": valued() & pl.col("qualified"),
                "coverage_wins": pl.col("qualified"),
            },
            lambda rows, part: stands(look, rows, "value" if part in ("pipeline_value", "coverage") else part),
            words,
        ),
        Counted(undated, {"without_date": all_rows()}, partial(stands, look)),
    ]
