"""One rep's place in the team, folded from the stream."""

from dataclasses import dataclass, replace
from typing import assert_never
from uuid import UUID

from engine.aggregates.roster.events import RepEnrolled, RepLeft, RepMoved, RosterEvent


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
