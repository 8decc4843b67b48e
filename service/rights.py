"""What a rep may see, change and name: the team's journeys, and the own ones. Other roles, and reps who
left the roster, are settled by auth.py.

A journey is its owner's team's; while nobody owns it, or its owner has left the roster, it is the team's that is
responsible for the stage it stands in.
"""

from datetime import UTC, datetime
from uuid import UUID

from engine.aggregates.deal.commands import MergeDeal, OpenDeal
from engine.aggregates.inputs import SourceKey, Who, spelled
from engine.aggregates.journey.commands import (
    AssignOwner,
    CancelFollowUp,
    CompleteFollowUp,
    ScheduleFollowUp,
    SnoozeFollowUp,
)
from engine.aggregates.lead.commands import CaptureLead, ConvertLead, MergeLead
from engine.entries import FollowUpScheduled
from engine.errors import Rejected
from engine.knowledge import Introductions, Knowledge, stream_called
from engine.log.application import Log
from engine.log.keys import unknown
from engine.log.people import person
from engine.messages import Command
from engine.projections.filters import Filters
from engine.projections.names import Names
from engine.projections.views import Views
from engine.streams import DEAL, LEAD, Stream, load
from service.auth import Caller
from service.http_errors import Refused
from service.membership import has_left, membership_of, must_be_a_team, team_of


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
    return identity_of(log, who) == caller.person_id


def identity_of(log: Log, who: Who) -> UUID | None:
    """None where nobody has the key. An id is taken as it is, whether there is anybody or not."""
    if isinstance(who, UUID):
        return who
    known = person(log, who.source, who.key)
    return None if known is None else known.person_id


def may_write(log: Log, caller: Caller, stream_id: UUID, named: str) -> None:
    """A rep writes to journeys of the own, and to those of the team that nobody owns, or somebody who left. Who may see
    the journey is told whose it is.
    """
    if caller.role != "rep":
        return
    owner = owner_of(log, stream_id)
    if owner == caller.person_id:
        return
    may_read(log, caller, stream_id, named)
    if owner is None or has_left(log, owner):
        return
    raise Refused("forbidden", f"{named} is another rep's: a rep writes to journeys of the own")


def is_asked(log: Log, caller: Caller, stream_id: UUID, command: Command) -> bool:
    """Whether it is about a follow-up that asks the caller to do it: of whom it is asked, may, also on another's
    journey.
    """
    if not isinstance(command, CompleteFollowUp | SnoozeFollowUp | CancelFollowUp):
        return False
    found = stream_of(log, stream_id)
    return found is not None and any(
        isinstance(entry.event, FollowUpScheduled)
        and entry.event.follow_up_id == command.follow_up_id
        and entry.event.owner == caller.person_id
        for entry in found.entries
        if not entry.retracted
    )


def may_name(log: Log, names: Names, caller: Caller, command: Command) -> None:
    """What a rep's command names besides the journey it is about: journeys the rep may read and their customers, who
    is new, reps on the roster.
    """
    if caller.role != "rep":
        return
    match command:
        case MergeLead(into=into) | MergeDeal(into=into):
            must_be_visible(log, caller, "into", into)
        case OpenDeal(follows=follows, from_lead=lead, record=record, person=customer):
            must_be_visible(log, caller, "follows", follows)
            must_be_visible(log, caller, "from_lead", lead)
            must_not_be_hidden(log, caller, record)
            must_be_the_team_s_or_new(log, names, caller, customer)
        case CaptureLead(record=record, person=customer):
            must_not_be_hidden(log, caller, record)
            must_be_the_team_s_or_new(log, names, caller, customer)
        case AssignOwner(owner=owner) | ConvertLead(owner=owner) | ScheduleFollowUp(owner=owner):
            must_be_on_the_roster(log, caller, owner)
        case _:
            pass


def must_be_visible(log: Log, caller: Caller, field: str, named: UUID | None) -> None:
    if named is None:
        return
    if not reads(log, caller, named):
        # The same where there is none: a rule says so later, to who may see everything.
        raise Rejected(f"{field}: there is no lead or deal {named}: name one that exists")


