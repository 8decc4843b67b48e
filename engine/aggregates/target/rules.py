"""May it? The rules of targets."""

from typing import assert_never

from engine.aggregates.context import Context
from engine.aggregates.inputs import spelled
from engine.aggregates.target.commands import ReviseTarget, SetTarget, TargetCommand, WithdrawTarget
from engine.aggregates.target.events import TargetRevised, TargetSet, TargetWithdrawn
from engine.aggregates.target.state import Target
from engine.errors import Rejected
from engine.messages import Event


def decide(state: Target, command: TargetCommand, context: Context) -> list[Event]:
    match command:
        case SetTarget():
            return [newly_set(state, command, context)]
        case ReviseTarget():
            must_stand(state)
            must_name_one(command)
            must_be_in_its_measure(state, command)
            if Target(command.value, command.wins) == state:
                return []
            return [TargetRevised(value=command.value, wins=command.wins, reason=command.reason)]
        case WithdrawTarget():
            must_stand(state)
            return [TargetWithdrawn(reason=command.reason)]
        case _:
            assert_never(command)


def newly_set(state: Target, command: SetTarget, context: Context) -> TargetSet:
    if (command.rep is None) == (command.team is None):
        raise Rejected("rep, team: a target is a rep's or a team's: name one of them")
    must_name_one(command)
    context.definition(command.pipeline)
    rep = None if command.rep is None else context.person(command.rep, "rep")
    if command.rep is not None and rep is not None and not context.enrolled(rep):
        raise Rejected(f"rep: {spelled(command.rep)} is not on the roster: enrol the rep first")
    if state.stands:
        raise Rejected(
            f"period: there is a target of {state.told} for {command.period} already: revise it, or withdraw it first"
        )
    return TargetSet(
        rep=rep,
        team=command.team,
        period=command.period,
        pipeline=command.pipeline,
        attribute=command.attribute,
        value=command.value,
        wins=command.wins,
        reason=command.reason,
    )


def must_name_one(command: SetTarget | ReviseTarget) -> None:
    if (command.value is None) == (command.wins is None):
        raise Rejected("value, wins: a target is an amount or a number of wins: give one of them")


def must_be_in_its_measure(state: Target, command: ReviseTarget) -> None:
    measures = [None if each.value is None else each.value.currency for each in (state, command)]
    if measures[0] != measures[1]:
        was, given = (measure or "wins" for measure in measures)
        raise Rejected(f"the target is in {was}, given is {given}: withdraw it, and set one in {given}")


def must_stand(state: Target) -> None:
    if not state.stands:
        raise Rejected("the target is withdrawn: set it again")
