"""What a policy wants done: a command, on which stream, and an id that is the same however often it is found."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid5

from engine.messages import Command
from engine.stages.definition import Stage

if TYPE_CHECKING:
    from engine.projections.views import Look

_POLICIES: Final = UUID("6f0f4f1e-3c0a-5d0e-9a54-0d2f6d0f7b11")

Since = Mapping[str, int]
"""From when on a policy looks, in microseconds by stage key: what was due before is left alone."""


@dataclass(frozen=True, slots=True)
class Due:
    policy: str
    journey: UUID
    on: UUID
    """the lead or deal that takes new entries"""
    command: Command
    command_id: UUID
    """the same in every process and at every look: deciding it twice does it once"""
    started_by: UUID
    """event_id of what made it due"""


@dataclass(frozen=True, slots=True)
class Policy:
    """Looks, and says what is due; a pure function of what it is shown."""

    name: str
    says: str
    """in one line, for people"""
    due: Callable[["Look", Since], list[Due]]
    """what is due at look.as_of"""
    declared: Callable[[Stage], bool]
    """whether a stage's definition asks for it"""


def one_id(*parts: object) -> UUID:
    """The id that these always have."""
    return uuid5(_POLICIES, " ".join(str(part) for part in parts))
