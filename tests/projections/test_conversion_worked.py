"""Whole funnels worked out by hand: our own, and the table of golden/stages.yaml."""

from dataclasses import replace

import pytest
import yaml

from engine.projections.conversion import PARTS, conversion
from engine.stages.definition import parse_definition
from engine.stages.facts import Fact
from tests.conftest import SHARED
from tests.projections.journeys import funnel, journey, look
from tests.stages.golden import read_cases

GOLDEN = SHARED / "golden" / "stages.yaml"
WORKED = parse_definition(
    {
        "pipeline": "sales",
        "stages": [
            {"key": "contact", "kind": "open"},
            *[
                {"key": key, "kind": "open", "enter": {"signal": key}}
                for key in ("qualification", "meeting", "proposal", "negotiation")
            ],
            {"key": "won", "kind": "won", "enter": {"event": "DealWon"}},
            {"key": "lost", "kind": "lost", "enter": {"any": [{"event": "DealLost"}, {"event": "LeadDisqualified"}]}},
            {"key": "retention", "kind": "after_sale", "enter": {"event": "SatisfactionRecorded"}},
        ],
    }
)


def test_a_whole_funnel() -> None:
    told = funnel(
        journey("contact", "qualification", "meeting", "proposal", "won"),
        journey("contact", "proposal", "won"),
        journey("contact@0", "meeting@0"),
        journey("contact", "proposal", "<contact", "meeting", "negotiation"),
        journey("contact", "qualification", "<contact", "qualification"),
        journey("contact", "qualification"),
        journey("contact"),
        journey("contact", "proposal", "lost", "^proposal", "won"),
        journey("contact", "won", "retention"),
        journey("contact", "meeting", "proposal"),
        journey("contact", "disqualified"),
        journey("contact", "<meeting", "<bungee", "meeting"),
        journey("contact", "proposal", back_to="contact"),
        journey("contact", "lost", "<proposal", "proposal"),
        definition=WORKED,
    ).conversion()
    table = [(row.stage, *(getattr(row, name) for name in ("entered", *PARTS))) for row in told.stages]
    assert table == [
        # stage, entered: advanced, skipped, lost, moved_back, transferred, still_there
        ("contact", 14, 11, 0, 2, 0, 0, 1),
        ("qualification", 3, 1, 0, 0, 0, 0, 2),
        ("meeting", 5, 3, 0, 0, 0, 0, 2),
        ("proposal", 6, 4, 0, 0, 1, 0, 1),
        ("negotiation", 1, 0, 0, 0, 0, 0, 1),
        ("won", 4, 1, 0, 0, 0, 0, 3),
        ("retention", 1, 0, 0, 0, 0, 0, 1),
    ]


@pytest.mark.real_log
def test_the_worked_cases_give_the_worked_table() -> None:
    document = yaml.safe_load(GOLDEN.read_text(encoding="utf-8"))
    cases = [case for case in read_cases(document) if not case.own_definition]
    told = {number: moved_along(case.facts, number * 100) for number, case in enumerate(cases)}
    answer = conversion(look(told, cases[0].definition, as_of=2**53))
    names = ("entered", "advanced", "lost", "moved_back", "still_there")
    found = {stage.stage: {name: getattr(stage, name) for name in names} for stage in answer.stages}
    assert found == document["conversion"]
    assert answer.void == 1


def moved_along(facts: list[Fact], by: int) -> list[Fact]:
    """The facts as if recorded later in one log, where every position is given once."""
    return [
        replace(fact, position=fact.position + by, retracts=None if fact.retracts is None else fact.retracts + by)
        for fact in facts
    ]
