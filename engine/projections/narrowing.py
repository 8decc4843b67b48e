"""An abnormal narrowing of the funnel: a step that passes on far fewer than the other steps do.

It shows at the stage where few arrive; its cause is the stage before, which they did not get out of. Exact definition:
docs/metrics.md#abnormal-narrowing.
"""

from collections.abc import Sequence
from math import sqrt
from statistics import median
from typing import TYPE_CHECKING

from engine.projections.cohort import followers
from engine.projections.figures import Figures
from engine.projections.likelihood import ENOUGH

if TYPE_CHECKING:
    from engine.projections.conversion import StageConversion
    from engine.stages.definition import Definition

SHARE_OF_TYPICAL = 2 / 3
"""from how much less than the typical step on a step is narrow"""
OTHERS = 2
"""steps that there must be beside it to tell what is typical"""
Z95 = 1.959963984540054
"""two-sided 95 % of the normal distribution"""


class Narrowing(Figures):
    """Of `left` journeys that left the stage, `advanced` went further: share, where the other steps pass on typical."""

    stage: str
    """the stage before: where to look"""
    shows_at: str
    """the next stage, at which few arrive"""
    left: int
    advanced: int
    share: float
    typical: float
    """median share of the other steps"""


def narrowings(stages: "Sequence[StageConversion]", definition: "Definition") -> tuple[Narrowing, ...]:
    """The abnormal narrowings among the stages of one conversion answer or group, in their order.

    Of the open stages that at least ENOUGH journeys left, each against the median of the others: abnormal where its
    share is below two thirds of it and chance does not explain the gap.
    """
    following = {
        definition.key_of(rank): definition.key_of(after)
        for rank, after in followers(definition).items()
        if definition.kind_of(rank) == "open"
    }
    steps = [
        (each, left)
        for each in stages
        if each.stage in following and (left := each.entered - each.still_there - each.transferred) >= ENOUGH
    ]
    found = []
    for each, left in steps:
        others = [other.advanced / n for other, n in steps if other is not each]
        if len(others) < OTHERS:
            continue
        share, typical = each.advanced / left, median(others)
        if share < SHARE_OF_TYPICAL * typical and highest_likely(each.advanced, left) < typical:
            found.append(
                Narrowing(
                    stage=each.stage,
                    shows_at=following[each.stage],
                    left=left,
                    advanced=each.advanced,
                    share=share,
                    typical=typical,
                )
            )
    return tuple(found)


def highest_likely(part: int, whole: int) -> float:
    """Upper end of the 95 % interval of part / whole by Wilson, which holds for few and for shares near 0 or 1."""
    share, room = part / whole, Z95**2 / whole
    spread = Z95 * sqrt(share * (1 - share) / whole + room / (4 * whole))
    return (share + room / 2 + spread) / (1 + room)
