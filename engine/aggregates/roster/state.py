"""One rep's place in the team, folded from the stream."""

from dataclasses import dataclass, replace
from typing import assert_never
from uuid import UUID, uuid5

from engine.aggregates.roster.events import RepEnrolled, RepLeft, RepMoved, RosterEvent

_REPS = UUID("1d5b0f62-4c58-5f0e-8f55-3b7f2a0c9e21")


@dataclass(frozen=True, slots=True)
class Membership:
    team: str | None = None
    manager: UUID | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Rep:
    rep: UUID | None = None
    """person_id; None before the first enrolment"""
    membership: Membership | None = None
    """None before enrolment and after leaving"""


def rep_stream(person_id: UUID) -> UUID:
    """The roster's stream of a rep."""
    return uuid5(_REPS, person_id.hex)


def evolve(state: Rep, event: RosterEvent) -> Rep:
    match event:
        case RepEnrolled():
            return Rep(event.rep, Membership(event.team, event.manager, event.region))
        case RepMoved():
            return replace(state, membership=Membership(event.team, event.manager, event.region))
        case RepLeft():
            return replace(state, membership=None)
        case _:
            assert_never(event)
