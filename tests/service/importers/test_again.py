"""Imported again: the same file adds nothing, a grown one what is new, a changed fact is told or corrected."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from engine.aggregates.inputs import PersonRef
from engine.aggregates.journey.commands import RetractEntry
from engine.handle import handle
from engine.log import tables
from engine.log.application import Log
from engine.log.keys import find_stream
from engine.log.people import people_frame
from tests.service.importers.histories import LONG, ROWS, WIDE, WIDE_ROWS, bring, facts, journeys_feed, kinds

HISTORIES = [(LONG, ROWS), (WIDE, WIDE_ROWS)]


@pytest.mark.parametrize(("mapping", "rows"), HISTORIES)
def test_the_same_file_again_adds_nothing(log: Log, tmp_path: Path, mapping: dict[str, Any], rows: str) -> None:
    first = bring(log, tmp_path, mapping, rows)
    before, people = journeys_feed(log), people_frame(log)
    again = bring(log, tmp_path, mapping, rows, corrections=True)
    assert (again.new_events, again.already_known, again.changed_count) == (0, first.new_events, 0)
    assert journeys_feed(log).equals(before)
    assert people_frame(log).equals(people)


@pytest.mark.parametrize(("mapping", "rows"), HISTORIES)
@pytest.mark.parametrize("kept", [2, 3, 4])
def test_a_grown_file_comes_to_what_the_whole_one_does(
    log: Log, sqlite_template: Path, tmp_path: Path, mapping: dict[str, Any], rows: str, kept: int
) -> None:
    part = "".join(rows.splitlines(keepends=True)[:kept])
    bring(log, tmp_path, mapping, part)
    report = bring(log, tmp_path, mapping, rows)
    assert report.changed_count == 0
    whole = tmp_path / "whole.db"
    whole.write_bytes(sqlite_template.read_bytes())
    other = Log(f"sqlite:///{whole}")
    bring(other, tmp_path, mapping, rows)
    assert facts(log) == facts(other)
    other.close()


def test_the_same_history_in_another_form_is_the_same(log: Log, tmp_path: Path) -> None:
    bring(log, tmp_path, LONG, ROWS)
    report = bring(log, tmp_path, LONG, ROWS.replace("+01:00", "+0100"), "history.csv.gz")
    assert (report.new_events, report.changed_count) == (0, 0)


def test_a_changed_fact_is_listed_and_nothing_else_done(log: Log, tmp_path: Path) -> None:
    bring(log, tmp_path, LONG, ROWS)
    before = log.position()
    report = bring(log, tmp_path, LONG, ROWS.replace("ann,1000", "ann,1200"))
    assert [(fact.line, fact.key, fact.event, fact.changed, fact.corrected) for fact in report.changed] == [
        (2, "d1", "DealOpened", ["value"], False), (9, "d1", "DealWon", ["evidence"], False)
    ]  # fmt: skip
    assert log.position() == before


def test_a_changed_fact_is_retracted_and_told_anew_when_asked(log: Log, tmp_path: Path) -> None:
    bring(log, tmp_path, WIDE, WIDE_ROWS)
    stream = find_stream(log, "o1")
    old = log.stream(stream)[1]
    moved = WIDE_ROWS.replace("15/02/2024,100", "17/02/2024,90")
    report = bring(log, tmp_path, WIDE, moved, corrections=True)
    assert [(fact.changed, fact.corrected) for fact in report.changed] == [(["occurred_at", "evidence", "value"], True)]
    assert report.new_events == 2
    retraction, new = log.stream(stream)[2:]
    assert retraction.event.event_id == old.event_id
    assert new.event.value.amount_minor == 9000
    again = bring(log, tmp_path, WIDE, moved, corrections=True)
    assert (again.new_events, again.changed_count) == (0, 0)


def test_a_fact_may_change_several_times_and_back(log: Log, tmp_path: Path) -> None:
    for amount in ("100", "90", "80", "100"):
        rows = WIDE_ROWS.replace(",100\n", f",{amount}\n")
        bring(log, tmp_path, WIDE, rows, corrections=True)
        assert bring(log, tmp_path, WIDE, rows, corrections=True).new_events == 0
    values = [e.event.value.amount_minor for e in log.stream(find_stream(log, "o1")) if e.event.TOPIC == "deal.won.v1"]
    assert values == [10000, 9000, 8000, 10000]
    assert len({event_id for _, _, event_id, *_ in facts(log)}) == len(facts(log))


def test_a_corrected_proposal_stays_the_same_proposal(log: Log, tmp_path: Path) -> None:
    offer = {"when": {"what": "offer"}, "event": "ProposalSent"}
    priced = offer | {
        "with": {"options": [{"name": "only", "price": {"amount": {"column": "amount"}, "currency": "EUR"}}]}
    }
    mapping = LONG | {"events": [priced if rule == offer else rule for rule in LONG["events"]]}
    bring(log, tmp_path, mapping, ROWS)
    cheaper = ROWS.replace("04-01T09:00:00+02:00,ann,1000", "04-01T09:00:00+02:00,ann,900")
    bring(log, tmp_path, mapping, cheaper, corrections=True)
    assert bring(log, tmp_path, mapping, cheaper, corrections=True).changed_count == 0
    named = [json.loads(p)["proposal_id"] for p in journeys_feed(log)["payload"] if "proposal_id" in p]
    assert len(named) == 2
    assert len(set(named)) == 1


def test_what_a_person_took_back_by_hand_is_not_brought_again(log: Log, tmp_path: Path) -> None:
    bring(log, tmp_path, WIDE, WIDE_ROWS)
    other = WIDE_ROWS.replace(",100\n", ",90\n")
    bring(log, tmp_path, WIDE, other, corrections=True)
    before = log.position()
    # The newest revision is retracted, as a person would.
    stream = find_stream(log, "o1")
    newest = log.stream(stream)[-1]
    command = RetractEntry(event_id=newest.event_id, reason="never happened")
    handle(log, command, on=stream, actor=PersonRef(source="login", key="boss"), origin="cli")
    report = bring(log, tmp_path, WIDE, WIDE_ROWS, corrections=True)
    assert (report.new_events, report.changed_count) == (0, 0)
    assert log.position() == before + 1


def test_erased_people_and_texts_are_neither_changed_facts_nor_brought_back(log: Log, tmp_path: Path) -> None:
    bring(log, tmp_path, WIDE, WIDE_ROWS)
    with log.engine.begin() as connection:
        connection.execute(delete(tables.people).where(tables.people.c.key == "ann"))
        connection.execute(delete(tables.texts))
    report = bring(log, tmp_path, WIDE, WIDE_ROWS, corrections=True)
    assert (report.new_events, report.changed_count) == (0, 0)
    assert "ann" not in people_frame(log)["key"]


def test_a_mapping_put_right_corrects_what_it_told(log: Log, tmp_path: Path) -> None:
    bring(log, tmp_path, LONG, ROWS)
    rules = [rule | {"with": {"kind": "email"}} if rule.get("event") == "Touched" else rule for rule in LONG["events"]]
    report = bring(log, tmp_path, LONG | {"events": rules}, ROWS, corrections=True)
    assert report.changed_count == 3
    assert kinds(log)[10:] == ["EntryRetracted"] * 3 + ["Touched"] * 3


def test_an_importer_is_one_person_in_all_their_imports(log: Log, tmp_path: Path) -> None:
    bring(log, tmp_path, LONG, ROWS, actor="boss")
    bring(log, tmp_path, WIDE, WIDE_ROWS, actor="boss")
    assert people_frame(log)["key"].to_list().count("boss") == 1


def test_a_file_that_tells_only_what_is_new_goes_on_from_the_log(log: Log, tmp_path: Path) -> None:
    bring(log, tmp_path, LONG, ROWS)
    header = ROWS.splitlines(keepends=True)[0]
    more = header + "d1,to offer,2024-05-01T09:00:00Z,ann,1\nd1,to new,2024-05-02T09:00:00Z,ann,1\n"
    report = bring(log, tmp_path, LONG, more)
    assert (report.new_events, report.reopened_by_move, report.new_journeys) == (2, 1, 0)
    bring(log, tmp_path, LONG, header + "d1,to offer,2024-05-03T09:00:00Z,ann,1\n")
    assert kinds(log)[-3:] == ["DealReopened", "StageMoved", "StageMoved"]


def test_a_deal_may_come_in_a_later_file_than_its_lead(log: Log, tmp_path: Path) -> None:
    mapping = LONG | {"journeys": "lead_then_deal"}
    mapping["events"] = [{"when": {"what": "meet"}, "event": "LeadCaptured"}, *LONG["events"]]
    header = ROWS.splitlines(keepends=True)[0]
    lead = "d1,meet,2024-03-01T09:00:00Z,ann,1\nd1,call,2024-03-02T09:00:00Z,ann,1\n"
    bring(log, tmp_path, mapping, header + lead)
    bring(log, tmp_path, mapping, header + "d1,open,2024-03-03T09:00:00Z,ann,1\n")
    bring(log, tmp_path, mapping, header + "d1,call,2024-03-04T09:00:00Z,ann,1\n")
    stream = log.stream(find_stream(log, "d1"))
    assert [e.event.TOPIC for e in stream] == ["lead.captured.v1", "lead.touched.v1", "lead.converted.v1"]
    deal = log.stream(stream[-1].event.deal)
    assert [e.event.TOPIC for e in deal] == ["deal.opened.v1", "deal.touched.v1"]
    assert deal[0].event.from_lead == stream[0].stream_id
    whole = header + lead + "d1,open,2024-03-03T09:00:00Z,ann,1\nd1,call,2024-03-04T09:00:00Z,ann,1\n"
    report = bring(log, tmp_path, mapping, whole)
    assert (report.new_events, report.changed_count) == (0, 0)
