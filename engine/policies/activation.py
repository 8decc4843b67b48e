"""From when on a policy looks: from its first run. Else a first start on an old log would raise ten thousand alerts.

The moment is an event of the pipeline, so that a log that is copied, or read again from its first event, says the same.
A stage that gets its first rule later is looked at from then on.
"""

from collections.abc import Sequence

from engine.log.application import Log
from engine.policies.due import Policy, Since
from engine.projections.definitions import Published
from engine.stages.definition import Definition
from engine.streams import load_pipeline
from engine.values import to_micros


def activated(log: Log, policy: Policy, pipeline: str, position: int | None = None) -> int | None:
    """Since when the policy looks at the pipeline (microseconds); None: it was never run there. position: as the log
    was up to there.
    """
    since = load_pipeline(log, pipeline, position).activations.get(policy.name)
    return None if since is None else to_micros(since)


def asked_for(policy: Policy, definition: Definition) -> bool:
    """Whether any stage declares it: a policy that nobody asked for is not activated."""
    return any(policy.declared(definition, stage) for stage in definition.stages)


def by_stage(policy: Policy, versions: Sequence[Published], since: int) -> Since:
    """Of each stage of the newest version: since then, or since it has been declaring the policy."""
    newest = versions[-1].definition
    moments = {}
    for stage in newest.stages:
        declared = since
        for version in reversed(versions[1:]):
            before = [known for known in version.definition.stages if known.key == stage.key]
            if not any(policy.declared(version.definition, known) for known in before):
                break
            earlier = versions[versions.index(version) - 1].definition
            if not any(policy.declared(earlier, known) for known in earlier.stages if known.key == stage.key):
                declared = max(since, version.occurred_at)
                break
        moments[stage.key] = declared
    return moments
