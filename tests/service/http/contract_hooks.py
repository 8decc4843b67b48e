"""What schemathesis can't guess: names that are there, and that every command needs an Idempotency-Key of its own.

Of requests that are to be right most get such a name, the others keep what was made up. A walk begins with the
document's own example: what is made up for all fields at once breaks one rule or another, and nothing could follow.
"""

import random
from typing import Any
from uuid import UUID

import schemathesis
from schemathesis import GenerationMode

from service.routes.examples import BODIES

THERE = {
    "journey": ("C-004", "C-007", "C-011", "C-020"),
    "deal": ("C-004", "C-007", "C-031"),
    "lead": ("C-002", "C-003", "C-040"),
    "pipeline": ("office-coffee",),
    "rep": ("sample:rep-03", "sample:rep-01"),
}
LOOKED_AT = {
    "tz": ("UTC", "Europe/Madrid"),
    "since": ("2025-11-01", "2026-02-03T04:05:06Z"),
    "as_of": ("2999-01-01", "2999-10-25T02:30:00+01:00"),
    "known_at": ("2999-01-01",),
    "definition": ("now", "then", "1"),
}
"""on walks alone: elsewhere a wrong one is to be told from a right one"""
BEGINNINGS = {
    "/v1/leads": "capture_lead",
    "/v1/deals": "open_deal",
    "/v1/pipelines": "create_pipeline",
    "/v1/targets": "set_target",
}
chance = random.Random(4)


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    headers = case.headers or {}
    if "Idempotency-Key" in headers:
        headers["Idempotency-Key"] = str(UUID(int=chance.getrandbits(128)))
    if "If-Match" in headers and chance.random() < 0.7:
        headers["If-Match"] = "*"
    followed = case.meta.phase.name.value == "stateful"
    there = THERE | LOOKED_AT if followed else THERE
    for values in ({} if followed else case.path_parameters, case.query, case.body):
        if isinstance(values, dict):
            for name in values.keys() & there.keys():
                if isinstance(values[name], str) and chance.random() < 0.85:
                    values[name] = chance.choice(there[name])
    if followed and case.method == "POST" and case.path in BEGINNINGS:
        case.body = begun(BEGINNINGS[case.path])
        headers.pop("If-Match", None)


def begun(name: str) -> dict[str, Any]:
    """The example's, as something that is not there yet."""
    own = f"{chance.getrandbits(48):x}"
    body = dict(BODIES[name])
    if "record" in body:
        body["record"] = {**body["record"], "key": own}
    if name == "create_pipeline":
        body["pipeline"] = f"p-{own}"
    if name == "set_target":
        del body["rep"]
        body |= {"team": "north", "period": f"{chance.randint(1900, 2999)}-Q{chance.randint(1, 4)}"}
    return body
