"""The cells of the forecast accuracy: what was won in each period, and what was said of it at one of its horizons."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import polars as pl

from engine.errors import Rejected
from engine.periods import Every
from engine.projections.closings import at_their_close
from engine.projections.filters import Filters
from engine.projections.foretold import HORIZONS, Asked, axis_of, by_id, moment, past_of, seen
from engine.projections.groups import grouped
from engine.projections.likelihood import Basis, likelihoods
from engine.projections.look import Look
from engine.projections.prospects import prospects
from engine.projections.state import with_state
from replay.cells.closed import decided, valued
from replay.cells.counted import Counted, Word, all_rows
from replay.cells.standing import stands

THEN = ("won_then", "won_value_then", "pipeline_n", "pipeline_value", "without_likelihood", "weighted", "weighted_wins")
"""figures of the moment looked from"""


def forecast_accuracy(
    look: Look,
    filters: Filters,
    by: str | None,
    *,
    every: Every = "month",
    count: int = 6,
    horizons: Sequence[str] = HORIZONS,
    basis: Basis = "observed",
    hindsight: bool = False,
    cell: Mapping[str, str],
    **_: Any,
) -> list[Counted]:
    asked = Asked(by, every, count, tuple(horizons), basis, hindsight)
    axis = axis_of(look, filters, asked)
    names = [each.name for each in axis]
    horizon = Word(pl.lit(cell.get("horizon")), tuple(asked.horizons))
    period = pl.col("period").replace_strict(range(len(names)), names, return_dtype=pl.String)
    won = Counted(
        prospects(look, filters, axis, by).won.lazy(),
        {
            "won": all_rows(),
            "came_wins": all_rows(),
            **dict.fromkeys(("wape_wins", "bias_wins", "mape_wins"), all_rows()),
            **dict.fromkeys(("won_value", "came", "wape", "bias", "mape"), valued()),
        },
        lambda rows, part: decided(look, rows, "won" if part == "won" or part.endswith("_wins") else "won_value"),
        {"period": Word(period, tuple(names)), "horizon": horizon},
    )
    # Of a group that is asked for and has nothing here it is nothing, as long as somebody is in it.
    everybody = Counted(grouped(at_their_close(look, filters), look, by, filters), {}, partial(decided, look))
    if cell.get("part") not in THEN:
        return [won, everybody]
    chosen = [each for each in axis if each.name == cell.get("period")]
    if not chosen or cell.get("horizon") not in asked.horizons:
        known = f"period ({', '.join(names)}) and horizon ({', '.join(asked.horizons)})"
        raise Rejected(f"{cell['part']} is of one moment: name {known}")
    past = past_of(look, moment(chosen[0], cell["horizon"], filters.tz), asked)
    found = seen(past, by_id(look, filters), chosen[0], by)
    if found is None:
        # Nothing that is asked for was known then: no rows, of the same columns.
        nobody = prospects(past, Filters(tz=filters.tz), chosen)
        found = nobody._replace(won=nobody.won.clear(), expected=nobody.expected.clear())
    words = {"period": Word(pl.lit(chosen[0].name), tuple(names)), "horizon": horizon}
    expected = with_state(found.expected.lazy(), past, likelihoods(past, basis))
    likely = pl.col("likelihood").is_not_null()
    return [
        Counted(
            found.won.lazy(),
            {"won_then": all_rows(), "won_value_then": valued()},
            lambda rows, part: decided(past, rows, "won_value" if part == "won_value_then" else "won"),
            words,
            look=past,
        ),
        Counted(
            expected,
            {
                "pipeline_n": all_rows(),
                "pipeline_value": valued(),
                "without_likelihood": ~likely,
                "weighted": valued() & likely,
                "weighted_wins": likely,
            },
            lambda rows, part: stands(past, rows, "value" if part == "pipeline_value" else part),
            words,
            look=past,
        ),
        everybody,
    ]
