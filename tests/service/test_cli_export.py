"""dealtrail export, as one types it."""

import csv
import json
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from service.cli import exits
from tests.service.commandline import run


@pytest.mark.parametrize(
    ("kind", "file"),
    [
        ("visits", "v.parquet"),
        ("visits", "v.csv"),
        ("journeys", "j.parquet"),
        ("journeys", "j.csv"),
        ("events", "e.parquet"),
        ("events", "e.csv"),
        ("events", "e.jsonl"),
        ("events", "e.xes"),
        ("events", "e.json"),
        ("events", "e.jsonocel"),
        ("events", "e.sqlite"),
    ],
)
def test_the_ending_says_the_format_and_every_export_can_be_checked(
    sample_log: Path, tmp_path: Path, kind: str, file: str
) -> None:
    path = tmp_path / file
    told = run("export", kind, "-o", path, "--db", sample_log, "--json").answer
    assert (told["kind"], told["file"], told["bytes"]) == (kind, file, path.stat().st_size)
    assert told["sha256"] == sha256(path.read_bytes()).hexdigest()
    assert json.loads((tmp_path / f"{file}.manifest.json").read_text()) == told
    checked = run("export", "verify", path, "--json").answer
    assert checked["findings"] == []
    assert checked["manifest"] == told


def test_without_a_file_it_is_named_after_what_it_holds(
    sample_log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("export", "visits", "--db", sample_log).code == exits.OK
    assert run("export", "events", "--format", "ocel-json", "--db", sample_log).code == exits.OK
    assert run("export", "journeys", "--csv", "--db", sample_log).code == exits.OK
    names = {path.name for path in tmp_path.iterdir() if not path.name.endswith(".manifest.json")}
    assert names == {"visits.parquet", "events.json", "journeys.csv"}


def test_a_file_that_is_there_stays_without_force(sample_log: Path, tmp_path: Path) -> None:
    path = tmp_path / "j.csv"
    path.write_text("mine")
    run("export", "journeys", "-o", path, "--db", sample_log).refused(exits.REFUSED, str(path), "--force")
    assert path.read_text() == "mine"
    assert run("export", "journeys", "-o", path, "--force", "--owner", "rep-03", "--db", sample_log).code == exits.OK
    with path.open(newline="", encoding="utf-8") as file:
        assert {row["owner"] for row in csv.DictReader(file)} == {"rep-03"}


def test_what_is_wrong_is_said_before_anything_is_written(sample_log: Path, tmp_path: Path) -> None:
    asked = ("--db", sample_log)
    run("export", "visits", "-o", tmp_path / "v.xls", *asked).refused(exits.USAGE, "v.xls", ".parquet", "--format")
    run("export", "visits", "-o", tmp_path / "v.xes", *asked).refused(exits.REFUSED, "xes", "parquet, csv")
    run("export", "visits", "--to", "sqlite:///x.db", "-o", tmp_path / "v.csv", *asked).refused(exits.USAGE, "--to")
    run("export", "visits", "--owner", "nobody", "-o", tmp_path / "v.csv", *asked).refused(exits.REFUSED, "nobody")
    run("export", "visits", "--pipeline", "no", "-o", tmp_path / "v.csv", *asked).refused(exits.NOT_FOUND, "'no'")
    by_draft = ("export", "events", "-o", tmp_path / "e.csv", "--definition", "draft:9")
    run(*by_draft, *asked).refused(exits.REFUSED, "--definition", "leave it out")
    run(*by_draft, "--pipeline", "office-coffee", *asked).refused(exits.NOT_FOUND, "draft")
    run("export", "tables", "--to", "nonsense", *asked).refused(exits.REFUSED, "nonsense", "sqlite:///bi.db")
    run("export", "visits", "-o", "-", "--csv", *asked).refused(exits.REFUSED, "-o -", "name a file")
    for to in (
        "postgresql://nobody:secret@localhost:1/none",
        f"sqlite:///{tmp_path / 'no' / 'bi.db'}",
        f"sqlite:///{__file__}",
    ):
        run("export", "tables", "--to", to, *asked).refused(exits.NO_DATABASE, "--to", "can't be opened", to[-7:])
    run("export", "visits", "--db", tmp_path / "none.db").refused(exits.NO_DATABASE, "dealtrail db init")
    assert list(tmp_path.iterdir()) == []


def test_a_changed_export_is_told_by_the_exit_code(sample_log: Path, tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    run("export", "events", "-o", path, "--db", sample_log)
    good = run("export", "verify", path)
    assert (good.code, good.out.startswith("No difference: all ")) == (exits.OK, True)
    path.write_bytes(path.read_bytes().replace(b"deal.won.v1", b"deal.lost.v1", 1))
    bad = run("export", "verify", path)
    assert bad.code == exits.FOUND
    assert "payloads" in bad.out
    run("export", "verify", path, "--against", sample_log).refused(exits.NOT_FOUND, "manifest")


def test_tables_are_written_together_and_say_so(sample_log: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bi.db'}"
    told = run("export", "tables", "--to", url, "--db", sample_log, "--json").answer
    assert told["tables"]["dealtrail_journeys"] == 120
    assert "dealtrail_visits" in run("export", "tables", "--to", url, "--db", sample_log).out
    assert run("export", "events", "--to", url, "--db", sample_log).code == exits.OK
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT table_name, row_count FROM dealtrail_exports")).all()
    engine.dispose()
    assert dict(tuple(row) for row in found) == {**told["tables"], "dealtrail_events": told["position"]}


@pytest.mark.parametrize("command", ["visits", "journeys", "events", "tables", "verify"])
def test_every_command_shows_an_example(command: str) -> None:
    said = run("export", command, "--help")
    assert f"Example: dealtrail export {command}" in said.out


def test_an_ending_that_says_no_format_is_told_the_endings_of_what_is_exported(sample_log: Path) -> None:
    said = run("export", "visits", "-o", "visits.xlsx", "--db", sample_log)
    said.refused(exits.USAGE, "visits.xlsx", "none of .parquet, .csv: name it so")
