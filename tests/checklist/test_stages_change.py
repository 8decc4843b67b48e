"""Rows about stages that change under deals that are on their way."""

from typing import Any

import pytest

from engine.aggregates.deal.commands import MoveStage, OpenDeal, SendProposal, Win
from engine.projections.board import board
from engine.projections.lens import Lens
from engine.stages.definition import Definition, parse_definition
from tests.checklist.desk import CALL, DEMO, MEETING, Desk, Sale

OFFER, WIN = SendProposal(), Win(evidence="order 7")
CALLED = {"key": "called", "kind": "open", "enter": {"touch": {"kind": "call"}}}
MET = {"key": "met", "kind": "open", "enter": {"touch": {"kind": ["meeting", "demo"]}}}
OFFERED = {"key": "offered", "kind": "open", "enter": {"event": "ProposalSent"}}


def sales(*stages: dict[str, Any]) -> Definition:
    closed = [{"key": "won", "kind": "won", "enter": {"event": "DealWon"}}]
    return parse_definition({"pipeline": "sales", "stages": [{"key": "new", "kind": "open"}, *stages, *closed]})


@pytest.fixture
def sale(desk: Desk) -> Sale:
    """A deal that went through new, called, met and was carried back to called."""
    desk.publish(sales(CALLED, MET, OFFERED))
    return desk.begin(OpenDeal(pipeline="sales")).goes(CALL, MEETING, DEMO, MoveStage(stage="called"))


def visited(desk: Desk) -> list[str]:
    look = desk.look()
    return [look.definition.key_of(stage) for stage in look.visits["stage"]]


@pytest.mark.checklist("S40")
def test_a_deal_moves_forward_and_back(sale: Sale) -> None:
    assert visited(sale.desk) == ["new", "called", "met", "called"]
    assert sale.goes(MEETING).stage == "met"
    assert visited(sale.desk) == ["new", "called", "met", "called", "met"]


@pytest.mark.checklist("S14")
@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        pytest.param((CALLED | {"key": "spoken", "replaces": ["called"]}, MET), "new spoken met spoken", id="rename"),
        pytest.param((CALLED, MET, OFFERED, OFFERED | {"key": "signed"}), "new called met called", id="add"),
        pytest.param((CALLED, OFFERED), "new called", id="remove"),
        pytest.param((MET, CALLED), "new called", id="reorder"),
        pytest.param(
            (CALLED, MET | {"enter": {"touch": {"kind": "meeting"}}}, MET | {"key": "shown"}),
            "new called shown called",
            id="split",
        ),
        pytest.param(
            ({"key": "contact", "kind": "open", "enter": {"touches": {"at_least": 1}}, "replaces": ["called", "met"]},),
            "new contact",
            id="merge",
            marks=pytest.mark.checklist("S40"),
        ),
    ],
)
def test_stages_change_and_the_whole_history_is_told_by_the_new_ones(
    stages: tuple[dict[str, Any], ...], expected: str, sale: Sale
) -> None:
    desk = sale.desk
    before = len(desk.log.stream(sale.stream))
    desk.publish(sales(*stages), reason="the team works otherwise now")
    assert visited(desk) == expected.split()
    assert len(desk.log.stream(sale.stream)) == before
    old = board(desk.views.look("sales", Lens.of(definition=1)))
    assert [card.stage for card in old.cards] == ["called"]
    assert sale.goes(OFFER, WIN).stage == "won"
