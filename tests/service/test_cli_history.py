"""dealtrail history: the trail of one deal, as JSON and as a timeline."""

from pathlib import Path

import pytest

from service.cli import exits
from service.sample import CORRECTED, TOLD
from tests.service.commandline import run


def test_the_json_of_the_history_is_the_contract(sample_log: Path) -> None:
    answer = run("history", TOLD, "--db", sample_log, "--json").answer
    assert {"pipeline", "definition", "as_of", "known_at", "position", "n", "journey", "events"} <= answer.keys()
    keys = {"position", "event_id", "version", "type", "occurred_at", "recorded_at", "actor", "origin", "data"}
    for event in answer["events"]:
        assert keys | {"stage_after", "because", "retracted_by"} <= event.keys()
    occurred = [event["occurred_at"] for event in answer["events"]]
    assert occurred == sorted(occurred)


def test_the_sample_tells_a_life(sample_log: Path) -> None:
    events = run("history", TOLD, "--db", sample_log, "--json").answer["events"]
    kinds = [event["type"].split(".")[1] for event in events]
    for kind in ("captured", "converted", "proposal_sent", "stage_moved", "lost", "reopened", "won"):
        assert kind in kinds
    assert kinds[-1] == "satisfaction_recorded"
    assert any(event["out_of_order"] for event in events)


def test_a_timeline_says_why_the_stage_changed_and_when_an_entry_came_late(sample_log: Path) -> None:
    said = run("history", TOLD, "--db", sample_log).out
    assert "touch kind (meeting; demo; visit)" in said
    assert "moved by a person" in said
    assert "reopened by a person" in said
    assert "written 20" in said
    assert "Stages: contact" in said


def test_an_entry_that_was_taken_back_says_by_which(sample_log: Path) -> None:
    events = run("history", CORRECTED, "--db", sample_log, "--json").answer["events"]
    [wrong] = [event for event in events if event["retracted_by"]]
    [correction] = [event for event in events if event["event_id"] == wrong["retracted_by"]]
    said = run("history", CORRECTED, "--db", sample_log).out
    assert f"(taken back by #{correction['position']})" in said
    assert f"takes back #{wrong['position']}: entered on the wrong deal" in said


def test_a_deal_can_be_named_by_our_ids_too(sample_log: Path) -> None:
    answer = run("history", TOLD, "--db", sample_log, "--json").answer
    deal = answer["events"][-1]["stream_id"]
    for named in (answer["journey"], deal, f"sample:{TOLD}"):
        assert run("history", named, "--db", sample_log, "--json").answer["events"] == answer["events"]


def test_the_state_after_any_event_can_be_asked_for(sample_log: Path) -> None:
    events = run("history", TOLD, "--db", sample_log, "--json").answer["events"]
    [lost] = [event for event in events if event["type"] == "deal.lost.v1"]
    then = run("history", TOLD, "--at", str(lost["position"]), "--db", sample_log)
    assert f"After #{lost['position']}: in lost" in then.out
    by_id = run("history", TOLD, "--at", lost["event_id"], "--db", sample_log, "--json").answer
    assert by_id["state"]["stage"] == "lost"


def test_the_past_shows_less(sample_log: Path) -> None:
    events = run("history", TOLD, "--db", sample_log, "--json").answer["events"]
    early = run("history", TOLD, "--as-of", events[4]["occurred_at"], "--db", sample_log, "--json").answer
    assert early["n"] == 5


@pytest.mark.parametrize(
    ("question", "code", "words"),
    [
        (("C-999",), exits.NOT_FOUND, ("C-999",)),
        (("00000000-0000-4000-8000-000000000000",), exits.NOT_FOUND, ("00000000",)),
        ((TOLD, "--at", "1"), exits.NOT_FOUND, ("1",)),
        ((TOLD, "--as-of", "2000-01-01"), exits.NOT_FOUND, (TOLD,)),
        ((TOLD, "--as-of", "2026-01-05T09:00"), exits.USAGE, ("time zone",)),
        ((TOLD, "--tz", "Mars"), exits.USAGE, ("--tz", "Mars")),
        ((TOLD, "--definition", "7"), exits.NOT_FOUND, ("7",)),
        ((), exits.USAGE, ("ID",)),
        (("x" * 1_000_000,), exits.NOT_FOUND, ("xxx",)),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_not_there_is_told(
    question: tuple[str, ...], code: int, words: tuple[str, ...], sample_log: Path
) -> None:
    said = run("history", *question, "--db", sample_log)
    said.refused(code, *words)
    assert len(said.err) < 2_000


def test_a_difference_marks_what_is_new_and_what_it_changed(sample_log: Path) -> None:
    said = run("history", TOLD, "--diff", "2000-01-01..", "--db", sample_log).out
    assert "nothing of it at 2000-01-01" in said
    assert "lead captured" in said
    told = run("history", TOLD, "--diff", "2000-01-01..", "--db", sample_log, "--json").answer
    events = run("history", TOLD, "--db", sample_log, "--json").answer["events"]
    assert [event["position"] for event in told["events"]] == [event["position"] for event in events]
    wrong = run("history", CORRECTED, "--db", sample_log, "--json").answer
    [taken] = [event for event in wrong["events"] if event["retracted_by"]]
    before_the_correction = f"{taken['recorded_at']}.."
    asked = ("history", CORRECTED, "--diff", before_the_correction, "--clock", "recorded", "--db", sample_log)
    assert "taken back since" in run(*asked).out
    assert "Nothing differs" in run("history", TOLD, "--diff", "2099-01-01..2099-01-02", "--db", sample_log).out


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--diff", "2026-01-01"), "FROM..TO"),
        (("--diff", "..2026-01-01"), "FROM..TO"),
        (("--diff", "2026-01-01..", "--at", "3"), "--at"),
        (("--diff", "2026-01-01..", "--as-of", "2026-01-01"), "--as-of"),
        (("--diff", "soon.."), "soon"),
        (("--diff", "2026-01-01..", "--clock", "cuckoo"), "cuckoo"),
    ],
)
def test_a_difference_that_makes_no_sense_is_refused(options: tuple[str, ...], word: str, sample_log: Path) -> None:
    run("history", TOLD, "--db", sample_log, *options).refused(exits.USAGE, word)
