"""Remarks on the steps of the funnel: one that loses nobody, one that loses far more than the others."""

from collections.abc import Sequence
from statistics import median

from engine.projections.conversion import StageConversion
from engine.projections.likelihood import ENOUGH
from engine.projections.narrowing import highest_likely, narrowings
from engine.stages.definition import Definition
from replay.remark import Remark


def passing_all(definition: Definition, funnel: Sequence[StageConversion]) -> list[Remark]:
    """Open stages that enough journeys left, and none but forward, where the other steps and chance don't explain it.

    Nor do those that still stand there: even if none of them went further, it would pass on more than the others do.
    """
    opens = {stage.key for stage in definition.stages if stage.kind == "open"}
    steps = [
        (each, left)
        for each in funnel
        if each.stage in opens and (left := each.entered - each.still_there - each.transferred) >= ENOUGH
    ]
    found = []
    for each, left in steps:
        others = [other.advanced / n for other, n in steps if other is not each]
        lowest = 1 - highest_likely(each.still_there, left + each.still_there)
        if each.advanced < left or (others and lowest <= median(others)):
            continue
        beside = f" (the other steps pass on {median(others):.1%})" if others else ""
        waiting = f"; {each.still_there:,} still stand there" if each.still_there else ""
        found.append(
            Remark(
                kind="passes_all",
                stage=each.stage,
                says=f"all {left:,} journeys that left it went further{beside}{waiting}",
                advice="what ends it decides nothing: merge it with the next stage, or let losses be recorded in it",
                n=each.advanced,
                of=left,
            )
        )
    return found


def narrowing(definition: Definition, funnel: Sequence[StageConversion]) -> list[Remark]:
    return [
        Remark(
            kind="abnormal_narrowing",
            stage=each.stage,
            says=f"{each.advanced:,} of the {each.left:,} journeys that left it went further ({each.share:.1%}; the "
            f"other steps pass on {each.typical:.1%}): the funnel narrows at {each.shows_at}",
            advice=f"look at what is done in {each.stage}, the stage before the narrowing, not at {each.shows_at}",
            n=each.advanced,
            of=each.left,
        )
        for each in narrowings(funnel, definition)
    ]
