"""What a change of the stages does to the policies, for a preview: which look where, and what they would do at once."""

from collections.abc import Sequence
from functools import partial

import polars as pl

from engine.policies.due import Due
from engine.policies.effect import effects
from engine.projections.views import Views
from replay.beside import of_both
from replay.policy_figures import PolicyFigures, PolicyRow
from replay.stage_figures import Side


def policy_rows(views: Views, old: Side | None, new: Side) -> tuple[PolicyRow, ...]:
    """Of the policies that either definition asks for, in the order they are run. old: None where there is none."""
    known, after = of_both(old, new, partial(figures, views))
    before = known or dict.fromkeys(after, PolicyFigures(stages=(), watched=0, due=0))
    return tuple(
        PolicyRow(policy=policy, before=before[policy], after=after[policy])
        for policy in after
        if before[policy].stages or after[policy].stages
    )


def figures(views: Views, side: Side) -> dict[str, PolicyFigures]:
    """By policy, of the journeys that the side's filters leave."""
    look, standing = side.look, side.standing
    ids = look.journeys.lazy().select("journey", "journey_id").join(standing.lazy(), on="journey", how="semi")
    found = {}
    for effect in effects(views, look):
        ranks = [look.definition.ranks[stage] for stage in effect.stages]
        found[effect.policy] = PolicyFigures(
            stages=effect.stages,
            watched=standing.filter(pl.col("stage").is_in(ranks)).height,
            due=among(ids, effect.due),
        )
    return found


def among(ids: pl.LazyFrame, due: Sequence[Due]) -> int:
    """How much of what is due is of these journeys; ids: journey_id."""
    if not due:
        return 0
    journeys = [each.journey.hex for each in due]
    known = set(ids.filter(pl.col("journey_id").is_in(journeys)).collect()["journey_id"])
    return sum(journey in known for journey in journeys)