def must_not_be_hidden(log: Log, caller: Caller, record: SourceKey | None) -> None:
    """A key belongs to one journey in all; whose it is, and its id, is told to who may see it (by a rule, later)."""
    taken = None if record is None else stream_called(log, record)
    if record is not None and taken is not None and not reads(log, caller, taken):
        raise Rejected(f"record: {record.source}:{record.key} is here already, in another team: ask a manager")


def must_be_the_team_s_or_new(log: Log, names: Names, caller: Caller, customer: Who | None) -> None:
    """Named as the customer of a journey that the rep reads, somebody's name, mail and telephone are the rep's to read.

    Alike for a customer of other teams, for who is none, and for nobody.
    """
    known = None if customer is None else identity_of(log, customer)
    if customer is None or known is None or any(reads(log, caller, each) for each in names.journeys_of(known)):
        return
    raise Rejected(
        f"person: {spelled(customer)} is no customer of your team's: name somebody new by source and key; "
        "of who is here already, in another team: ask a manager"
    )


def must_be_on_the_roster(log: Log, caller: Caller, who: Who | None) -> None:
    """Handed to somebody whom no team has, or to a misspelt key, a journey would be seen by no rep any more."""
    if who is None or is_caller(log, caller, who):
        return
    identity = identity_of(log, who)
    if identity is None or membership_of(log, identity) is None:
        raise Refused(
            "forbidden", f"owner: {spelled(who)} is not on the roster: name a rep of GET /v1/reps, or ask a manager"
        )


def may_read(log: Log, caller: Caller, stream_id: UUID, named: str) -> None:
    """A rep reads the team's journeys; of others, not even whether they are there, nor their ids.

    named: as the caller named it.
    """
    if not reads(log, caller, stream_id):
        raise unknown(named)


def reads(log: Log, caller: Caller, stream_id: UUID) -> bool:
    """Whether it is a journey that the caller may read."""
    if caller.role != "rep":
        return True
    found = stream_of(log, stream_id)
    if found is None:
        return False
    owner = found.state.journey.owner
    if owner == caller.person_id:
        return True
    team = team_of(log, caller.person_id)
    theirs = responsible(log, found) if owner is None or has_left(log, owner) else team_of(log, owner)
    return team is not None and theirs == team


def narrowed(log: Log, caller: Caller, filters: Filters) -> Filters:
    """A rep's questions are about the rep's team; of a rep without one, about the own journeys."""
    if caller.role != "rep":
        return filters
    team = team_of(log, caller.person_id)
    if team is None:
        if filters.owner is not None:
            raise Refused("forbidden", "owner: you are in no team, so you see your own journeys: leave it out")
        return filters.model_copy(update={"owner": str(caller.person_id)})
    must_be_own(filters.team, team)
    return filters.model_copy(update={"team": team})


def may_ask_about(log: Log, views: Views, caller: Caller, team: str | None) -> None:
    """Whoever asks about a team by name. Rejected: there is none; of a rep, Refused: it is another's."""
    if team is None:
        return
    if caller.role == "rep":
        must_be_own(team, team_of(log, caller.person_id))
    else:
        must_be_a_team(views, team)


def must_be_own(asked: str | None, own: str | None) -> None:
    if asked not in (None, own):
        raise Refused("forbidden", f"team: a rep sees the own team, {own or 'you are in none'}: leave it out")


def owner_of(log: Log, stream_id: UUID) -> UUID | None:
    """Of the journey of a lead or deal, as of now; None where it has none, or where there is no such stream."""
    found = stream_of(log, stream_id)
    owner: UUID | None = None if found is None else found.state.journey.owner
    return owner


def stream_of(log: Log, stream_id: UUID) -> Stream | None:
    """The lead or the deal; of a lead that became a deal, the deal."""
    found = load(log, stream_id)
    if found is None or found.kind not in (LEAD, DEAL):
        return None
    if found.kind is LEAD and found.state.converted_to is not None:
        found = load(log, found.state.converted_to) or found
    return found


def responsible(log: Log, stream: Stream) -> str | None:
    """The team of the stage in which the journey stands now; a void one stands nowhere."""
    if stream.state.journey.pipeline is None or (stream.kind is DEAL and stream.state.void):
        return None
    now = datetime.now(UTC)
    standing = Knowledge(log, stream, now, now, Introductions(log)).standing
    rank = standing.definition.ranks.get(standing.stage or "")
    return None if rank is None else standing.definition.stages[rank].team
