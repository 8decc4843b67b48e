"""Files with one event a row."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.errors import Rejected
from engine.log.application import Log
from engine.log.keys import find_stream
from engine.log.people import people_frame, person
from engine.log.texts import texts
from service.importers.report import ImportRefused
from tests.service.importers.histories import (
    LONG,
    ROWS,
    bring,
    changed,
    facts,
    journeys_feed,
    kinds,
    with_event,
)


def row(what: str, when: str = "2024-04-20T09:00:00+02:00", case: str = "d1", amount: str = "1000") -> str:
    return f"{case},{what},{when},ann,{amount}\n"


def test_rows_become_events_in_the_order_of_their_journey(log: Log, tmp_path: Path) -> None:
    report = bring(log, tmp_path, LONG, ROWS)
    feed = journeys_feed(log)
    first, second = find_stream(log, "d1"), find_stream(log, "shop:d2")
    assert [event.event.__class__.__name__ for event in log.stream(first)] == [
        "DealOpened", "Touched", "Touched", "ProposalSent", "SignalRecorded", "OwnerAssigned", "DealWon", "Touched"
    ]  # fmt: skip
    assert [event.event.__class__.__name__ for event in log.stream(second)] == ["DealOpened", "DealLost"]
    assert feed["origin"].unique().to_list() == ["import:shop"]
    assert report.rows == 10
    assert report.journeys == report.new_journeys == 2
    assert report.events == {
        "DealLost": 1, "DealOpened": 2, "DealWon": 1, "OwnerAssigned": 1, "ProposalSent": 1, "SignalRecorded": 1,
        "Touched": 3,
    }  # fmt: skip
    assert report.new_events == 10
    assert report.unknown_activities == {"hello": 1}
    assert [(skip.activity, skip.reason, skip.rows) for skip in report.skipped] == [("noise", "says nothing", 1)]
    assert report.rows_without_actor == 2
    assert report.published


def test_events_hold_no_name_and_no_text(log: Log, tmp_path: Path) -> None:
    bring(log, tmp_path, LONG, ROWS)
    feed = journeys_feed(log)
    for word in ("ann", "bob", "clerk", "d1", "case"):
        assert not feed["payload"].str.contains(rf"\b{word}\b").any(), word
    people = {(p["source"], p["key"]): p["role"] for p in people_frame(log).to_dicts()}
    assert people == {("login", "clerk"): "actor", ("shop", "ann"): "rep", ("shop", "bob"): "actor"}


def test_the_actor_is_who_the_row_names_else_who_imports(log: Log, tmp_path: Path) -> None:
    bring(log, tmp_path, LONG, ROWS)
    ann, clerk = person(log, "shop", "ann"), person(log, "login", "clerk")
    assert ann is not None
    assert clerk is not None
    actors = [event.envelope.actor for event in log.stream(find_stream(log, "d1"))][:3]
    assert actors == [ann.person_id, clerk.person_id, ann.person_id]


def test_the_evidence_of_a_win_is_its_row_without_the_people(log: Log, tmp_path: Path) -> None:
    bring(log, tmp_path, LONG, ROWS)
    won = next(e.event for e in log.stream(find_stream(log, "d1")) if e.event.__class__.__name__ == "DealWon")
    ref = won.evidence
    assert texts(log, [ref.text_id]) == {
        ref.text_id: "amount: 1000; case: d1; what: win; when: 2024-04-02T09:00:00+02:00"
    }


def test_unknown_activities_may_be_skipped_and_are_listed(log: Log, tmp_path: Path) -> None:
    report = bring(log, tmp_path, changed(LONG, unknown="skip"), ROWS)
    assert [(skip.activity, skip.rows) for skip in report.skipped] == [("noise", 1), ("hello", 1)]
    assert "SignalRecorded" not in report.events


def test_a_move_of_a_closed_deal_to_an_open_stage_is_a_reopening(log: Log, tmp_path: Path) -> None:
    moves = ["to offer", "to new", "win", "to offer", "to new", "lose", "to old", "to new"]
    rows = ROWS + "".join(row(what, f"2024-04-{day}T09:00:00+02:00") for day, what in enumerate(moves, 20))
    report = bring(log, tmp_path, LONG, rows)
    assert [kind for kind in kinds(log)[8:] if kind != "OwnerAssigned"][:8] == [
        "DealReopened", "StageMoved", "DealWon", "DealReopened", "StageMoved", "DealLost", "DealReopened", "StageMoved"
    ]  # fmt: skip
    assert report.reopened_by_move == 3
    assert report.unmapped_stages == {"old": 1}


def test_a_move_to_a_won_stage_is_no_win(log: Log, tmp_path: Path) -> None:
    rule = {"when": {"what": "closed"}, "event": "StageMoved", "with": {"stage": "won"}}
    with pytest.raises(ImportRefused, match="line 12, stage 'won': a move can't win"):
        bring(log, tmp_path, with_event(LONG, rule), ROWS + row("closed"))


def test_an_answer_is_to_the_last_proposal(log: Log, tmp_path: Path) -> None:
    rows = ROWS + row("offer") + row("accept", "2024-04-21T09:00:00+02:00")
    bring(log, tmp_path, LONG, rows)
    named = [json.loads(p)["proposal_id"] for p in journeys_feed(log)["payload"] if "proposal_id" in p]
    assert len(set(named)) == 2
    assert named[1] == named[2]


def test_an_answer_to_no_proposal_is_a_bad_row(log: Log, tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="no ProposalSent stands before it"):
        bring(log, tmp_path, LONG, ROWS + row("accept", case="d2"))


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        (row("call", "2024-04-20"), "line 12, when '2024-04-20': is no date as the mapping states it: iso8601"),
        (row("call", "2024-04-20T09:00:00"), "is no date as the mapping states it"),
        (row("call", "20/04/2024 09:00"), "is no date as the mapping states it"),
        (row("call", "0024-04-20T09:00:00Z"), "is no date as the mapping states it"),
        (row("call", "2124-04-20T09:00:00Z"), "lies in the future"),
        (row("call", ""), "has no date"),
        (row("call", case=""), "the journey's id is empty"),
        (row("open", case="d3", amount="-5"), "line 12, amount '-5': is negative"),
        (row("open", case="d3", amount="NaN"), "is no number"),
        (row("open", case="d3", amount='"1,000"'), "is no number"),
        (row("open", case="d3", amount="1.005"), "more decimals than the currency"),
        (row("open", case="d3", amount="9" * 30), "less than or equal to"),
        (row("call", case="d3"), "nothing opens this journey"),
        (row("open"), "opened more than once"),
        (row("to nowhere"), "line 12, what 'to nowhere': the map under `with` does not list this value"),
        (row("call", case="d\0"), "NUL"),
    ],
)
def test_a_bad_row_stops_the_import_before_anything_is_written(log: Log, tmp_path: Path, extra: str, told: str) -> None:
    with pytest.raises(ImportRefused) as refused:
        bring(log, tmp_path, LONG, ROWS + extra)
    assert told in str(refused.value)
    assert refused.value.report.bad_count >= 1
    assert log.position() == 0
    assert people_frame(log).height == 0


def test_bad_rows_may_be_left_out_and_are_listed(log: Log, tmp_path: Path) -> None:
    rows = ROWS + row("call", "yesterday") + row("open", case="d3", amount="-5") + row("call", case="d3")
    report = bring(log, tmp_path, LONG, rows, on_error="continue")
    assert [(bad.line, bad.column, bad.value) for bad in report.bad_rows] == [
        (12, "when", "yesterday"), (13, "amount", "-5"), (14, None, None)
    ]  # fmt: skip
    assert report.journeys == 2
    assert report.new_events == 10


def test_rows_of_a_journey_may_lie_apart_and_out_of_order(log: Log, tmp_path: Path) -> None:
    lines = ROWS.splitlines(keepends=True)
    bring(log, tmp_path, LONG, lines[0] + "".join(sorted(lines[1:], key=lambda line: line[::-1])))
    times = [event.occurred_at for event in log.stream(find_stream(log, "d1"))]
    assert times == sorted(times)


def test_a_log_without_an_opening_event_opens_at_its_first_row(log: Log, tmp_path: Path) -> None:
    rules = [
        {"event": "DealOpened", "each": "first"},
        {"event": "SignalRecorded", "with": {"signal": {"column": "what"}}},
    ]
    rows = "case,what,when,who\nb,y,2024-01-03T00:00:00Z,\na,x,2024-01-02T00:00:00Z,\na,w,2024-01-01T00:00:00Z,\n"
    report = bring(log, tmp_path, changed(LONG, events=rules), rows)
    assert report.events == {"DealOpened": 2, "SignalRecorded": 3}
    assert [e.event.__class__.__name__ for e in log.stream(find_stream(log, "a"))] == [
        "DealOpened", "SignalRecorded", "SignalRecorded"
    ]  # fmt: skip


def test_a_file_larger_than_memory_gives_the_same(log: Log, sqlite_url: str, tmp_path: Path) -> None:
    rows = ROWS + "".join(row("open", case=f"x{n}") + row("call", case=f"x{n}") for n in range(200))
    small = bring(log, tmp_path, LONG, rows, in_memory=100)
    other = Log(sqlite_url) if not log.url.startswith("sqlite") else None
    assert small.new_journeys == 202
    again = bring(log, tmp_path, LONG, rows)
    assert (again.new_events, again.already_known) == (0, small.new_events)
    if other is not None:
        bring(other, tmp_path, LONG, rows)
        assert facts(other) == facts(log)
        other.close()


def test_a_bad_row_in_a_file_larger_than_memory_stops_it_too(log: Log, tmp_path: Path) -> None:
    rows = ROWS + "".join(row("open", case=f"x{n}") for n in range(200)) + row("call", "late", case="x199")
    with pytest.raises(ImportRefused, match="line 212"):
        bring(log, tmp_path, LONG, rows, in_memory=50)
    assert log.position() == 0


def test_an_unknown_column_is_refused(log: Log, tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="no column 'who': it has case, what, when, amount"):
        bring(log, tmp_path, LONG, "case,what,when,amount\nd1,open,2024-03-30T09:00:00+01:00,5\n")


def test_without_a_pipeline_and_a_definition_nothing_begins(log: Log, tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="there is no pipeline 'sales'"):
        bring(log, tmp_path, changed(LONG, definition=None), ROWS)


def test_the_pipeline_in_force_is_left_as_it_is(log: Log, tmp_path: Path) -> None:
    bring(log, tmp_path, LONG, ROWS)
    report = bring(log, tmp_path, changed(LONG, definition=None), ROWS)
    assert not report.published


def test_progress_is_told_while_reading_and_while_writing(log: Log, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    bring(log, tmp_path, LONG, ROWS, progress=lambda *at: told.append(at))
    assert (10, None) in told
    assert told[-1] == (10, 10)


def test_a_ten_megabyte_cell_is_refused(log: Log, tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="larger than field limit"):
        bring(log, tmp_path, LONG, ROWS + row("x" * 10_000_000))


@pytest.mark.parametrize("numbers", [{"decimal": ",", "thousands": "."}])
def test_numbers_are_read_as_the_mapping_writes_them(log: Log, tmp_path: Path, numbers: dict[str, Any]) -> None:
    rows = 'case,what,when,who,amount\nd1,open,2024-03-30T09:00:00Z,,"1.234,50"\n'
    bring(log, tmp_path, changed(LONG, numbers=numbers), rows)
    assert log.stream(find_stream(log, "d1"))[0].event.value.amount_minor == 123450
