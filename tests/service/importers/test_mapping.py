"""A mapping is checked whole before a file is opened; a mistake is told by its place and what would be right."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.errors import Rejected
from engine.values import TextRef
from service.importers.kinds import KINDS
from service.importers.mapping import Mapping, load_mapping
from tests.service.importers.histories import LONG, WIDE, changed, with_event


def loaded(folder: Path, mapping: dict[str, Any]) -> Mapping:
    path = folder / "mapping.yaml"
    path.write_text(yaml.safe_dump(mapping))
    return load_mapping(path)


def opening(**fields: Any) -> list[dict[str, Any]]:
    return [{"event": "DealOpened", "with": fields}]


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        (changed(LONG, sauce="x"), "sauce: is not known here"),
        (changed(LONG, source=None), "source: is missing"),
        (changed(LONG, source="My CRM"), "source: "),
        (changed(LONG, time=None), "a long file needs `time`"),
        (changed(LONG, unknown=None), "unknown: signal"),
        (changed(LONG, unknown="drop"), "unknown: "),
        (changed(LONG, dates={"other": {"format": "iso8601"}}), "time column 'when' has no format"),
        (changed(LONG, dates={"when": {"format": "%Y-%m-%d"}}), "which `zone` the times are in"),
        (changed(LONG, dates={"when": {"format": "%Y-%m-%d", "zone": "Mars/Base"}}), "'Mars/Base' is no time zone"),
        (changed(LONG, dates={"when": {"format": "iso8601", "zone": "UTC"}}), "leave `zone` out"),
        (changed(LONG, dates={"when": {"format": "%d.%m.", "zone": "UTC"}}), "does not tell year, month and day"),
        (changed(LONG, dates={"when": {"format": "soon", "zone": "UTC"}}), "does not tell year, month and day"),
        (changed(LONG, events=[]), "events: "),
        (changed(LONG, events=[{"event": "Touched", "with": {"kind": "call"}}]), "no event opens a journey"),
        (with_event(LONG, {"event": "DealClosed"}), "'DealClosed' is no event one can import: use one of "),
        (with_event(LONG, {"event": "Stalled"}), "'Stalled' is no event one can import"),
        (with_event(LONG, {"when": {"what": "x"}}), "either `event: NAME` or `skip: REASON`"),
        (with_event(LONG, {"event": "Touched"}), "Touched needs kind"),
        (with_event(LONG, {"event": "Touched", "with": {"kin": "call"}}), "Touched has no field 'kin': it has kind"),
        (with_event(LONG, {"event": "LeadQualified"}), "LeadQualified is no event of a deal"),
        (with_event(LONG, {"event": "DealLost", "of": "lead", "with": {"reason": "x"}}), "no event of a lead"),
        (changed(LONG, events=opening(value="1000")), "value of DealOpened is given as {amount"),
        (changed(LONG, events=opening(owner={"colum": "x"})), "colum: is not known here"),
        (changed(LONG, events=opening(owner={})), "exactly one of column, const"),
        (changed(LONG, events=opening(source={"column": "a", "const": "b"})), "exactly one of column, const"),
        (changed(LONG, events=opening(source={"row": "true"})), "`row` gives a text"),
        (changed(LONG, events=opening(source={"column": "a", "name": "b"})), "details of a person"),
        (changed(LONG, events=opening(expected_close={"column": "due"})), "date column 'due' .* has no format"),
        (changed(LONG, events=opening(expected_close="tomorrow")), "must come from a column listed under `dates`"),
        (with_event(LONG, {"when": {"what": {}}, "skip": "x"}), "an empty condition"),
        (changed(WIDE, events=[{"event": "DealOpened"}]), "'dealopened' has no time: add `at: COLUMN`"),
        (changed(WIDE, events=[*WIDE["events"], WIDE["events"][0]]), "two events are called 'dealopened'"),
        (changed(WIDE, time="opened"), "belong to a long file"),
        (changed(WIDE, roster={"table": "x", "rep": "r", "since": "2024-01-01T00:00:00Z"}), "not under `tables`"),
        (
            changed(
                WIDE,
                tables={"x": {"file": "f.csv", "key": "r"}},
                roster={"table": "x", "rep": "r", "since": "2024-01-01"},
            ),
            "roster.since",
        ),
        (
            changed(LONG, journeys="lead", events=[{"event": "LeadCaptured"}, {"event": "LeadConverted"}]),
            "needs `deal`",
        ),
    ],
)
def test_a_wrong_mapping_is_refused(tmp_path: Path, mapping: dict[str, Any], told: str) -> None:
    with pytest.raises(Rejected, match=told):
        loaded(tmp_path, mapping)


def test_a_word_given_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text("source: a\nsource: b\n")
    with pytest.raises(Rejected, match="'source' is given twice"):
        load_mapping(path)


def test_words_of_a_mapping_are_never_taken_for_numbers_or_truth(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    text = yaml.safe_dump(WIDE).replace("state: Won", "state: no").replace("state: Lost", "state: 007")
    path.write_text(text)
    tests = [rule.when["state"].among for rule in load_mapping(path).parts[0].rules[1:]]
    assert tests == [("no",), ("007",)]


def test_a_missing_or_huge_mapping_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="no such file"):
        load_mapping(tmp_path / "none.yaml")
    (tmp_path / "huge.yaml").write_text("a: " + "x" * 2_000_000)
    with pytest.raises(Rejected, match="larger than"):
        load_mapping(tmp_path / "huge.yaml")


def test_every_field_of_every_event_has_a_sort() -> None:
    # A new kind of reference would else be taken for a plain word, and a name might end up in an event.
    sorts = {
        "plain": {
            "kind", "direction", "dimension", "verdict", "signal", "reason", "stage", "outcome", "option", "pipeline",
            "source", "channel",
        },
        "whole": {"fit", "engagement", "score"},
        "flag": {"automated", "override"},
    }  # fmt: skip
    for sort, expected in sorts.items():
        assert {name for kind in KINDS.values() for name, slot in kind.slots.items() if slot == sort} == expected
    for kind in KINDS.values():
        for model in kind.models.values():
            references = {n for n, f in model.model_fields.items() if "TextRef" in str(f.annotation)}
            assert references == {name for name, slot in kind.slots.items() if slot == "text"}, TextRef


def test_the_examples_are_sound() -> None:
    examples = Path(__file__).parents[3] / "examples"
    found = sorted(path.parent.name for path in examples.glob("*/mapping.yaml"))
    assert {"bpic2012", "maven_crm"} <= set(found)
    for name in found:
        load_mapping(examples / name / "mapping.yaml")
