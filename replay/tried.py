"""How often the criteria of a definition were looked at in all history, and how often they held."""

from collections.abc import Callable

import polars as pl

from engine.projections.columns import Codes
from engine.projections.figures import Figures
from engine.projections.views import Look
from engine.stages.criteria import Criterion
from engine.stages.criteria_polars import fires, looked_at


class Tried(Figures):
    looked: int
    held: int


def tried(look: Look, events: Callable[[], pl.DataFrame]) -> dict[str, Tried]:
    """By stage key, of the criteria that may fail and of those that brought nobody in."""
    brought = set(look.visits.filter(pl.col("how") == "automatic")["stage"].unique())
    asked = {
        stage.key: stage.enter
        for rank, stage in enumerate(look.definition.stages)
        if stage.enter is not None and (rank not in brought or may_fail(stage.enter))
    }
    if not asked:
        return {}
    rows = events().lazy()
    if len(look.codes.pipelines) > 1:
        rows = rows.filter(pl.col("journey").is_in(look.journeys["journey"].implode()))
    first = (pl.col("journey") != pl.col("journey").shift()).fill_null(True)
    told = [times(rows.with_columns(first=first), criterion, look.codes) for criterion in asked.values()]
    return {
        key: Tried(looked=found["looked"].item(), held=found["held"].item())
        for key, found in zip(asked, pl.collect_all(told), strict=True)
    }


def times(rows: pl.LazyFrame, criterion: Criterion, codes: Codes) -> pl.LazyFrame:
    """What a criterion counts needs the rows that bear on it, and where each journey begins."""
    bears = looked_at(criterion, codes.signals)
    held = fires(criterion, codes.signals, codes.currencies)
    return rows.filter(pl.col("first") | bears).select(looked=bears.sum(), held=held.sum())


def may_fail(criterion: Criterion) -> bool:
    """Whether there is a threshold or a negation in it; `proposals at_least 1` holds whenever it is looked at."""
    if criterion.negated is not None:
        return True
    inner = criterion.any or criterion.all
    if inner:
        return any(may_fail(part) for part in inner)
    counted = criterion.touches or criterion.proposals
    if counted is not None:
        return counted.at_least > 1
    return any(
        part is not None for part in (criterion.bant, criterion.bant_confirmed, criterion.amount, criterion.score)
    )
