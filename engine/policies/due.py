"""What a policy wants done: a command, on which stream, and an id that is the same however often it is found."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid5

from engine.aggregates.journey.commands import AskFollowUp
from engine.messages import Command
from engine.projections.duties import Place
from engine.stages.calendar import counted_after
from engine.stages.definition import Definition, Stage
from engine.stages.work import SignalTask, Task
from engine.values import from_micros

if TYPE_CHECKING:
    from engine.projections.look import Look

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
    turn: int = 0
    """of what a policy finds due, the lower ones are done first"""


@dataclass(frozen=True, slots=True)
class Policy:
    """Looks, and says what is due; a pure function of what it is shown."""

    name: str
    says: str
    """in one line, for people"""
    due: Callable[["Look", Since], list[Due]]
    """what is due at look.as_of"""
    declared: Callable[[Definition, Stage], bool]
    """whether the definition asks for it in the stage"""
    wanted: Callable[["Look"], bool] = lambda _: True
    """whether there is anything that it could look at; it is not activated before"""
    problem: Callable[["Look"], str | None] | None = None
    """what keeps it from doing what the definition asks for, and what to do about it"""


def one_id(*parts: object) -> UUID:
    """The id that these always have."""
    return uuid5(_POLICIES, " ".join(str(part) for part in parts))


SOON = 3_600_000_000
"""what should have been done already is asked for within the hour"""


def asked(
    look: "Look",
    policy: str,
    place: Place,
    follow_up: UUID,
    task: Task | SignalTask,
    owner: UUID | None = None,
    *,
    due_at: int | None = None,
) -> Due:
    """A follow-up with an id of its own; without an owner it is for the journey's, or the team of its stage."""
    by = counted_after(look.definition.clock(task.business), place.at, task.within_days) if due_at is None else due_at
    command = AskFollowUp(
        follow_up_id=follow_up,
        kind=task.kind,
        due_at=from_micros(max(by, look.as_of + SOON)),
        owner=owner,
        note=task.note,
        seen=look.position,
    )
    return Due(policy, place.journey, place.stream, command, follow_up, place.because)
