"""The words of a mapping that real exports need: changes, made columns, lists in cells, tables with many rows a key."""

from pathlib import Path
from typing import Any

import pytest

from engine.errors import Rejected
from engine.log.application import Log
from engine.log.keys import find_stream
from service.importers.report import ImportRefused
from tests.service.importers.histories import LONG, WIDE, bring, changed, kinds

SNAPSHOTS = """case,what,when,who,stage,amount
d1,state,2024-03-02T09:00:00Z,ann,new,10
d1,state,2024-03-01T09:00:00Z,ann,new,10
d1,state,2024-03-03T09:00:00Z,ann,,20
d1,state,2024-03-04T09:00:00Z,ann,new,20
d1,state,2024-03-05T09:00:00Z,ann,Ünter-Offer!,20
d1,state,2024-03-06T09:00:00Z,ann,offer,
d2,state,2024-03-06T09:00:00Z,ann,offer,5
"""
EVENTS: list[dict[str, Any]] = [
    {"event": "DealOpened", "each": "first"},
    {
        "name": "moved",
        "when": {"stage": {"changed": "true"}},
        "event": "StageMoved",
        "with": {"stage": {"column": "stage", "as": "key"}},
    },
    {
        "name": "value",
        "when": {"amount": {"changed": "again"}},
        "event": "ValueChanged",
        "with": {"value": {"amount": {"column": "amount"}, "currency": "EUR"}},
    },
    {"otherwise": "true", "skip": "nothing changed"},
]  # fmt: skip


def told(log: Log, key: str) -> list[tuple[int, str, Any]]:
    entries = log.stream(find_stream(log, key))
    return [(e.occurred_at.day, type(e.event).__name__, getattr(e.event, "stage", None)) for e in entries]


def test_only_what_changed_since_the_row_before_in_time_is_told(log: Log, tmp_path: Path) -> None:
    report = bring(log, tmp_path, changed(LONG, events=EVENTS), SNAPSHOTS)
    assert told(log, "d1") == [
        (1, "DealOpened", None),
        (1, "StageMoved", "new"),
        (3, "ValueChanged", None),
        (5, "StageMoved", "unter-offer"),
        (6, "StageMoved", "offer"),
    ]
    assert told(log, "d2") == [(6, "DealOpened", None), (6, "StageMoved", "offer")]
    assert [(item.reason, item.rows) for item in report.skipped] == [("nothing changed", 2)]
    assert report.unmapped_stages == {"unter-offer": 1}


def test_nothing_of_a_cell_that_could_be_a_key_is_a_bad_row(log: Log, tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="line 8, stage '谈判': nothing of it can be a key"):
        bring(
            log,
            tmp_path,
            changed(LONG, events=EVENTS),
            SNAPSHOTS.replace("d2,state,2024-03-06T09:00:00Z,ann,offer", "d2,state,2024-03-06T09:00:00Z,ann,谈判"),
        )


def test_two_cells_of_a_row_are_compared(log: Log, tmp_path: Path) -> None:
    rule = {"when": {"now": {"unlike": "before"}}, "event": "SignalRecorded", "with": {"signal": {"column": "now"}}}
    mapping = changed(LONG, events=[EVENTS[0], rule], actor=None, unknown="skip")
    rows = (
        "case,what,when,before,now\n"
        "d,a,2024-03-01T09:00:00Z,x,x\nd,b,2024-03-02T09:00:00Z,x,y\nd,c,2024-03-03T09:00:00Z,,z\n"
    )
    report = bring(log, tmp_path, mapping, rows)
    assert kinds(log) == ["DealOpened", "SignalRecorded"]
    assert [(item.activity, item.rows) for item in report.skipped] == [("c", 1)]


