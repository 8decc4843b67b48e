"""How often the criteria of a definition were looked at in all history, and how often they held."""

import polars as pl

from engine.projections.figures import Figures
from engine.projections.firing import tried as tried_of
from engine.projections.look import Look
from engine.stages.criteria import Criterion


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
    counted = tried_of(look.seen(), look.pipeline, list(asked.values()), look.codes)
    return {key: Tried(looked=looked, held=held) for key, (looked, held) in zip(asked, counted, strict=True)}


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
