"""Files with one journey a row and a date per milestone."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.aggregates.roster.state import rep_stream
from engine.errors import Rejected
from engine.log.application import Log
from engine.log.keys import find_stream
from engine.log.people import people_frame, person
from service.importers.mapping import parse_mapping
from service.importers.report import ImportRefused
from tests.service.importers.histories import WIDE, WIDE_ROWS, bring, changed, facts, kinds

ROSTER = {"table": "team", "rep": "rep", "manager": "boss", "region": "where", "since": "2024-01-01T00:00:00+01:00"}
TEAM = {"team": {"file": "team.csv", "key": "rep", "column": "rep"}}
TEAM_ROWS = "rep,boss,where\nann,eve,North\nbob,,South\nzoe,eve,North\n"
MORE = "o4,ann,Desk,New,15/01/2024,,\n"


def test_dates_become_events_and_empty_ones_take_the_named_fallback(log: Log, tmp_path: Path) -> None:
    mapping = changed(WIDE, spelling={"product": {"Chiar": "Chair"}})
    report = bring(log, tmp_path, mapping, WIDE_ROWS)
    assert kinds(log) == ["DealOpened", "DealWon", "DealOpened", "DealLost", "DealOpened"]
    assert report.fallbacks == {"dealopened: opened": 1}
    assert report.spelling == {"product": 1}
    opened = [log.stream(find_stream(log, key))[0] for key in ("o1", "o2", "o3")]
    # Midnight in Madrid.
    days = [
        datetime(2024, 1, 12, 23, tzinfo=UTC),
        datetime(2024, 1, 13, 23, tzinfo=UTC),
        datetime(2024, 1, 31, 23, tzinfo=UTC),
    ]
    assert [event.occurred_at for event in opened] == days
    assert [event.event.attributes[0].value for event in opened] == ["Chair", "Chair", "Table"]
    won = log.stream(find_stream(log, "o1"))[1]
    assert (won.event.value.amount_minor, won.event.value.currency) == (10000, "USD")


def test_without_a_fallback_an_empty_date_is_a_bad_row(log: Log, tmp_path: Path) -> None:
    rules = [WIDE["events"][0] | {"at": "opened"}, *WIDE["events"][1:]]
    with pytest.raises(
        ImportRefused, match="line 4, opened: the event 'dealopened' has no date: add a condition"
    ) as told:
        bring(log, tmp_path, changed(WIDE, events=rules), WIDE_ROWS)
    assert told.value.report.bad_count == 1


def test_a_fallback_may_be_another_date(log: Log, tmp_path: Path) -> None:
    rules = [WIDE["events"][0] | {"at": {"column": "opened", "fallback": {"column": "closed"}}}, *WIDE["events"][1:]]
    rows = WIDE_ROWS.replace("14/01/2024", "").replace("o3,ann,Table,New,,", "o3,ann,Table,New,03/01/2024,")
    report = bring(log, tmp_path, changed(WIDE, events=rules), rows)
    lost = log.stream(find_stream(log, "o2"))
    assert lost[0].occurred_at == lost[1].occurred_at
    assert report.fallbacks == {"dealopened: opened": 1}


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        (
            MORE.replace("15/01", "01/15"),
            "line 5, opened '01/15/2024': is no date as the mapping states it: %d/%m/%Y in",
        ),
        (MORE.replace("15/01/2024", "2024-01-15"), "is no date as the mapping states it"),
        (MORE.replace("15/01/2024", "15/01/24"), "is no date as the mapping states it"),
        (MORE.replace("15/01/2024", "31/02/2024"), "is no date as the mapping states it"),
        (MORE.replace("o4", "o1"), "line 5, id 'o1': this id is there twice"),
        (MORE.replace("15/01/2024", "15/01/2124"), "lies in the future"),
    ],
)
def test_a_bad_row_stops_the_import(log: Log, tmp_path: Path, extra: str, told: str) -> None:
    with pytest.raises(ImportRefused) as refused:
        bring(log, tmp_path, WIDE, WIDE_ROWS + extra)
    assert told in str(refused.value)
    assert log.position() == 0


def test_all_rows_of_an_id_that_is_there_twice_are_left_out(log: Log, tmp_path: Path) -> None:
    report = bring(log, tmp_path, WIDE, WIDE_ROWS + MORE.replace("o4", "o1"), on_error="continue")
    assert [bad.line for bad in report.bad_rows] == [2, 5]
    assert report.journeys == 2


def test_times_that_a_zone_does_not_have_or_has_twice_are_refused(log: Log, tmp_path: Path) -> None:
    clock = {"format": "%d/%m/%Y %H:%M", "zone": "Europe/Madrid"}
    rows = "id,rep,product,state,opened,closed,amount\na,ann,x,New,31/03/2024 02:30,,\nb,ann,x,New,27/10/2024 02:30,,\n"
    rules = [WIDE["events"][0] | {"at": "opened"}, *WIDE["events"][1:]]
    mapping = changed(WIDE, events=rules, dates={"opened": clock, "closed": clock})
    with pytest.raises(ImportRefused) as refused:
        bring(log, tmp_path, mapping, rows)
    assert [bad.line for bad in refused.value.report.bad_rows] == [2, 3]
    mapping["dates"]["opened"] = clock | {"ambiguous": "latest"}
    bring(log, tmp_path, mapping, rows.replace("31/03/2024 02", "31/03/2024 03"))
    assert [log.stream(find_stream(log, key))[0].occurred_at for key in "ab"] == [
        datetime(2024, 3, 31, 1, 30, tzinfo=UTC), datetime(2024, 10, 27, 1, 30, tzinfo=UTC)
    ]  # fmt: skip


def test_the_roster_comes_from_a_side_table(log: Log, tmp_path: Path) -> None:
    (tmp_path / "team.csv").write_text(TEAM_ROWS)
    report = bring(log, tmp_path, changed(WIDE, tables=TEAM, roster=ROSTER), WIDE_ROWS)
    assert report.events["RepEnrolled"] == 3
    ann, eve, zoe = (person(log, "shop", key) for key in ("ann", "eve", "zoe"))
    assert ann is not None
    assert eve is not None
    assert zoe is not None
    enrolled = log.stream(rep_stream(ann.person_id))
    assert [(e.event.manager, e.event.region) for e in enrolled] == [(eve.person_id, "North")]
    assert enrolled[0].occurred_at == datetime(2023, 12, 31, 23, tzinfo=UTC)
    assert log.stream(find_stream(log, "o1"))[0].event.owner == ann.person_id
    again = bring(log, tmp_path, changed(WIDE, tables=TEAM, roster=ROSTER), WIDE_ROWS)
    assert (again.new_events, again.already_known, again.changed_count) == (0, 8, 0)


def test_a_rep_who_moved_is_a_changed_fact_or_with_a_later_date_a_move(log: Log, tmp_path: Path) -> None:
    (tmp_path / "team.csv").write_text(TEAM_ROWS)
    bring(log, tmp_path, changed(WIDE, tables=TEAM, roster=ROSTER), WIDE_ROWS)
    (tmp_path / "team.csv").write_text(TEAM_ROWS.replace("bob,,South", "bob,eve,North"))
    report = bring(log, tmp_path, changed(WIDE, tables=TEAM, roster=ROSTER), WIDE_ROWS)
    assert [(fact.key, fact.changed, fact.corrected) for fact in report.changed] == [
        ("bob", ["manager", "region"], False)
    ]
    later = ROSTER | {"since": "2024-02-01T00:00:00+01:00"}
    report = bring(log, tmp_path, changed(WIDE, tables=TEAM, roster=later), WIDE_ROWS)
    assert (report.new_events, report.changed_count) == (1, 0)
    bob = person(log, "shop", "bob")
    assert bob is not None
    assert [e.event.region for e in log.stream(rep_stream(bob.person_id))] == ["South", "North"]


def test_cells_of_side_tables_serve_as_attributes(log: Log, tmp_path: Path) -> None:
    (tmp_path / "goods.csv").write_text("name,line\nChair,Seats\nTable,Tops\n")
    tables = {"goods": {"file": "goods.csv", "key": "name", "column": "product", "unknown": "empty"}}
    opening = WIDE["events"][0] | {"with": {"attributes": {"line": {"column": "goods.line"}}}}
    report = bring(log, tmp_path, changed(WIDE, tables=tables, events=[opening, *WIDE["events"][1:]]), WIDE_ROWS)
    assert report.unknown_keys == {"goods": 1}
    found = [log.stream(find_stream(log, key))[0].event.attributes for key in ("o1", "o2", "o3")]
    assert [[attribute.value for attribute in attributes] for attributes in found] == [["Seats"], [], ["Tops"]]


@pytest.mark.parametrize(
    ("rows", "tables", "told"),
    [
        (
            "name,line\nChair,a\nTable,b\n",
            {"unknown": "refuse"},
            "line 3, product 'Chiar': is not in goods.csv: fix it",
        ),
        ("name,line\nChair,a\nChair,b\n", {}, "line 2: key name 'Chair' is empty or there twice"),
        ("title,line\nChair,a\n", {}, "no column 'name': it has title, line"),
        ("name,size\nChair,a\n", {}, "no column 'line': it has name, size"),
        ("", {}, "is empty"),
    ],
)
def test_a_side_table_that_does_not_fit_is_refused(
    log: Log, tmp_path: Path, rows: str, tables: dict[str, Any], told: str
) -> None:
    (tmp_path / "goods.csv").write_text(rows)
    table = {"file": "goods.csv", "key": "name", "column": "product"} | tables
    opening = WIDE["events"][0] | {"with": {"attributes": {"line": {"column": "goods.line"}}}}
    mapping = changed(WIDE, tables={"goods": table}, events=[opening, *WIDE["events"][1:]])
    with pytest.raises(Rejected, match=told):
        bring(log, tmp_path, mapping, WIDE_ROWS)
    assert log.position() == 0


def test_a_row_no_event_speaks_of_is_bad_or_skipped_with_a_reason(log: Log, tmp_path: Path) -> None:
    rules = [WIDE["events"][0] | {"when": {"state": {"not_in": ["New"]}}}, *WIDE["events"][1:]]
    with pytest.raises(ImportRefused, match="no event of the mapping speaks of this row"):
        bring(log, tmp_path, changed(WIDE, events=rules), WIDE_ROWS)
    skip = {"when": {"state": "New"}, "skip": "not begun"}
    report = bring(log, tmp_path, changed(WIDE, events=[*rules, skip]), WIDE_ROWS)
    assert [(item.reason, item.rows) for item in report.skipped] == [("not begun", 1)]


LEADS: dict[str, Any] = {
    "source": "funnel",
    "pipeline": "sales",
    "definition": "pipeline.yaml",
    "shape": "wide",
    "journeys": "lead_then_deal",
    "key": "lead",
    "dates": {"contact": {"format": "%Y-%m-%d", "zone": "UTC"}, "deals.won": {"format": "%Y-%m-%d", "zone": "UTC"}},
    "tables": {"deals": {"file": "deals.csv", "key": "lead", "column": "lead", "unknown": "empty"}},
    "events": [
        {
            "event": "LeadCaptured",
            "at": "contact",
            "with": {
                "source": {"column": "origin", "map": {"paid": "Ads", "unknown": ""}, "otherwise": "Other"},
                "title": {"template": "{origin} of {contact}"},
                "person": {"column": "who", "name": "name", "email": "mail"},
            },
        },
        {"name": "called", "event": "Touched", "at": "contact", "with": {"kind": "call"}, "of": "lead"},
        {
            "when": {"deals.won": {"empty": "false"}},
            "event": "DealOpened",
            "at": "deals.won",
            "with": {"owner": {"column": "deals.rep"}},
        },
        {
            "name": "paid",
            "when": {"deals.won": {"empty": "false"}},
            "event": "PaymentReceived",
            "at": "deals.won",
            "with": {"amount": {"amount": {"column": "deals.amount"}, "currency": "BRL"}},
        },
        {
            "name": "won",
            "when": {"deals.won": {"empty": "false"}},
            "event": "DealWon",
            "at": "deals.won",
            "with": {"evidence": {"row": "true"}},
        },
    ],
}
LEAD_ROWS = """lead,contact,origin,who,name,mail
l1,2024-01-01,paid,c1,Customer One,one@example.com
l2,2024-01-02,unknown,c2,,
l3,2024-01-03,fair,c1,Customer One,
"""


def test_leads_become_deals_from_two_files(log: Log, tmp_path: Path) -> None:
    (tmp_path / "deals.csv").write_text("lead,won,rep,amount\nl3,2024-03-01,ann,10.5\n")
    report = bring(log, tmp_path, LEADS, LEAD_ROWS)
    assert report.new_journeys == 3
    lead_id = find_stream(log, "l3")
    lead = log.stream(lead_id)
    assert [e.event.__class__.__name__ for e in lead] == ["LeadCaptured", "Touched", "LeadConverted"]
    deal = log.stream(lead[2].event.deal)
    assert [e.event.__class__.__name__ for e in deal] == ["DealOpened", "PaymentReceived", "DealWon"]
    assert deal[0].event.from_lead == lead_id
    sources = [log.stream(find_stream(log, key))[0].event.source for key in ("l1", "l2", "l3")]
    assert sources == ["Ads", None, "Other"]
    named = {
        row["key"]: (row["role"], row["name"]) for row in people_frame(log).to_dicts() if row["source"] == "funnel"
    }
    assert named == {"c1": ("customer", "Customer One"), "c2": ("customer", None), "ann": ("rep", None)}


def test_a_lead_won_later_gets_its_deal_when_the_file_has_grown(log: Log, tmp_path: Path) -> None:
    (tmp_path / "deals.csv").write_text("lead,won,rep,amount\nl3,2024-03-01,ann,10.5\n")
    bring(log, tmp_path, LEADS, LEAD_ROWS)
    (tmp_path / "deals.csv").write_text("lead,won,rep,amount\nl3,2024-03-01,ann,10.5\nl1,2024-04-01,ann,7\n")
    report = bring(log, tmp_path, LEADS, LEAD_ROWS)
    assert (report.new_events, report.new_journeys, report.changed_count) == (4, 0, 0)
    before = facts(log)
    assert bring(log, tmp_path, LEADS, LEAD_ROWS).new_events == 0
    assert facts(log) == before


def test_a_column_may_hold_dates_of_several_formats_read_in_the_order_they_are_named(log: Log, tmp_path: Path) -> None:
    dates = {name: how | {"also": ["%Y-%m-%d", "%d.%m.%Y"]} for name, how in WIDE["dates"].items()}
    rows = WIDE_ROWS.replace("14/01/2024", "2024-01-14")
    same = bring(log, tmp_path, changed(WIDE, dates=dates), rows)
    assert same.bad_count == 0
    assert log.stream(find_stream(log, "o2"))[0].occurred_at == datetime(2024, 1, 13, 23, tzinfo=UTC)
    with pytest.raises(ImportRefused, match=r"%d/%m/%Y or %Y-%m-%d or %d\.%m\.%Y in"):
        bring(log, tmp_path, changed(WIDE, dates=dates), rows + MORE.replace("15/01/2024", "15-01-2024"))


def test_each_of_several_formats_tells_a_whole_date_and_shares_the_zone() -> None:
    for also, told in (("%d %m", "year, month and day"), ("iso8601", "leave `zone` out")):
        with pytest.raises(Rejected, match=told):
            parse_mapping(changed(WIDE, dates={"opened": {"format": "%d/%m/%Y", "zone": "UTC", "also": [also]}}), "m")
