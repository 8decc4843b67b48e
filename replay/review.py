"""What a careful reviewer of stages would say, each remark with its figures and what to do.

Pure functions of a definition and of what history became by it. Exact definitions: docs/pipelines.md#warnings.
"""

from collections.abc import Mapping, Sequence

from engine.projections.conversion import StageConversion
from engine.projections.look import Look
from engine.stages.definition import Definition
from replay.remark import Remark
from replay.review_entries import always_true, never_entered, swallowing
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
    )


def compared(
    remarks: Sequence[Remark], others: Sequence[Remark], before: Definition, after: Definition
) -> tuple[Remark, ...]:
    """The remarks on a definition: which of them are new beside those on another, whose stages it may continue."""
    continued = {stage.key: after.ranks.get(stage.key) for stage in before.stages}
    known = {(each.kind, continued.get(each.stage or ""), each.key) for each in others}
    return tuple(
        each.model_copy(update={"new": (each.kind, after.ranks.get(each.stage or ""), each.key) not in known})
        for each in remarks
    )


def unmapped(keys: Sequence[UnmappedKey]) -> list[Remark]:
    return [
        Remark(
            kind="unmapped_keys",
            stage=None,
            key=each.key,
            says=f"people moved {each.journeys:,} journeys to {each.key!r}, which is none of its open stages; "
            f"{each.standing:,} stand unmapped because of it",
            advice=f"add `replaces: [{each.key}]` to the stage that takes it over",
            n=each.standing,
            of=each.journeys,
        )
        for each in keys
    ]
