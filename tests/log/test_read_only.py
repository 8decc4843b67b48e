"""A log that may be read and not written: whoever audits it need not be given more than that."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from engine.errors import Rejected
from engine.log import schema
from engine.log.application import Log
from engine.log.feed import read_feed
from engine.log.history import OtherHistory
from engine.log.read_only import takes_no_writes
from service.cli import exits
from service.http_errors import refusal
from tests.log.test_history import create
from tests.service.commandline import run


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Path]:
    """A folder as it is for an account that may only read it; root, which the tests may run as, may always write."""
    allowed = os.access

    def lock(folder: Path) -> Path:
        for each in [folder, *folder.iterdir()]:
            each.chmod(0o555 if each.is_dir() else 0o444)

        def access(path: Path, mode: int) -> bool:
            within = Path(path) == folder or folder in Path(path).parents
            return allowed(path, mode) and not (within and mode & os.W_OK)

        monkeypatch.setattr(os, "access", access)
        return folder

    return lock


@pytest.fixture
def copied(sqlite_url: str, tmp_path: Path) -> Path:
    """The file of a log with one event."""
    log = Log(sqlite_url)
    create(log, "first")
    log.close()
    folder = tmp_path / "copied"
    folder.mkdir()
    return Path(shutil.copy(sqlite_url.removeprefix("sqlite:///"), folder))


def test_a_log_at_rest_is_read_and_nothing_is_put_beside_it(copied: Path, locked: Callable[[Path], Path]) -> None:
    folder = locked(copied.parent)
    assert run("check", "--db", copied, "--json").answer["n"] == 0
    assert run("db", "status", "--db", copied, "--json").answer["version"] == schema.NEWEST
    log = Log(f"sqlite:///{copied}")
    assert read_feed(log, 0).height == 1
    with pytest.raises(Exception, match="readonly") as refused:
        create(log, "second")
    assert takes_no_writes(refused.value)
    told = refusal(refused.value, question=False)
    assert told is not None
    assert (told.kind, "takes no writes" in told.detail) == ("unreachable", True)
    log.close()
    assert list(folder.iterdir()) == [copied]
    said = run("keys", "create", "--role", "auditor", "--person", "anna", "--db", copied)
    said.refused(exits.REFUSED, "takes no writes")


def test_a_log_that_is_being_written_is_read_with_what_is_not_in_the_file_yet(
    sqlite_url: str, locked: Callable[[Path], Path]
) -> None:
    written = Log(sqlite_url)
    create(written, "first")
    locked(Path(sqlite_url.removeprefix("sqlite:///")).parent)
    log = Log(sqlite_url)
    assert log.position() == 1
    create(written, "second")
    assert log.position() == 2
    log.close()
    written.close()


def test_what_only_a_writer_could_put_together_is_refused_with_the_remedy(
    copied: Path, locked: Callable[[Path], Path]
) -> None:
    copied.with_name(f"{copied.name}-wal").write_bytes(b"not in the file yet")
    locked(copied.parent)
    with pytest.raises(Rejected, match="copy both to a folder that you may write"):
        Log(f"sqlite:///{copied}")


def test_a_file_read_as_one_at_rest_is_let_go_of_once_somebody_writes_it(
    copied: Path, locked: Callable[[Path], Path]
) -> None:
    locked(copied.parent)
    log = Log(f"sqlite:///{copied}")
    assert log.position() == 1
    copied.chmod(0o644)
    copied.parent.chmod(0o755)
    with closing(sqlite3.connect(copied)) as other:
        other.execute("UPDATE meta SET schema_version = schema_version")
        other.commit()
        with pytest.raises(OtherHistory, match="was written"):
            log.position()
    log.close()


def test_no_log_is_made_where_nothing_can_be_written(tmp_path: Path, locked: Callable[[Path], Path]) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    locked(folder)
    with pytest.raises(Rejected, match="can't be written"):
        schema.init(f"sqlite:///{folder / 'new.db'}")
