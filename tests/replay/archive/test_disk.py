"""A full disk is no bug: what was asked for is refused with a remedy, and what stood there stands.

Instead of a full disk the system is told to let no file grow: the same calls fail in the same places.
"""

import errno
import os
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest

from engine.errors import Rejected
from engine.log.application import Log
from engine.projections.lens import Lens
from replay.archive import status
from replay.archive_build import build
from replay.archive_manifest import LOCK
from replay.disk import writing
from replay.export.manifest import Format
from replay.export.run import Asked, export
from replay.export.sql import replace_tables
from replay.export.target import Unreachable
from tests.replay.archive.histories import write_history


@contextmanager
def no_room() -> Iterator[None]:
    """No file of this process grows beyond what SQLite takes to read."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (32_768, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def log(history_path: Path) -> Iterator[Log]:
    log = Log(f"sqlite:///{history_path}")
    yield log
    log.close()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != LOCK}


def test_an_archive_that_finds_no_room_leaves_none_behind_and_the_older_one_as_it_was(log: Log, tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    write_history(log, journeys=150, seed=3)
    with no_room(), pytest.raises(Rejected, match=r"archive can't be written \(File too large\)"):
        build(log, folder)
    assert contents(folder) == {}
    build(log, folder)
    before = contents(folder)
    write_history(log, journeys=60, seed=2)
    with no_room(), pytest.raises(Rejected, match="can't be written"):
        build(log, folder)
    assert contents(folder) == before
    assert status(log, folder).state == "behind"
    build(log, folder)
    assert status(log, folder).state == "current"


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl", "xes"])
def test_an_export_that_finds_no_room_names_its_file_and_leaves_nothing(log: Log, tmp_path: Path, form: Format) -> None:
    path = tmp_path / "new" / f"events.{form}"
    path.parent.mkdir()
    with no_room(), pytest.raises(Rejected, match=rf"events\.{form} can't be written \(File too large\)"):
        export(log, Asked("events", Lens.of()), path, form)
    assert list(path.parent.iterdir()) == []


def test_tables_that_find_no_room_are_refused_with_their_database(log: Log, tmp_path: Path) -> None:
    to = f"sqlite:///{tmp_path / 'bi.db'}"
    with no_room(), pytest.raises(Unreachable, match=r"bi\.db can't be written to, nothing was written: "):
        replace_tables(log, Asked("journeys", Lens.of(), pipeline="direct"), ["visits", "journeys"], to)
    replace_tables(log, Asked("journeys", Lens.of(), pipeline="direct"), ["visits", "journeys"], to)


def test_a_database_that_is_full_is_a_full_disk() -> None:
    database = sqlite3.connect(":memory:")
    database.execute("PRAGMA max_page_count = 2")
    database.execute("CREATE TABLE full (text)")
    with pytest.raises(Rejected, match=f"{os.strerror(errno.ENOSPC)}.*make room"), writing(Path("x")):
        database.execute("INSERT INTO full VALUES (zeroblob(100000))")


def test_what_no_disk_said_stays_as_it_is() -> None:
    with pytest.raises(FileNotFoundError), writing(Path("x")):
        Path("/no/such/file").read_bytes()
    with pytest.raises(pl.exceptions.ColumnNotFoundError), writing(Path("x")):
        pl.DataFrame({"a": [1]}).select("b")
