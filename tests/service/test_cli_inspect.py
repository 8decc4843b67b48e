"""import --inspect: what fits every row is shown, what two formats fit is asked, and the draft imports as it stands."""

import gzip
from pathlib import Path

import pytest

from engine.log.application import Log
from engine.projections.lens import Lens
from engine.projections.views import Views
from replay.verify import verify
from service.cli import exits
from service.importers.run import run_import
from tests.service.commandline import run

WIDE = """id;rep;state;opened;closed;amount;sector
o1;ann;Won;13/01/2024;15/02/2024;1.250,50;Retail
o2;bob;Lost;14/01/2024;16/02/2024;90,00;Energy
o3;ann;Open;15/01/2024;;1.000,00;
"""
LONG = """case_id,activity,happened at,who,amount
c1,asked,2024-03-01T09:00:00Z,ann,10
c1,offered,2024-03-02T09:00:00Z,ann,10
c1,won,2024-03-03T09:00:00Z,,10
c2,asked,2024-03-01T10:00:00Z,bob,20
c2,lost,2024-03-05T09:00:00Z,bob,20
c3,asked,2024-03-06T09:00:00Z,bob,30
"""
JSON = """{"page": 1, "result": {"deals": [
 {"deal_id": 7, "created": 1709283600000, "status": "won", "closed": 1709370000000, "price": {"amount": 12.5}},
 {"deal_id": 8, "created": 1709283600001, "status": "open", "closed": null, "price": {"amount": 100}}]}}
"""
LINES = """{"deal_id": "D1", "opened": "2025-01-02", "history": [{"to": "a", "on": "2025-01-03"}, {"to": "b"}]}
{"deal_id": "D2", "opened": "2025-01-04", "history": [{"to": "a", "on": "2025-01-06"}]}
{"deal_id": "D3", "opened": "2025-01-07", "history": []}
"""
XES = """\
<?xml version="1.0"?><log xmlns="http://www.xes-standard.org/">
<trace><string key="concept:name" value="t1"/>
<event><string key="concept:name" value="asked"/><date key="time:timestamp" value="2024-03-01T09:00:00+01:00"/></event>
<event><string key="concept:name" value="approved"/>
<date key="time:timestamp" value="2024-03-02T09:00:00+01:00"/></event>
</trace><trace><string key="concept:name" value="t2"/>
<event><string key="concept:name" value="asked"/><date key="time:timestamp" value="2024-03-03T09:00:00+01:00"/></event>
</trace></log>"""
FILES = {
    "wide.csv": (WIDE, {"won": 1, "lost": 1, "open": 1}),
    "long.csv.gz": (LONG, {"won": 1, "lost": 1, "open": 1}),
    "deals.json": (JSON, {"won": 1, "open": 1}),
    "deals.jsonl": (LINES, {"open": 3}),
    "log.xes": (XES, {"won": 1, "open": 1}),
}


