import pytest

from engine.aggregates.inputs import PersonRef
from engine.aggregates.roster.commands import EnrolRep, MoveRep, RecordRepLeft
from engine.aggregates.roster.events import RepEnrolled, RepLeft, RepMoved
from engine.aggregates.roster.rules import decide
from engine.aggregates.roster.state import Rep, evolve
from tests.given_when_then import Aggregate, person

roster = Aggregate(decide, evolve, Rep())

REP = PersonRef(source="crm", key="r1")
MANAGER = PersonRef(source="crm", key="m1")
ENROLLED = RepEnrolled(rep=person("r1"), team="north", manager=person("m1"), region="Nordics")


def test_a_rep_is_enrolled_once() -> None:
    enrol = EnrolRep(rep=REP, team="north", manager=MANAGER, region="Nordics")
    roster.given().when(enrol).then(ENROLLED)
    roster.given(ENROLLED).when(enrol).rejected("already", "move the rep")


def test_a_rep_moves_to_another_place() -> None:
    roster.given(ENROLLED).when(MoveRep(rep=REP, team="south")).then(RepMoved(team="south"))


def test_a_move_to_the_same_place_is_no_news() -> None:
    roster.given(ENROLLED).when(MoveRep(rep=REP, team="north", manager=MANAGER, region="Nordics")).nothing()


def test_a_rep_leaves_and_may_come_back() -> None:
    roster.given(ENROLLED).when(RecordRepLeft(rep=REP)).then(RepLeft())
    roster.given(ENROLLED, RepLeft()).when(EnrolRep(rep=REP, team="south")).then(
        RepEnrolled(rep=person("r1"), team="south")
    )


@pytest.mark.parametrize("command", [MoveRep(rep=REP, team="south"), RecordRepLeft(rep=REP)])
def test_only_an_enrolled_rep_moves_or_leaves(command: MoveRep | RecordRepLeft) -> None:
    roster.given().when(command).rejected("not enrolled", "enrol")
    roster.given(ENROLLED, RepLeft()).when(command).rejected("not enrolled", "enrol")


def test_a_rep_is_not_their_own_manager() -> None:
    roster.given().when(EnrolRep(rep=REP, manager=REP)).rejected("own manager")
    roster.given(ENROLLED).when(MoveRep(rep=REP, manager=REP)).rejected("own manager")
