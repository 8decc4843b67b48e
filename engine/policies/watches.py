"""Which policies watch over which pipelines: where the definition in force asks for them, and since when they look."""

from dataclasses import dataclass
from datetime import datetime

from engine.log.application import Log
from engine.policies.every import POLICIES
from engine.policies.run import lens
from engine.projections.views import Views
from engine.streams import load_pipeline


@dataclass(frozen=True, slots=True)
class Watch:
    """One policy over one pipeline."""

    pipeline: str
    policy: str
    says: str
    """what it does, in one line"""
    stages: tuple[str, ...]
    """where the definition asks for it; none: nowhere"""
    since: datetime | None
    """what was due before is left alone; None: it was never run here"""
    problem: str | None
    """what keeps it from doing what the definition asks for"""


def watches(log: Log, views: Views) -> list[Watch]:
    """All policies of all pipelines, in the order they are run."""
    views.catch_up()
    found = []
    for pipeline in views.pipelines():
        definition = views.definitions.by_pipeline[pipeline][-1].definition
        since = load_pipeline(log, pipeline).activations
        for policy in POLICIES:
            stages = tuple(stage.key for stage in definition.stages if policy.declared(definition, stage))
            # Only who may have one pays for the look.
            has = policy.problem if stages else None
            problem = None if has is None else has(views.look(pipeline, lens(None)))
            found.append(Watch(pipeline, policy.name, policy.says, stages, since.get(policy.name), problem))
    return found
