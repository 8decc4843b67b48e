"""What a careful reviewer of stages would say, each remark with its figures and what to do.

Pure functions of a definition and of what history became by it. Exact definitions: docs/pipelines.md#warnings.
"""

from collections.abc import Mapping, Sequence

from engine.projections.conversion import StageConversion
from engine.projections.look import Look
from replay.remark import Remark
from replay.review_closing import other_outcomes, without_end
from replay.review_entries import always_true, never_entered, swallowing
from replay.review_keys import given_away, replacing_nothing, unmapped
from replay.review_steps import narrowing, passing_all
from replay.tried import Tried
from replay.unmapped import UnmappedKey


def review(
    look: Look, funnel: Sequence[StageConversion], keys: Sequence[UnmappedKey], known: Mapping[str, Tried]
) -> tuple[Remark, ...]:
    """All remarks on the look's definition.

    funnel, keys: over the whole pipeline, as the look shows it. known: tried([look]) of it.
    """
    definition, visits = look.definition, look.visits
    return (
        *never_entered(definition, visits, known, look.journeys.height),
        *always_true(definition, known),
        *swallowing(definition, visits),
        *unmapped(keys),
        *passing_all(definition, funnel),
        *narrowing(definition, funnel),
        *without_end(look),
    )


def compared(remarks: Sequence[Remark], others: Sequence[Remark], before: Look, after: Look) -> tuple[Remark, ...]:
    """The remarks on a definition: which of them are new beside those on another, whose stages it may continue; and
    those on what it makes of the other's outcomes and keys.
    """
    continued = {stage.key: after.definition.ranks.get(stage.key) for stage in before.definition.stages}
    known = {(each.kind, continued.get(each.stage or ""), each.key) for each in others}

    def is_new(each: Remark) -> bool:
        return (each.kind, after.definition.ranks.get(each.stage or ""), each.key) not in known

    return (
        *(each.model_copy(update={"new": is_new(each)}) for each in remarks),
        *other_outcomes(before, after, {each.kind for each in remarks}),
        *given_away(before, after),
        *replacing_nothing(before.definition, after),
    )
