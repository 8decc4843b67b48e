"""Of which events a webhook is told: by type, by pipeline, by where they came from."""

import re
from difflib import get_close_matches
from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from engine.log.registry import TAGS
from engine.values import Key, Value

IMPORTS = "import:"
_VERSION = re.compile(r"\.v[0-9]+$")

Pattern = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_.:-]+\*?$")]


class Wanted(Value):
    """What is not asked for is not sent; nothing named means all of it."""

    types: Annotated[tuple[Pattern, ...], Field(max_length=60)] = ()
    """deal.won (any version of it), deal.won.v1, or deal.*; none: every type"""
    pipelines: Annotated[tuple[Key, ...], Field(max_length=60)] = ()
    """of the journeys at that event; what is of no pipeline (the roster) is left out then; none: all"""
    origins: Annotated[tuple[Pattern, ...], Field(max_length=60)] = ()
    """api, cli, policy:raise_stalled, policy:*; none: all but imports, which tell of what is long past"""

    @field_validator("types")
    @classmethod
    def speaks_of_types_that_are_there(cls, types: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in types:
            if not any(is_of(tag, pattern) for tag in TAGS):
                raise ValueError(f"no event is of type {pattern!r}{instead(pattern)}; deal.* stands for all of a deal")
        return types

    def tags(self) -> list[str]:
        """The type tags that are wanted."""
        return [tag for tag in TAGS if not self.types or any(is_of(tag, pattern) for pattern in self.types)]

    def from_there(self, origin: str) -> bool:
        """Whether what came from there is wanted."""
        if not self.origins:
            return not origin.startswith(IMPORTS)
        return any(is_of(origin, pattern) for pattern in self.origins)


def instead(pattern: str) -> str:
    """The types that look like it; all of them where none does."""
    known = sorted({_VERSION.sub("", tag) for tag in TAGS})
    near = get_close_matches(_VERSION.sub("", pattern.removesuffix("*").lower()), known, 3, 0.7)
    return f": did you mean {' or '.join(near)}?" if near else f"; there are {', '.join(known)}"


def is_of(name: str, pattern: str) -> bool:
    if pattern.endswith("*"):
        return name.startswith(pattern[:-1])
    return pattern in (name, _VERSION.sub("", name))
