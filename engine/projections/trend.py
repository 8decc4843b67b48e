"""Trend: every figure by week, month or quarter, as it stood at the end of each and as it is seen now.

All points come from one pass over the visits, not from a derivation each. Exact definitions: docs/metrics.md#trend.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from engine.errors import Rejected
from engine.periods import Every, Period, back, periods
from engine.projections.figures import Answer, Group, head
from engine.projections.filters import EVERYTHING, MEMBERSHIP, Filters, narrowed
from engine.projections.groups import grouped, labels
from engine.projections.points import Parts, Point, points
from engine.projections.timeline import by_membership, closings, entries, passed, stretches
from engine.values import from_micros

if TYPE_CHECKING:
    from engine.projections.look import Look

MOST = 600
"""points of a trend: more are a mistake"""


class TrendGroup(Group):
    points: tuple[Point, ...]


class Trend(Answer):
    """n: the journeys that entered in these periods, as seen now."""

    every: Every
    stage: str | None
    points: tuple[Point, ...]
    groups: tuple[TrendGroup, ...] | None = None


def trend(
    look: "Look",
    filters: Filters = EVERYTHING,
    *,
    by: str | None = None,
    every: Every = "month",
    count: int = 12,
    stage: str | None = None,
) -> Trend:
    """The periods that the window touches; without its beginning the last `count` up to its end or as_of.

    stage: entered and conversion are those of a stage, else of the whole pipeline. Rejected: by month, an unknown
    stage, no or too many periods.
    """
    axis = axis_of(look, filters, every, count)
    parts = parts_of(look, filters, by, stage)
    groups = None
    if by is not None:
        each = points(parts, axis, look.as_of)
        groups = tuple(
            TrendGroup(key=key, label=label, n=entered(each[value]), points=each[value])
            for value, key, label in labels(look, by, list(each))
        )
        parts = parts.all_in_one()
    whole = points(parts, axis, look.as_of)[None]
    return Trend(**head(look), n=entered(whole), every=every, stage=stage, points=whole, groups=groups)


def parts_of(look: "Look", filters: Filters, by: str | None, stage: str | None) -> Parts:
    """What the points are counted from, with `group`. Rejected: by month, an unknown stage."""
    if by == "month":
        raise Rejected("a trend goes by week, month or quarter already (every): group it by something else", field="by")
    if stage is not None and stage not in look.definition.ranks:
        known = ", ".join(each.key for each in look.definition.stages)
        raise Rejected(f"stage {stage!r} is not in this definition: use one of {known}", field="stage")
    visits = passed(look, filters)
    rank = None if stage is None else look.definition.ranks[stage]
    stood = stretches(visits, look)
    asked = {by, *(name for name in MEMBERSHIP if getattr(filters, name) is not None)}
    if asked.intersection(MEMBERSHIP) and filters.membership == "then":
        stood = by_membership(stood, look)
    return Parts(
        *(
            grouped(narrowed(rows.lazy(), look, filters), look, by, filters).collect()
            for rows in (entries(visits, look, rank), closings(visits, look), stood)
        )
    )


def entered(points: Iterable[Point]) -> int:
    return sum(point.now.entered for point in points)


def axis_of(look: "Look", filters: Filters, every: Every, count: int) -> list[Period]:
    if not 1 <= count <= MOST:
        raise Rejected(f"count {count} is out of range: ask for 1 to {MOST} periods", field="count")
    window = filters.window
    last = look.as_of if window.until is None else min(window.until - 1, look.as_of)
    first = back(every, filters.tz, last=last, count=count) if window.since is None else window.since
    if first > last:
        raise Rejected(f"the window begins at {from_micros(first)}, after as_of: begin it earlier", field="since")
    axis = periods(every, filters.tz, first=first, last=last)
    if len(axis) > MOST:
        raise Rejected(
            f"the window holds {len(axis)} periods: ask for at most {MOST}, or for longer ones", field="since"
        )
    return axis
