"""What a rep may see and change: the team's journeys, and the own ones. All other roles are settled by auth.py."""

from uuid import UUID

from engine.aggregates.deal.commands import OpenDeal
from engine.aggregates.inputs import PersonRef, Who
from engine.aggregates.lead.commands import CaptureLead
from engine.decision import rep_stream
from engine.log.application import Log
from engine.log.keys import unknown
from engine.log.people import person
from engine.messages import Command
from engine.projections.filters import Filters
from engine.streams import DEAL, LEAD, load
from service.auth import Caller
from service.http_errors import Refused


def opening_of(log: Log, caller: Caller, command: Command) -> Command:
    """What a rep opens is the rep's own: the owner is filled in, and may be nobody else."""
    if caller.role != "rep" or not isinstance(command, CaptureLead | OpenDeal):
        return command
    if command.owner is None:
        return command.model_copy(update={"owner": caller.person_id})
    if not is_caller(log, caller, command.owner):
        raise Refused("forbidden", "owner: a rep opens journeys of the own; leave the owner out, or ask a manager")
    return command


def is_caller(log: Log, caller: Caller, who: Who) -> bool:
    if isinstance(who, PersonRef):
        known = person(log, who.source, who.key)
        return known is not None and known.person_id == caller.person_id
    return who == caller.person_id


def may_write(log: Log, caller: Caller, stream_id: UUID, named: str) -> None:
    """A rep writes to journeys of the own alone. Who may see the journey is told whose it is."""
    if caller.role != "rep":
        return
    if owner_of(log, stream_id) == caller.person_id:
        return
    may_read(log, caller, stream_id, named)
    raise Refused("forbidden", f"{named} is another rep's: a rep writes to journeys of the own")


def may_read(log: Log, caller: Caller, stream_id: UUID, named: str) -> None:
    """A rep reads the team's journeys; of others, not even whether they are there, nor their ids.

    named: as the caller named it.
    """
    if caller.role != "rep":
        return
    owner = owner_of(log, stream_id)
    team = team_of(log, caller.person_id)
    if owner is not None and (owner == caller.person_id or (team is not None and team_of(log, owner) == team)):
        return
    raise unknown(named)


def narrowed(log: Log, caller: Caller, filters: Filters) -> Filters:
    """A rep's questions are about the rep's team; of a rep without one, about the own journeys."""
    if caller.role != "rep":
        return filters
    team = team_of(log, caller.person_id)
    if team is None:
        if filters.owner is not None:
            raise Refused("forbidden", "owner: you are in no team, so you see your own journeys: leave it out")
        return filters.model_copy(update={"owner": str(caller.person_id)})
    if filters.team not in (None, team):
        raise Refused("forbidden", f"team: a rep sees the own team, {team}: leave it out")
    return filters.model_copy(update={"team": team})


def owner_of(log: Log, stream_id: UUID) -> UUID | None:
    """Of the journey of a lead or deal, as of now; None where it has none, or where there is no such stream."""
    found = load(log, stream_id)
    if found is None or found.kind not in (LEAD, DEAL):
        return None
    if found.kind is LEAD and found.state.converted_to is not None:
        found = load(log, found.state.converted_to) or found
    owner: UUID | None = found.state.journey.owner
    return owner


def team_of(log: Log, person_id: UUID) -> str | None:
    found = load(log, rep_stream(person_id))
    membership = found.state.membership if found is not None else None
    team: str | None = membership.team if membership is not None else None
    return team
