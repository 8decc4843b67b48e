"""What a change of the stages does to the policies, for a preview: which look where, and what they would do at once."""

import polars as pl

from engine.policies.effect import effects
from engine.policies.withdraw_pointless import WITHDRAW_POINTLESS
from engine.projections.views import Views
from replay.policy_figures import PolicyFigures, PolicyRow
from replay.stage_figures import Side


def policy_rows(views: Views, old: Side | None, new: Side) -> tuple[PolicyRow, ...]:
    """Of the policies that either definition asks for, in the order they are run. old: None where there is none."""
    after = figures(views, new)
    before = dict.fromkeys(after, PolicyFigures(stages=(), watched=0, due=0)) if old is None else figures(views, old)
    return tuple(
        PolicyRow(policy=policy, before=before[policy], after=after[policy])
        for policy in after
        if before[policy].stages or after[policy].stages
    )


def figures(views: Views, side: Side) -> dict[str, PolicyFigures]:
    """By policy, of the journeys that the side's filters leave."""
    look, standing = side.look, side.standing
    ids = look.journeys.select("journey", "journey_id").join(standing, on="journey", how="semi")["journey_id"]
    chosen = set(ids)
    found = {}
    for effect in effects(views, look):
        if effect.policy == WITHDRAW_POINTLESS.name:
            # It is asked for by no definition.
            continue
        ranks = [look.definition.ranks[stage] for stage in effect.stages]
        found[effect.policy] = PolicyFigures(
            stages=effect.stages,
            watched=standing.filter(pl.col("stage").is_in(ranks)).height,
            due=sum(due.journey.hex in chosen for due in effect.due),
        )
    return found