def test_a_row_of_several_journeys_becomes_one_of_each(log: Log, tmp_path: Path) -> None:
    """A call about two deals; the list in the cell written in three ways."""
    events = [
        {"when": {"what": "open"}, "event": "DealOpened"},
        {"when": {"what": "call"}, "event": "Touched", "with": {"kind": "call"}},
    ]
    mapping = changed(LONG, key="deals", unfold="deals", actor=None, events=events, row_id=["no", "deals"])
    for name, mark, rest in (("a", ";", {"separator": ";"}), ("b", None, {})):
        cells = (
            [f"{name}1{mark}{name}2"] * 2 if mark else [f'"[""{name}1"",""{name}2""]"', f"\"['{name}1', '{name}2']\""]
        )
        told = f"{cells[0]},{name}x,open,2024-03-01T09:00:00Z\n{cells[1]},{name}y,call,2024-03-02T09:00:00Z\n"
        rows = f"deals,no,what,when\n{told}"
        report = bring(log, tmp_path, changed(mapping, **rest), rows)
        assert (report.rows, report.new_journeys, report.new_events) == (4, 2, 4)
    with pytest.raises(Rejected, match=r"history.csv, line 2, deals: 'x' is no list: state the `separator`"):
        bring(log, tmp_path, mapping, "deals,no,what,when\nx,1,open,2024-03-01T09:00:00Z\n")


def test_the_same_row_again_is_told_and_another_with_its_id_is_bad(log: Log, tmp_path: Path) -> None:
    mapping = changed(LONG, row_id="no")
    rows = (
        "case,what,when,who,amount,no\nd,open,2024-03-01T09:00:00Z,ann,1,1\n"
        + 2 * "d,call,2024-03-02T09:00:00Z,ann,1,2\n"
    )
    report = bring(log, tmp_path, mapping, rows)
    assert kinds(log) == ["DealOpened", "Touched"]
    assert [(item.reason, item.rows) for item in report.skipped] == [("the same row again", 1)]
    with pytest.raises(ImportRefused, match="the row's id is empty or there twice"):
        bring(log, tmp_path, mapping, rows + "d,call,2024-03-03T09:00:00Z,ann,1,2\n")


def test_columns_are_made_of_others_and_of_tables_by_them(log: Log, tmp_path: Path) -> None:
    (tmp_path / "states.csv").write_text(
        "deal,at,state,pool\no1,2024-02-01,early,p1\no1,2024-01-01,first,p1\no1,2024-03-01,late,p1\no2,,only,p2\n"
    )
    (tmp_path / "pools.csv").write_text("pool,label\np1,Pool One\np2,Pool Two\n")
    first = {"file": "states.csv", "key": "deal", "each": "first", "order": "at", "unknown": "empty"}
    tables = {
        "first": first | {"when": {"state": {"not_in": ["late"]}}},
        "pools": {"file": "pools.csv", "key": "pool", "unknown": "empty"},
    }
    columns = {
        "pool": {"first_of": ["own_pool", "first.pool"]},
        "tag": {"template": "{first.state}/{pools.label}"},
        "own_pool": {"column": "product", "when": {"product": {"prefix": "p"}}},
    }
    attributes = {
        "with": {"attributes": {"tag": {"column": "tag"}, "product": {"column": "product", "default": "none"}}}
    }
    events = [WIDE["events"][0] | attributes, *WIDE["events"][1:]]
    join = {"first": "id", "pools": "pool"}
    mapping = changed(WIDE, tables=tables, columns=columns, join=join, events=events)
    rows = (
        "id,rep,product,state,opened,closed,amount\n"
        "o1,ann,,New,13/01/2024,,\no2,bob,p1,New,14/01/2024,,\no3,ann,x,New,14/01/2024,,\n"
    )
    bring(log, tmp_path, mapping, rows)
    made = [
        {a.name: a.value for a in log.stream(find_stream(log, key))[0].event.attributes} for key in ("o1", "o2", "o3")
    ]
    assert made == [
        {"tag": "first/Pool One", "product": "none"},
        {"tag": "only/Pool One", "product": "p1"},
        {"product": "x"},
    ]