def lay(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize("name", FILES)
def test_a_draft_imports_as_it_stands(log: Log, tmp_path: Path, name: str) -> None:
    text, outcomes = FILES[name]
    file = lay(tmp_path, name, text)
    said = run("import", "--inspect", file, "--draft", tmp_path / "my.yaml", "--db", "sqlite:////nowhere/at/all.db")
    assert said.code == exits.OK, said.err
    assert "review" in said.out
    report = run_import(log, file, tmp_path / "my.yaml", actor="clerk")
    assert report.bad_count == 0
    assert report.rows == report.journeys or report.skipped == []
    views = Views(log)
    views.catch_up()
    (pipeline,) = views.pipelines()
    counts = views.look(pipeline, Lens.of()).journeys["outcome"].cast(str).value_counts()
    assert dict(counts.iter_rows()) == outcomes
    assert run_import(log, file, tmp_path / "my.yaml", actor="clerk").new_events == 0
    assert verify(log) == []


def test_the_printed_draft_is_the_written_one(tmp_path: Path) -> None:
    file = lay(tmp_path, "wide.csv", WIDE)
    told = run("import", "--inspect", file, "--json").answer
    run("import", "--inspect", file, "--draft", tmp_path / "mapping.yaml")
    assert (tmp_path / "mapping.yaml").read_text() == told["draft"]
    assert (tmp_path / "mapping.pipeline.yaml").read_text() == told["pipeline"]
    assert told["draft"] in run("import", "--inspect", file).out


def test_every_column_is_counted_and_told_by_what_it_may_be(tmp_path: Path) -> None:
    told = run("import", "--inspect", lay(tmp_path, "wide.csv", WIDE), "--json").answer
    assert (told["rows"], told["delimiter"], told["encoding"]) == (3, ";", "utf-8")
    columns = {column["name"]: column for column in told["columns"]}
    assert [columns["closed"][word] for word in ("filled", "empty", "distinct")] == [2, 1, 2]
    assert [fit["format"] for fit in columns["opened"]["dates"]] == ["%d/%m/%Y"]
    assert columns["amount"]["numbers"] == [{"decimal": ",", "thousands": "."}]
    assert columns["rep"]["examples"] == ["ann", "bob"]
    assert {part: names[0] for part, names in told["candidates"].items() if part != "shape"} == {
        "case": "id", "activity": "state", "time": "opened", "value": "amount", "person": "rep"
    }  # fmt: skip
    assert told["candidates"]["shape"] == "wide"
    assert any("closed has 1 empty cells" in note for note in told["review"])


def test_day_and_month_that_could_be_either_are_asked(tmp_path: Path) -> None:
    rows = "id,when,x\na,03/04/2024,1\nb,05/06/2024,2\n"
    file = lay(tmp_path, "dates.csv", rows)
    told = run("import", "--inspect", file, "--json").answer
    fits = {fit["format"]: fit["reads"] for fit in told["columns"][1]["dates"]}
    assert fits == {"%d/%m/%Y": "2024-04-03 00:00:00", "%m/%d/%Y": "2024-03-04 00:00:00"}
    assert any("when fits 2 date formats" in note for note in told["review"])
    assert "2 date formats fit" in run("import", "--inspect", file).out
    # One row that only one of them fits decides.
    told = run("import", "--inspect", lay(tmp_path, "dates.csv", rows + "c,25/06/2024,3\n"), "--json").answer
    assert [fit["format"] for fit in told["columns"][1]["dates"]] == ["%d/%m/%Y"]
    # One cell that none fits: no format fits all.
    told = run("import", "--inspect", lay(tmp_path, "dates.csv", rows + "c,soon,3\n"), "--json").answer
    assert told["columns"][1]["dates"] == []
    assert told["draft"] is None


def test_a_sign_that_may_be_a_decimal_or_a_thousand_is_asked(tmp_path: Path) -> None:
    rows = 'id,date,amount\na,2024-01-01,"1,234"\nb,2024-01-02,"2,500"\n'
    told = run("import", "--inspect", lay(tmp_path, "a.csv", rows), "--json").answer
    assert len(told["columns"][2]["numbers"]) == 2
    assert any("2 ways of writing numbers" in note for note in told["review"])


def test_a_file_that_is_no_utf_8_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("id;when;sector\na;2024-01-01;Möbel\nb;2024-01-02;Café\n".encode("cp1252"))
    told = run("import", "--inspect", path, "--json").answer
    assert told["encoding"] == "cp1252"
    assert any("cp1252" in note for note in told["review"])


def test_a_draft_is_never_written_over_a_file(tmp_path: Path) -> None:
    file = lay(tmp_path, "wide.csv", WIDE)
    (tmp_path / "my.yaml").write_text("mine")
    run("import", "--inspect", file, "--draft", tmp_path / "my.yaml").refused(exits.REFUSED, "is there already")
    assert (tmp_path / "my.yaml").read_text() == "mine"


def test_what_cannot_be_inspected_is_refused(tmp_path: Path) -> None:
    run("import", "--inspect", tmp_path).refused(exits.REFUSED, "is a folder")
    run("import", "--inspect", lay(tmp_path, "a.csv", "")).refused(exits.REFUSED, "is empty")
    run("import", "--inspect", lay(tmp_path, "a.json", "{nothing")).refused(exits.REFUSED, "no JSON")
    run("import", lay(tmp_path, "b.csv", WIDE)).refused(exits.USAGE, "--inspect to draft")
    run("import", lay(tmp_path, "c.csv", "x\n1\n"), "--draft", tmp_path / "o").refused(exits.USAGE, "--mapping")


def test_dates_of_several_formats_are_told_and_left_out_of_the_draft(tmp_path: Path) -> None:
    days = [f"{n:02d}/03/2024" if n % 2 else f"2024-03-{n:02d}" for n in range(13, 29)]
    rows = "".join(f"o{n},{day},0{1 + n % 9}.02.2024\n" for n, day in enumerate([*days, "soon"]))
    path = tmp_path / "orders.csv"
    path.write_text(f"id,closed,opened\n{rows}")
    told = run("import", "--inspect", path, "--json").answer
    (closed,) = (column for column in told["columns"] if column["name"] == "closed")
    assert closed["dates"] == []
    assert closed["mixed"] == {"formats": {"%Y-%m-%d": 8, "%d/%m/%Y": 8}, "unread": 1, "example": "soon"}
    assert any("closed holds dates of several formats" in note for note in told["review"])
    assert "%d/%m/%Y reads 8" in run("import", "--inspect", path).out


def test_words_are_no_dates_of_several_formats(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("id,opened,phone,what\n1,2024-03-01,555-01-22 34,a b 1\n2,2024-03-02,555-99-12 34,see 3/4 of 5\n")
    told = run("import", "--inspect", path, "--json").answer
    assert [column["name"] for column in told["columns"] if column["mixed"]] == []


CALLS = """lead\twhen\twhat\tby
L1\t13/02/2025\tcall\tann
L1\t15/02/2025\toffer\tann
L1\t19/02/2025\tgewonnen\tann
L2\t14/02/2025\tmail\tbob
L2\t16/02/2025\tcall\tbob
L3\t17/02/2025\tcall\tbob
L3\t12/03/2025\tperdido\tbob
"""


def test_a_short_log_of_few_leads_is_an_event_a_row_and_its_draft_imports(tmp_path: Path) -> None:
    file = lay(tmp_path, "calls.tsv", CALLS)
    told = run("import", "--inspect", file, "--draft", tmp_path / "calls.yaml", "--json").answer
    assert (told["candidates"]["shape"], told["candidates"]["case"], told["candidates"]["activity"][0]) == (
        "long",
        ["lead"],
        "what",
    )
    db = ("--db", tmp_path / "calls.db")
    run("db", "init", *db)
    assert run("import", file, "--mapping", tmp_path / "calls.yaml", *db).code == exits.OK
    rates = run("win-rate", *db, "--json").answer
    assert (rates["won"], rates["lost"], rates["open"]) == (1, 1, 1)


def test_a_log_with_a_day_that_there_is_not_says_that_the_time_is_missing(tmp_path: Path) -> None:
    file = lay(tmp_path, "calls.tsv", CALLS.replace("17/02/2025", "30/02/2025"))
    run("import", "--inspect", file, "--draft", tmp_path / "calls.yaml").refused(exits.REFUSED, "no date format fits")
