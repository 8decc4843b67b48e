"""What one may ask of the roster: who sells in which team, for whom, where."""

from engine.aggregates.inputs import Who
from engine.messages import Command
from engine.values import Label


class EnrolRep(Command):
    rep: Who
    team: Label | None = None
    manager: Who | None = None
    region: Label | None = None


class MoveRep(Command):
    """The whole new membership; what is absent is none."""

    rep: Who
    team: Label | None = None
    manager: Who | None = None
    region: Label | None = None


class RecordRepLeft(Command):
    rep: Who


RosterCommand = EnrolRep | MoveRep | RecordRepLeft
