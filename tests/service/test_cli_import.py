"""dealtrail import: what it reports, and that a bad file writes nothing."""

import gzip
from pathlib import Path

import pytest

from engine.log.application import Log
from service.cli import exits
from tests.service.commandline import Said, run

MAPPING = """
source: shop
pipeline: counter
definition: stages.yaml
shape: wide
journeys: deal
key: id
dates:
  opened: {format: "%Y-%m-%d", zone: UTC}
  closed: {format: "%Y-%m-%d", zone: UTC}
events:
  - event: DealOpened
    at: opened
    with: {value: {amount: {column: amount}, currency: EUR}, owner: {column: seller}}
  - event: DealWon
    when: {state: won}
    at: closed
    with: {evidence: {row: true}}
"""
STAGES = """
pipeline: counter
stages: [{key: asked, kind: open}, {key: won, kind: won, enter: {event: DealWon}}]
"""
ROWS = """id,opened,closed,state,amount,seller
a-1,2025-03-01,2025-03-11,won,100.00,rep-01
a-2,2025-03-02,,open,40.50,rep-02
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    (tmp_path / "stages.yaml").write_text(STAGES)
    (tmp_path / "deals.csv").write_text(ROWS)
    return tmp_path


def imported(folder: Path, url: str, *more: str, file: str = "deals.csv") -> Said:
    return run("import", folder / file, "--mapping", folder / "mapping.yaml", "--db", url, *more)


def position(url: str) -> int:
    log = Log(url)
    try:
        return log.position()
    finally:
        log.close()


def test_a_file_comes_in_and_the_answers_speak_of_it(folder: Path, database_url: str) -> None:
    report = imported(folder, database_url, "--json").answer
    assert (report["new_journeys"], report["published"], report["bad_count"]) == (2, True, 0)
    rates = run("win-rate", "--db", database_url, "--json").answer
    assert (rates["won"], rates["open"]) == (1, 1)
    assert rates["won_value"] == [{"amount": "100.00", "currency": "EUR"}]
    assert run("check", "--db", database_url).code == exits.OK


def test_twice_adds_nothing_and_says_so(folder: Path, sqlite_url: str) -> None:
    imported(folder, sqlite_url)
    before = position(sqlite_url)
    said = imported(folder, sqlite_url)
    assert "0 new events" in said.out
    assert position(sqlite_url) == before


def test_a_gzipped_file_is_the_same_file(folder: Path, sqlite_url: str) -> None:
    (folder / "deals.csv.gz").write_bytes(gzip.compress(ROWS.encode()))
    imported(folder, sqlite_url)
    assert imported(folder, sqlite_url, "--json", file="deals.csv.gz").answer["new_events"] == 0


def test_the_importer_is_the_actor(folder: Path, sqlite_url: str) -> None:
    imported(folder, sqlite_url, "--actor", "ops-1")
    log = Log(sqlite_url)
    with log.engine.connect() as connection:
        actors = connection.exec_driver_sql(
            "SELECT DISTINCT people.source, people.key FROM events JOIN people ON people.person_id = events.actor"
        )
        assert [tuple(row) for row in actors] == [("login", "ops-1")]
    log.close()


def test_a_bad_row_stops_the_import_and_nothing_is_written(folder: Path, sqlite_url: str) -> None:
    (folder / "deals.csv").write_text(ROWS + "a-3,03/04/2025,,open,7,rep-01\n")
    said = imported(folder, sqlite_url)
    assert said.code == exits.FOUND
    assert "nothing was written" in said.out
    assert "line 4" in said.out
    assert "03/04/2025" in said.out
    assert position(sqlite_url) == 0


def test_with_continue_bad_rows_are_left_out_and_listed(folder: Path, sqlite_url: str) -> None:
    (folder / "deals.csv").write_text(ROWS + "a-3,03/04/2025,,open,7,rep-01\n")
    said = imported(folder, sqlite_url, "--on-error", "continue")
    assert said.code == exits.FOUND
    assert "2 new journeys" in said.out
    assert "line 4" in said.out


def test_a_changed_fact_is_told_and_corrected_when_asked(folder: Path, sqlite_url: str) -> None:
    imported(folder, sqlite_url)
    (folder / "deals.csv").write_text(ROWS.replace("100.00", "120.00"))
    told = imported(folder, sqlite_url)
    assert "--corrections" in told.out
    assert run("win-rate", "--db", sqlite_url, "--json").answer["won_value"][0]["amount"] == "100.00"
    imported(folder, sqlite_url, "--corrections")
    assert run("win-rate", "--db", sqlite_url, "--json").answer["won_value"][0]["amount"] == "120.00"
    assert run("check", "--db", sqlite_url).code == exits.OK


@pytest.mark.parametrize(
    "rows",
    [
        "",
        "id,opened\n",
        ROWS.replace("seller", "vendor"),
        ROWS.replace("40.50", "NaN"),
        ROWS.replace("40.50", "-40.50"),
        ROWS.replace("a-2", "a-1"),
        ROWS.replace("2025-03-02", "02.03.2025"),
        ROWS.replace("rep-02", "x" * 10_000_000),
    ],
    ids=[
        "an empty file",
        "a head with columns missing",
        "an unknown column",
        "an amount that is not a number",
        "a negative amount",
        "the same id twice",
        "two date formats",
        "10 MB in a cell",
    ],
)
def test_a_bad_file_is_refused_clearly_and_nothing_is_written(rows: str, folder: Path, sqlite_url: str) -> None:
    (folder / "deals.csv").write_text(rows)
    said = imported(folder, sqlite_url)
    assert said.code in (exits.FOUND, exits.REFUSED), said.err
    assert "Traceback" not in said.err
    assert len(said.out + said.err) < 5_000
    assert "deals.csv" in said.out + said.err
    assert position(sqlite_url) == 0


def test_bytes_that_are_no_text_and_a_cut_gzip_are_refused(folder: Path, sqlite_url: str) -> None:
    (folder / "deals.csv").write_bytes(ROWS.replace("rep-02", "répétée").encode("latin-1"))
    imported(folder, sqlite_url).refused(exits.REFUSED, "line 3")
    (folder / "cut.csv.gz").write_bytes(gzip.compress(ROWS.encode() * 1000)[:-20])
    imported(folder, sqlite_url, file="cut.csv.gz").refused(exits.REFUSED, "cut.csv.gz")
    assert position(sqlite_url) == 0


@pytest.mark.parametrize(
    ("was", "becomes", "word"),
    [
        ("shape: wide", "shape: round", "round"),
        ("event: DealWon", "event: DealWonderful", "DealWonderful"),
        ("key: id", "key: number", "number"),
        ("zone: UTC", "zone: Mars", "Mars"),
        ("currency: EUR", "currency: EURO", "EURO"),
        ("source: shop", "source: shop\ncolour: red", "colour"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused(
    was: str, becomes: str, word: str, folder: Path, sqlite_url: str
) -> None:
    (folder / "mapping.yaml").write_text(MAPPING.replace(was, becomes, 1))
    said = imported(folder, sqlite_url)
    assert said.code in (exits.FOUND, exits.REFUSED)
    assert word in said.out + said.err
    assert position(sqlite_url) == 0


def test_files_that_are_not_there_are_usage_errors(folder: Path, sqlite_url: str) -> None:
    imported(folder, sqlite_url, file="none.csv").refused(exits.USAGE, "none.csv")
    run("import", folder / "deals.csv", "--db", sqlite_url).refused(exits.USAGE, "--mapping")


def test_without_a_log_it_says_how_to_make_one(folder: Path) -> None:
    imported(folder, str(folder / "none.db")).refused(exits.NO_DATABASE, "dealtrail db init")


def test_progress_is_told_on_stderr_and_the_report_stays_clean(
    folder: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.cli.progress.LINE_SECONDS", 0.0)
    said = imported(folder, sqlite_url, "--json")
    assert "reading: 2 rows" in said.err
    assert "writing: 2 of 2 rows" in said.err
    assert said.answer["rows"] == 2
