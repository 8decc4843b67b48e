"""Who is on the roster as of now, in which team, and who has left it."""

from uuid import UUID

from engine.aggregates.roster.state import Membership, rep_stream
from engine.errors import Rejected
from engine.log.application import Log
from engine.projections.known import listed
from engine.projections.lens import Lens
from engine.projections.views import Views
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


def must_be_a_team(views: Views, team: str) -> None:
    """A target of a misspelt team would be nobody's. Rejected with the teams that there are, or were."""
    # Told by the views: no index of the log tells which events are the roster's.
    known = views.staff(Lens.of()).membership["team"]
    if team not in known:
        raise Rejected(f"team {team!r} is not on the roster: known are {listed(known)}", field="team")
