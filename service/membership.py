"""Who is on the roster as of now, in which team, and who has left it."""

from uuid import UUID

from engine.aggregates.roster.state import Membership
from engine.decision import rep_stream
from engine.log.application import Log
from engine.streams import load


def team_of(log: Log, person_id: UUID) -> str | None:
    membership = membership_of(log, person_id)
    return None if membership is None else membership.team


def has_left(log: Log, person_id: UUID) -> bool:
    """Whether they were on the roster and are not now."""
    found = load(log, rep_stream(person_id))
    return found is not None and found.state.rep is not None and found.state.membership is None


def membership_of(log: Log, person_id: UUID) -> Membership | None:
    """On the roster now; None for who never was, or left."""
    found = load(log, rep_stream(person_id))
    membership: Membership | None = None if found is None else found.state.membership
    return membership
