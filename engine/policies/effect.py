"""What the policies would do at once if a definition were in force: for a preview. Nothing is done."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from engine.policies.activation import activated, by_stage
from engine.policies.due import Due
from engine.policies.every import POLICIES
from engine.policies.withdraw_pointless import WITHDRAW_POINTLESS
from engine.projections.definitions import Published
from engine.projections.look import Look
from engine.projections.views import Views


@dataclass(frozen=True, slots=True)
class Effect:
    policy: str
    stages: tuple[str, ...]
    """where the definition asks for it"""
    due: tuple[Due, ...]


def effects(views: Views, look: Look) -> Iterator[Effect]:
    """Of each policy that a definition can ask for, by the look's: as if it were published at look.as_of where it is
    not published yet.

    A policy that never ran looks from then on, as one that runs first does.
    """
    published = views.definitions.by_pipeline.get(look.pipeline, [])
    versions = [each for each in published if look.version <= 0 or each.version <= look.version]
    if look.version <= 0:
        newest = versions[-1].version if versions else 0
        versions.append(Published(newest + 1, look.definition, look.as_of, look.as_of))
        look = replace(look, version=versions[-1].version)
    for policy in POLICIES:
        if policy is WITHDRAW_POINTLESS:
            # It is everywhere, whatever the definition says, and costs a look at every entry.
            continue
        stages = tuple(stage.key for stage in look.definition.stages if policy.declared(look.definition, stage))
        since = activated(views.log, policy, look.pipeline)
        moments = by_stage(policy, versions, look.as_of if since is None else since)
        yield Effect(policy.name, stages, tuple(policy.due(look, moments) if stages and policy.wanted(look) else ()))
