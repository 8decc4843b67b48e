"""How often the criteria of a definition were looked at in all history, and how often they held."""

from collections.abc import Sequence

import polars as pl

from engine.projections.figures import Figures
from engine.projections.firing import tried as tried_of
from engine.projections.look import Look
from engine.stages.criteria import Criterion


class Tried(Figures):
    looked: int
    held: int


def tried(looks: Sequence[Look]) -> list[dict[str, Tried]]:
    """Of each look by stage key, of the criteria that may fail and of those that brought nobody in.

    looks: of one pipeline at one position, through one lens. What several ask for is counted once.
    """
    asked = [doubtful(look) for look in looks]
    criteria = list(dict.fromkeys(criterion for each in asked for criterion in each.values()))
    look = looks[0]
    counted = tried_of(look.seen(), look.pipeline, criteria, look.codes) if criteria else []
    found = {each: Tried(looked=looked, held=held) for each, (looked, held) in zip(criteria, counted, strict=True)}
    return [{key: found[criterion] for key, criterion in each.items()} for each in asked]


def doubtful(look: Look) -> dict[str, Criterion]:
    # The first event brings everybody to the first stage, whatever its criterion says.
    brought = set(look.visits.filter(pl.col("how") == "automatic")["stage"].unique()) - {0}
    return {
        stage.key: stage.enter
        for rank, stage in enumerate(look.definition.stages)
        if stage.enter is not None and (rank not in brought or may_fail(stage.enter))
    }


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
