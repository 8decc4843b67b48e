"""The archive read ahead: what views begin with only where it is the archive that the log has by then."""

from pathlib import Path

import pytest

from engine.log.application import Log
from engine.log.connect import database, sqlite_file
from engine.log.frames import schema_of
from engine.projections.intake import NEEDED
from engine.projections.views import Views
from replay import archive, archive_files
from replay.archive import load, views_of
from replay.archive_ahead import reading_ahead
from replay.archive_build import build
from replay.archive_files import Held, read_table
from replay.archive_manifest import MANIFEST, TABLES, TOLD, ArchiveRefused, Manifest
from service.settings import archive_folder
from tests.replay.archive.histories import WIDTH, frames, write_history


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def nobody(message: str) -> None:
    raise AssertionError(f"nothing was to be said: {message}")


def test_views_begin_with_what_was_read_ahead(history: Log, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(history, folder, width=WIDTH)
    with reading_ahead(folder) as ahead:
        monkeypatch.setattr(archive, "held", read_again)
        assert frames(views_of(history, folder, nobody, ahead)) == frames(Views(history))


def read_again(folder: Path, manifest: Manifest) -> Held:
    raise AssertionError("the archive is read a second time")


def test_what_was_read_before_the_archive_was_replaced_is_left_aside(history: Log, folder: Path) -> None:
    before = build(history, folder, width=WIDTH).manifest
    with reading_ahead(folder) as ahead:
        assert ahead(before) is not None
        write_history(history, journeys=5, seed=2)
        after = build(history, folder).manifest
        assert ahead(after) is None
        start = load(history, folder, ahead)
    assert start is not None
    assert start.columns.position == after.position == history.position()
    assert frames(Views(history, start)) == frames(Views(history))


def test_why_an_archive_can_not_be_read_is_told_by_who_knows_the_log(history: Log, folder: Path) -> None:
    build(history, folder)
    (folder / MANIFEST).write_text("{}")
    with reading_ahead(folder) as ahead, pytest.raises(ArchiveRefused, match="no manifest of this program"):
        load(history, folder, ahead)


def test_there_may_be_no_archive_to_read_ahead(log: Log, folder: Path) -> None:
    for place in (folder, None):
        with reading_ahead(place) as ahead:
            assert load(log, folder, ahead) is None


def test_a_long_table_is_read_column_by_column_and_is_the_same(
    history: Log, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranges = build(history, folder, width=WIDTH).manifest.ranges
    at_once = {name: read_table(folder, name, ranges) for name in TABLES}
    monkeypatch.setattr(archive_files, "IN_ONE_GO", 0)
    for name, rows in at_once.items():
        assert read_table(folder, name, ranges).equals(rows)
        assert rows.n_chunks() == 1


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////var/deals.db",
        "sqlite:///deals.db",
        "sqlite+pysqlite:///some folder/deals.db?timeout=3",
        "postgresql+psycopg2:///sales",
        "postgresql+psycopg2://somebody:secret@localhost/sales",
    ],
)
def test_the_place_of_an_archive_is_that_of_the_file_that_sqlalchemy_opens(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DEALTRAIL_ARCHIVE", raising=False)
    file = sqlite_file(database(url))
    assert archive_folder(url) == (None if file is None else Path(f"{file}.archive"))


def test_what_is_told_beside_the_journeys_has_the_columns_that_the_feed_has() -> None:
    """It is said in the manifest again, for not to import a database."""
    assert list(TOLD.items()) == list(schema_of(NEEDED).items())
