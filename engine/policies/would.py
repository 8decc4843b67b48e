"""What the policies would do, of one moment and one position of the log, however often it is asked; nothing is done."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from engine.errors import Rejected
from engine.log.application import Log
from engine.log.positions import recorded_at
from engine.policies.activation import activated, asked_for, by_stage
from engine.policies.due import Due, Policy, Since
from engine.policies.every import POLICIES
from engine.projections.definitions import Published
from engine.projections.lens import Lens
from engine.projections.look import Look
from engine.projections.views import Views
from engine.values import from_micros, to_micros


@dataclass(frozen=True, slots=True)
class World:
    """What is looked at."""

    as_of: int
    """microseconds"""
    live: bool
    """as_of is the present, as Lens has it"""
    position: int
    """of the log; what comes later is not known"""


def world_of(views: Views, now: datetime | None = None) -> World:
    """As the log is now; to the microsecond: what is shown is rounded to the minute, what is decided is not."""
    views.catch_up()
    return World(to_micros(now or datetime.now(UTC)), now is None, views.position)


def would(
    log: Log, views: Views, world: World, *, policies: Sequence[Policy] = POLICIES, since: datetime | None = None
) -> list[Due]:
    """By pipeline and policy, and what waits longest first; the same at every call.

    since: leave alone what was due before; without it the policy's activation counts. Rejected where that is later
    than the moment looked from.
    """
    must_have_begun(since, from_micros(world.as_of))
    first = world.as_of if since is None else to_micros(since)
    found: list[Due] = []
    for pipeline in views.pipelines():
        versions = known(log, views, pipeline, world)
        asked = [policy for policy in policies if versions and asked_for(policy, versions[-1].definition)]
        if asked:
            look = look_at(log, views, pipeline, versions[-1].version, world)
            for policy in asked:
                if policy.wanted(look):
                    since_when = activated(log, policy, pipeline, world.position)
                    moments = looked_from(policy, versions, first, since_when, given=since is not None)
                    found += policy.due(look, moments)
    return found


def must_have_begun(since: datetime | None, at: datetime) -> None:
    if since is not None and since > at:
        raise Rejected(
            f"since {since.isoformat()} is after the moment looked from ({at.isoformat()}), so nothing would be due: "
            "give an earlier one, or leave it out"
        )


def looked_from(policy: Policy, versions: Sequence[Published], first: int, known: int | None, *, given: bool) -> Since:
    """From when on the policy looks at each stage: from `first` where that is given, else from its activation."""
    if given:
        return {stage.key: first for stage in versions[-1].definition.stages}
    return by_stage(policy, versions, first if known is None else known)


def known(log: Log, views: Views, pipeline: str, world: World) -> list[Published]:
    """The versions there were then."""
    moment = recorded_at(log, world.position) or 0
    return [each for each in views.definitions.by_pipeline[pipeline] if each.recorded_at <= moment]


def look_at(log: Log, views: Views, pipeline: str, version: int, world: World) -> Look:
    """Of the present as long as nothing was written since; else the same made anew."""
    if views.position == world.position:
        look = views.look(pipeline, Lens(world.as_of, None, version, world.live))
        if look.position == world.position:
            return look
    by_then = Lens(world.as_of, recorded_at(log, world.position), version, world.live)
    return replace(views.look(pipeline, by_then), known_at=None, position=world.position)
