"""How often the criteria of a definition were looked at in all history, and how often they held."""

import polars as pl

from engine.projections.figures import Figures
from engine.projections.look import Look
from engine.stages.criteria import Criterion
from engine.stages.criteria_polars import fires, looked_at


class Tried(Figures):
    looked: int
    held: int


def tried(look: Look) -> dict[str, Tried]:
    """By stage key, of the criteria that may fail and of those that brought nobody in."""
    brought = set(look.visits.filter(pl.col("how") == "automatic")["stage"].unique())
    asked = {
        stage.key: stage.enter
        for rank, stage in enumerate(look.definition.stages)
        if stage.enter is not None and (rank not in brought or may_fail(stage.enter))
    }
    if not asked:
        return {}
    rows = look.seen().rows
    if len(look.codes.pipelines) > 1:
        rows = rows.filter(pl.col("journey").is_in(look.journeys["journey"].implode()))
    signals, currencies = look.codes.signals, look.codes.currencies
    held = fires(rows, list(asked.values()), signals, currencies)
    looked = rows.select(looked_at(criterion, signals).sum().alias(key) for key, criterion in asked.items()).row(0)
    return {key: Tried(looked=n, held=mask.sum()) for key, n, mask in zip(asked, looked, held, strict=True)}


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
