"""What the command line says when something fails that nobody foresaw, or the database goes away."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.exc import DatabaseError, OperationalError, ProgrammingError

from engine.log.history import OtherHistory
from engine.log.locked import Busy
from engine.projections.views import Views
from service.cli import exits
from tests.service.commandline import run


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fails(self: Views, *_: object) -> None:
        raise error

    monkeypatch.setattr(Views, "look", fails)


@pytest.mark.parametrize("kind", [OperationalError, DatabaseError])
def test_a_database_that_goes_away_is_no_bug(
    kind: type[DatabaseError], sample_log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, kind("SELECT 1", {}, Exception("server closed the connection")))
    run("board", "--db", sample_log).refused(exits.NO_DATABASE, "server closed the connection")


def test_an_upgrade_below_it_ends_a_command_as_a_log_of_another_version_does(
    sample_log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, OtherHistory("the log has schema version 4 by now"))
    run("board", "--db", sample_log).refused(exits.NO_DATABASE, "version 4 by now")


def test_a_full_disk_is_told_as_one(sample_log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = sqlite3.OperationalError("disk I/O error")
    full.sqlite_errorcode, full.sqlite_errorname = sqlite3.SQLITE_IOERR_SHMSIZE, "SQLITE_IOERR_SHMSIZE"
    failing(monkeypatch, OperationalError("SELECT 1", {}, full))
    run("board", "--db", sample_log).refused(exits.NO_DATABASE, "SQLITE_IOERR_SHMSIZE", "whether it is full")


def test_too_little_memory_is_no_bug_to_report(sample_log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, MemoryError())
    run("board", "--db", sample_log).refused(exits.BUG, "not enough memory")


def test_a_log_that_others_hold_is_worth_another_try(sample_log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, Busy())
    run("board", "--db", sample_log).refused(exits.CONFLICT, "try again")


@pytest.mark.parametrize("error", [ProgrammingError("SELECT 1", {}, Exception("no such column")), KeyError("stage")])
def test_a_bug_shows_its_trace_and_has_a_code_of_its_own(
    error: Exception, sample_log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, error)
    said = run("board", "--db", sample_log)
    assert said.code == exits.BUG
    assert "Traceback" in said.err
    assert "please report" in said.err


def test_a_reader_that_has_seen_enough_meets_no_trace(sample_log: Path) -> None:
    command = f"{sys.executable} -c 'from service.cli import main; main()' history C-004 --json --db {sample_log}"
    done = subprocess.run(["bash", "-c", f"{command} | head -1"], capture_output=True, text=True, check=False)
    assert done.stdout == "{\n"
    assert "Traceback" not in done.stderr
