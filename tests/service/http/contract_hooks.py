"""What schemathesis can't guess: names that are there, and that every command needs an Idempotency-Key of its own.

Of requests that are to be right most get such a name, the others keep what was made up.
"""

import random
from typing import Any
from uuid import UUID

import schemathesis
from schemathesis import GenerationMode

THERE = {
    "journey": ("C-004", "C-007", "C-011", "C-020"),
    "deal": ("C-004", "C-007", "C-031"),
    "lead": ("C-002", "C-003", "C-040"),
    "pipeline": ("office-coffee",),
    "rep": ("sample:rep-03", "sample:rep-01"),
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
    for values in ({} if followed else case.path_parameters, case.query, case.body):
        if isinstance(values, dict):
            for name in values.keys() & THERE.keys():
                if isinstance(values[name], str) and chance.random() < 0.85:
                    values[name] = chance.choice(THERE[name])
