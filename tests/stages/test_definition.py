"""What a definition may not say, and that the refusal tells what would be right."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.errors import Rejected
from engine.stages.criteria import AmountAtLeast
from engine.stages.definition import load_definition, parse_definition

OPEN = {"key": "contact", "kind": "open"}
WON = {"key": "won", "kind": "won", "enter": {"event": "DealWon"}}
LOST = {"key": "lost", "kind": "lost", "enter": {"event": "DealLost"}}
AFTER = {"key": "after", "kind": "after_sale"}


def refused(match: str, *stages: Any, **more: Any) -> None:
    with pytest.raises(Rejected, match=match):
        parse_definition({"pipeline": "sales", "stages": list(stages)} | more)


def entered_by(criterion: Any) -> dict[str, Any]:
    return {"key": "next", "kind": "open", "enter": criterion}


def test_a_definition_needs_a_stage() -> None:
    refused("stages: give at least 1")


def test_the_first_stage_is_open() -> None:
    refused("first stage, 'won', must be of kind open", WON)


def test_open_stages_come_first_then_won_and_lost_then_after_sale() -> None:
    refused("list the open stages first", OPEN, WON, {"key": "more", "kind": "open"})
    refused("list the open stages first", OPEN, AFTER, WON)
    parse_definition({"pipeline": "sales", "stages": [OPEN, LOST, WON, AFTER]})


def test_a_key_is_used_once() -> None:
    refused("'contact' is used twice", OPEN, OPEN)


def test_unmapped_is_no_stage() -> None:
    refused("'unmapped' is what journeys of unknown stages are called", OPEN, {"key": "unmapped", "kind": "open"})


def test_transferred_is_no_stage() -> None:
    refused("'transferred' is what journeys that left", OPEN, {"key": "transferred", "kind": "open"})


def test_a_threshold_between_two_minor_units_is_reached_by_the_upper_one() -> None:
    assert AmountAtLeast(at_least=Decimal("20.005")).minor("EUR") == 2001
    assert AmountAtLeast(at_least=Decimal("20.01")).minor("EUR") == 2001
    assert AmountAtLeast(at_least=Decimal("20.5")).minor("JPY") == 21


def test_an_unknown_field_is_refused() -> None:
    refused(r"stages\.0 \(contact\)\.colour: is not known here", OPEN | {"colour": "red"})
    refused("owner: is not known here", OPEN, owner="me")


def test_the_criteria_hold_so_many_conditions() -> None:
    # Each is a pass over all events. A signal's list is one.
    wide = {"any": [{"signal": [f"s{number}", "t"]} for number in range(500)]}
    stages = [{"key": "a", "kind": "open"}, {"key": "b", "kind": "open", "enter": wide}]
    assert parse_definition({"pipeline": "p", "stages": stages}).stages[1].enter is not None
    stages[0]["gate"] = {"happened": "Touched"}
    with pytest.raises(Rejected, match="501 conditions: give at most 500"):
        parse_definition({"pipeline": "p", "stages": stages})


@pytest.mark.parametrize(
    ("criterion", "match"),
    [
        ({"telepathy": {"at_least": 1}}, r"enter\.telepathy: is not known here"),
        ({"any": []}, "give at least 1"),
        ({"all": []}, "give at least 1"),
        ({}, "exactly one thing"),
        ({"event": "DealWon", "happened": "DealWon"}, "exactly one thing"),
        ({"not": {"event": "DealWon"}}, "not DealWon would be looked at only when DealWon happens"),
        ({"event": "DealWonn"}, "'DealWonn' is no event: use one of LeadCaptured"),
        ({"touch": {"kind": ["telegram"]}}, "telegram"),
        ({"touch": {"kind": []}}, "give at least 1"),
        ({"bant": {"dimension": "mood", "verdict": "confirmed"}}, "'budget', 'authority', 'need' or 'timeline'"),
        ({"bant_confirmed": {"at_least": 5}}, "less than or equal to 4"),
        ({"touches": {"at_least": 0}}, "greater than or equal to 1"),
        ({"amount": {"at_least": -5}}, "greater than or equal to 0"),
        ({"amount": {"at_least": "NaN"}}, "finite number"),
        ({"amount": {"at_least": 5, "currency": "EURO"}}, "no currency of ISO 4217"),
        ("DealWon", "fields with their names"),
    ],
)
def test_a_wrong_criterion_is_refused_with_its_place(criterion: Any, match: str) -> None:
    refused(match, OPEN, entered_by(criterion))


def test_what_is_wrong_is_told_once_and_with_the_stage_that_it_is_in() -> None:
    stages = [OPEN, {"key": "next", "kind": "opne"}, {"key": True, "kind": "won"}]
    with pytest.raises(Rejected) as refusal:
        parse_definition({"pipeline": "sales", "stages": stages}, "sales.yaml")
    assert str(refusal.value) == (
        "sales.yaml: stages.1 (next).kind: write 'open', 'won', 'lost' or 'after_sale' (given: 'opne'); "
        "stages.2.key: write a text, in quotes (given: True, as YAML reads yes and on)"
    )


def test_a_key_that_is_none_is_told_what_keys_are_made_of() -> None:
    refused(r"stages\.0 \(Not A Key\)\.key: write 1 to 64 of a-z, 0-9", {"key": "Not A Key", "kind": "open"})


def test_a_replaced_key_is_not_live() -> None:
    refused(
        "replaces 'contact', which is a live stage", OPEN, entered_by({"event": "DealWon"}) | {"replaces": ["contact"]}
    )


def test_replaces_do_not_circle() -> None:
    one = {"key": "one", "kind": "open", "replaces": ["two"]}
    two = {"key": "two", "kind": "open", "replaces": ["one"]}
    refused("do not chain or circle", one, two)
    refused("do not chain or circle", one | {"replaces": ["one"]})


def test_an_old_key_has_one_heir() -> None:
    refused(
        "'old' is replaced twice",
        OPEN | {"replaces": ["old"]},
        {"key": "next", "kind": "open", "replaces": ["old"]},
    )


def test_qualified_from_is_an_open_stage() -> None:
    refused("qualified_from 'won' is none of the open stages", OPEN, WON, qualified_from="won")


def test_a_definition_survives_its_own_json() -> None:
    definition = parse_definition(
        {
            "pipeline": "sales",
            "name": {"ca": "Vendes", "en": "Sales"},
            "stages": [
                OPEN | {"name": "Contact", "stall": {"idle_days": 14}},
                entered_by({"not": {"happened": "ProposalSent"}}),
                entered_by({"any": [{"touch": {"kind": "call"}}, {"signal": "trial"}]}) | {"key": "third"},
                WON,
            ],
        }
    )
    assert parse_definition(definition.model_dump(mode="json", exclude_none=True)) == definition
    assert type(definition).model_validate_json(definition.model_dump_json()) == definition


def test_a_file_that_is_no_yaml_is_refused_by_name(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("stages: [")
    with pytest.raises(Rejected, match=r"broken\.yaml is not YAML"):
        load_definition(broken)
    with pytest.raises(Rejected, match="there is no such file"):
        load_definition(tmp_path / "missing.yaml")


@pytest.mark.parametrize(
    ("written", "match"),
    [
        ("pipeline: one\npipeline: two\nstages: []", "'pipeline' is given twice"),
        ("pipeline: one\nstages: [{key: a, kind: open, kind: won}]", "'kind' is given twice"),
        ("a: &a [x]\nb: [*a, *a]", "aliases are refused"),
        ("stages: " + "[" * 60 + "]" * 60, "nested deeper than 40"),
        ("pipeline: " + "x" * 1_100_000, "larger than 1,000,000 bytes"),
    ],
)
def test_a_file_that_would_be_misread_is_refused(tmp_path: Path, written: str, match: str) -> None:
    file = tmp_path / "stages.yaml"
    file.write_text(written)
    with pytest.raises(Rejected, match=match):
        load_definition(file)


def test_what_stands_for_no_stage_replaces_nothing() -> None:
    refused("replaces 'unmapped', which is no stage", OPEN | {"replaces": ["unmapped"]})
