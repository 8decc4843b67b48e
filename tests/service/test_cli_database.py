"""dealtrail db, and how a command finds its database."""

import getpass
import sqlite3
from pathlib import Path

import pytest

from service.cli import exits
from tests.service.commandline import run


def test_init_makes_a_log_and_twice_is_once(tmp_path: Path) -> None:
    first = run("db", "init", "--db", tmp_path / "new.db", "--json").answer
    again = run("db", "init", "--db", tmp_path / "new.db", "--json").answer
    assert first["state"] == "current"
    assert again == first


def test_a_plain_postgresql_address_is_understood(postgres_url: str) -> None:
    plain = postgres_url.replace("postgresql+psycopg2://", "postgresql://")
    assert run("db", "status", "--db", plain, "--json").answer["state"] == "current"
    assert run("pipeline", "list", "--db", plain, "--json").answer == {"pipelines": []}


def test_the_database_may_be_named_before_the_command_after_it_or_by_the_environment(
    sample_log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("--db", sample_log, "board", "--json").code == exits.OK
    assert run("--db", "elsewhere.db", "board", "--db", sample_log, "--json").code == exits.OK
    monkeypatch.setenv("DEALTRAIL_DB", str(sample_log))
    assert run("board", "--json").code == exits.OK
    run("--db", "elsewhere.db", "board").refused(exits.NO_DATABASE, "elsewhere.db", "dealtrail db init")


def test_without_a_name_it_is_a_file_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DEALTRAIL_DB", raising=False)
    assert run("db", "init").code == exits.OK
    assert (tmp_path / "dealtrail.db").exists()


@pytest.mark.parametrize(
    "command", [("board",), ("conversion",), ("cycle-time",), ("win-rate",), ("pipeline", "list"), ("db", "upgrade")]
)
def test_a_missing_database_is_told_with_the_command_that_makes_it(command: tuple[str, ...], tmp_path: Path) -> None:
    missing = tmp_path / "missing.db"
    run(*command, "--db", missing).refused(exits.NO_DATABASE, "dealtrail db init")
    assert not missing.exists()


def test_status_tells_a_missing_database_without_making_one(tmp_path: Path) -> None:
    said = run("db", "status", "--db", tmp_path / "missing.db")
    assert said.code == exits.NO_DATABASE
    assert "dealtrail db init" in said.out
    assert list(tmp_path.iterdir()) == []


def test_a_schema_of_another_version_is_refused_by_every_question(own_sample: Path) -> None:
    with sqlite3.connect(own_sample) as connection:
        connection.execute("UPDATE meta SET schema_version = 99")
    connection.close()
    run("board", "--db", own_sample).refused(exits.NO_DATABASE, "99", "newer dealtrail")
    assert run("db", "status", "--db", own_sample).code == exits.NO_DATABASE


def test_a_file_that_is_no_database_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear customer")
    run("board", "--db", tmp_path / "letter.txt").refused(exits.NO_DATABASE, "not a database")
    assert (tmp_path / "letter.txt").read_text() == "Dear customer"


def test_a_server_that_does_not_answer_is_told_as_such() -> None:
    run("board", "--db", "postgresql://nobody@localhost:1/none").refused(exits.NO_DATABASE, "does not answer")


@pytest.mark.parametrize("url", ["mysql://localhost/x", ":memory:", "http://localhost"])
def test_another_kind_of_database_is_a_usage_error(url: str) -> None:
    run("board", "--db", url).refused(exits.USAGE, "--db")


def test_a_password_is_never_shown() -> None:
    said = run("board", "--db", "postgresql://reader:s3cret@localhost:1/none")
    assert "s3cret" not in said.out + said.err


def test_the_actor_is_the_login_name_unless_said(own_sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("no such account")

    monkeypatch.setattr(getpass, "getuser", nobody)
    stages = Path("service/sample.yaml")
    run("pipeline", "publish", stages, "--db", own_sample).refused(exits.REFUSED, "--actor")
    assert run("pipeline", "publish", stages, "--db", own_sample, "--actor", "rep-01").code == exits.OK
