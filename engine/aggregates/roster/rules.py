"""May it? The rules of the roster."""

from typing import assert_never
from uuid import UUID

from engine.aggregates.context import Context
from engine.aggregates.roster.commands import EnrolRep, MoveRep, RecordRepLeft, RosterCommand
from engine.aggregates.roster.events import RepEnrolled, RepLeft, RepMoved
from engine.aggregates.roster.state import Membership, Rep
from engine.errors import Rejected
from engine.messages import Event


def decide(state: Rep, command: RosterCommand, context: Context) -> list[Event]:
    match command:
        case EnrolRep():
            if state.membership is not None:
                raise Rejected("the rep is enrolled already: move the rep to change the team, manager or region")
            place = membership(command, context)
            return [
                RepEnrolled(
                    rep=context.person(command.rep, "rep"),
                    team=place.team,
                    manager=place.manager,
                    region=place.region,
                )
            ]
        case MoveRep():
            must_be_enrolled(state)
            place = membership(command, context)
            if place == state.membership:
                return []
            return [RepMoved(team=place.team, manager=place.manager, region=place.region)]
        case RecordRepLeft():
            must_be_enrolled(state)
            return [RepLeft()]
        case _:
            assert_never(command)


def membership(command: EnrolRep | MoveRep, context: Context) -> Membership:
    manager: UUID | None = None
    if command.manager is not None:
        manager = context.person(command.manager, "rep")
        if manager == context.person(command.rep, "rep"):
            raise Rejected("a rep is not their own manager: name another person, or none")
    return Membership(command.team, manager, command.region)


def must_be_enrolled(state: Rep) -> None:
    if state.membership is None:
        raise Rejected("the rep is not enrolled: enrol the rep first")
