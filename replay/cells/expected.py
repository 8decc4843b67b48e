"""The cells of the forecast: what was won in a period, and what is expected to be. Quotas count no journeys."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import polars as pl

from engine.periods import Every
from engine.projections.filters import Filters
from engine.projections.forecast import axis_of
from engine.projections.groups import labels
from engine.projections.likelihood import Basis, likelihoods
from engine.projections.look import Look
from engine.projections.prospects import PLACE, prospects
from engine.projections.quotas import WINS, Quota, quotas, together
from engine.projections.state import with_state
from replay.cells.closed import decided, valued
from replay.cells.counted import NONE, Counted, Word, all_rows
from replay.cells.standing import stands

MONEY = ("toward_quota", "gap", "attainment")
DEALS = ("toward_quota_wins", "gap_wins", "attainment_wins")


def forecast(
    look: Look,
    filters: Filters,
    _: str | None,
    *,
    every: Every | None = None,
    period: str | None = None,
    basis: Basis = "observed",
    **__: Any,
) -> list[Counted]:
    axis = axis_of(look, filters, every, period)
    found = prospects(look, filters, axis)
    names = [each.name for each in axis]
    told = quotas(look, filters, axis)
    goals = [goal for each in told for goal in each.items()]
    wholes = [together(goal.whole for goal in each.values()) for each in told]
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
    won, pipeline = (toward(each, wholes).lazy().with_columns(no_group) for each in (found.won, found.expected))
    undated, earlier = (each.lazy().with_columns(no_group) for each in (found.undated, found.earlier))
    expected = with_state(pipeline, look, likelihoods(look, basis))
    likely = pl.col("likelihood").is_not_null()
    return [
        Counted(
            won,
            {
                "won": all_rows(),
                "won_value": valued(),
                **dict.fromkeys(MONEY, valued() & pl.col("toward")),
                **dict.fromkeys(DEALS, pl.col("toward_wins")),
            },
            lambda rows, part: decided(look, rows, "won_value" if part in MONEY else part),
            words,
        ),
        Counted(
            expected,
            {
                "pipeline_n": all_rows(),
                "pipeline_value": valued(),
                "weighted": valued() & likely,
                "overdue": pl.col("overdue"),
                "without_likelihood": ~likely,
                "weighted_wins": likely,
                "coverage": valued() & pl.col("qualified") & pl.col("toward"),
                "coverage_wins": pl.col("qualified") & pl.col("toward_wins"),
            },
            lambda rows, part: stands(look, rows, "value" if part in ("pipeline_value", "coverage") else part),
            words,
        ),
        Counted(undated, {"without_date": all_rows()}, partial(stands, look)),
        Counted(earlier, {"overdue_earlier": all_rows()}, partial(stands, look)),
    ]


def toward(rows: pl.DataFrame, wholes: Sequence[Quota]) -> pl.DataFrame:
    """Adds toward and toward_wins: whether it is of those that a quota in its currency, or in wins, is of.

    wholes: of each period the quota of everybody.
    """

    def held(measure: str | None, period: int, team: str | None, owner: str | None) -> bool:
        goal = wholes[period].get(measure or "")
        return goal is not None and goal.is_of(team, owner)

    places = rows.select("currency", *PLACE).unique()
    told = places.cast({"currency": pl.String, "team": pl.String, "owner": pl.String}).rows()
    return rows.join(
        places.with_columns(
            pl.Series("toward", [held(*place) for place in told], dtype=pl.Boolean),
            pl.Series("toward_wins", [held(WINS, *place) for _, *place in told], dtype=pl.Boolean),
        ),
        on=places.columns,
        nulls_equal=True,
        maintain_order="left",
    )
