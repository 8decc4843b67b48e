"""From when on a policy looks: from its first run. Else a first start on an old log would raise ten thousand alerts.

The moment is kept as the answer of a command that changes nothing else, so that of any number of processes that start
at once the first decides it for all. A stage that gets its first rule later is looked at from then on.
"""

from collections.abc import Sequence

from engine.errors import Conflict
from engine.log.application import Log
from engine.log.writes import CommandRecord
from engine.policies.due import Policy, Since, one_id
from engine.projections.definitions import Published

_SAME = "0" * 64
"""the fingerprint of all activations: who comes second asks for the same"""


def activated(log: Log, policy: Policy, pipeline: str) -> int | None:
    """When the policy was first run here (microseconds); None: not yet."""
    record = log.command(one_id("activate", policy.name, pipeline))
    return None if record is None else int(record.result["since"])


def activate(log: Log, policy: Policy, pipeline: str, since: int) -> int:
    """The moment that counts: the one given, or that of who was first."""
    known = activated(log, policy, pipeline)
    if known is not None:
        return known
    try:
        log.append([], command=CommandRecord(one_id("activate", policy.name, pipeline), _SAME, {"since": since}))
    except Conflict:
        known = activated(log, policy, pipeline)
        if known is None:
            raise
        return known
    return since


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
