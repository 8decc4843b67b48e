"""The archive: begun with or not, the answers are the same; what is not this log's history is refused."""

import shutil
from pathlib import Path
from uuid import uuid4

import polars as pl
import pytest
from sqlalchemy import select

from engine.errors import Conflict, NotFound, Rejected
from engine.log.application import Log
from engine.log.tables import people, texts
from engine.projections.lens import Lens
from engine.projections.views import Views
from replay import archive
from replay.archive import belonging, load, status, views_of
from replay.archive_build import build
from replay.archive_files import columns_of
from replay.archive_folder import drop
from replay.archive_manifest import (
    LOCK,
    MANIFEST,
    TABLES,
    ArchiveRefused,
    Manifest,
    only_one,
    read_manifest,
    write_manifest,
)
from service.settings import archive_folder
from tests.replay.archive.histories import WIDTH, frames, write_history


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def nobody(message: str) -> None:
    raise AssertionError(f"nothing was to be said: {message}")


def rows(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, whatever files it is in."""
    manifest = read_manifest(folder)
    assert manifest is not None
    columns = columns_of(folder, manifest)
    found = {name: side.all().rows() for name, side in columns.sides.items()}
    found["attributes"].sort()
    return found | {"events": columns.events.all().rows(), "streams": columns.streams.all().rows()}


def test_a_start_from_the_archive_answers_as_a_start_from_the_log(history: Log, folder: Path) -> None:
    built = build(history, folder, width=WIDTH)
    assert (built.read, built.written) == (history.position(), len(built.manifest.ranges))
    assert len(built.manifest.ranges) >= 5
    start = load(history, folder)
    assert start is not None
    assert start.columns.position == history.position()
    assert frames(Views(history, start)) == frames(Views(history))


def test_what_came_after_the_archive_is_read_from_the_log(history: Log, folder: Path) -> None:
    build(history, folder, width=WIDTH)
    write_history(history, journeys=9, seed=2)
    assert status(history, folder).state == "behind"
    assert status(history, folder).behind > 9
    assert frames(views_of(history, folder, nobody)) == frames(Views(history))


def test_only_ranges_in_which_something_happened_are_written_anew(history: Log, folder: Path) -> None:
    before = build(history, folder, width=WIDTH).manifest
    write_history(history, journeys=5, seed=2)
    built = build(history, folder)
    kept = [each for each in built.manifest.ranges if each in before.ranges]
    assert (len(kept), built.written) == (len(before.ranges) - 1, len(built.manifest.ranges) - len(kept))
    whole = folder.with_name("whole")
    build(history, whole, width=WIDTH)
    assert rows(folder) == rows(whole)
    assert frames(views_of(history, folder, nobody)) == frames(Views(history))


def test_no_file_is_left_that_nobody_names(history: Log, folder: Path) -> None:
    build(history, folder, width=WIDTH)
    (folder / "events-0123456789ab.parquet").write_bytes(b"half")
    (folder / "piece-of-a-killed-writer.arrow").write_bytes(b"half")
    write_history(history, journeys=5, seed=2)
    manifest = build(history, folder).manifest
    assert {path.name for path in folder.iterdir()} == {part.file for part in manifest.parts} | {MANIFEST, LOCK}


def test_an_archive_that_is_up_to_date_is_left_as_it_is(history: Log, folder: Path) -> None:
    first = build(history, folder).manifest
    again = build(history, folder)
    assert (again.manifest, again.read, again.written) == (first, 0, 0)
    assert status(history, folder).state == "current"


def test_a_log_without_events_has_an_archive_too(log: Log, folder: Path) -> None:
    manifest = build(log, folder).manifest
    assert (manifest.position, manifest.journeys, manifest.ranges) == (0, 0, ())
    assert frames(views_of(log, folder, nobody)) == {}
    write_history(log, journeys=3)
    assert build(log, folder).manifest.journeys == 3
    assert frames(views_of(log, folder, nobody)) == frames(Views(log))


def test_the_archive_of_another_log_is_refused_and_the_log_alone_read(history: Log, folder: Path) -> None:
    manifest = build(history, folder).manifest
    write_manifest(folder, manifest.model_copy(update={"log_id": uuid4()}))
    with pytest.raises(ArchiveRefused, match="another log"):
        load(history, folder)
    said: list[str] = []
    assert frames(views_of(history, folder, said.append)) == frames(Views(history))
    assert "another log" in said[0]
    assert status(history, folder).state == "refused"
    with pytest.raises(Rejected, match="archive drop --dir"):
        build(history, folder)
    assert read_manifest(folder) != manifest


def test_a_restored_database_is_another_history(history_path: Path, folder: Path) -> None:
    """The backup and what was lost share the log's id, and even positions."""
    backup = history_path.with_name("backup.db")
    shutil.copyfile(history_path, backup)
    lost, restored = Log(f"sqlite:///{history_path}"), Log(f"sqlite:///{backup}")
    write_history(lost, journeys=6, seed=2)
    build(lost, folder)
    with pytest.raises(ArchiveRefused, match="the log has no event"):
        load(restored, folder)
    write_history(restored, journeys=30, seed=3)
    with pytest.raises(ArchiveRefused, match="another history"):
        load(restored, folder)
    assert frames(views_of(restored, folder, lambda message: None)) == frames(Views(restored))
    anew = build(restored, folder)
    assert "another history" in (anew.instead_of or "")
    assert "build it anew" not in (anew.instead_of or ""), "it was"
    assert (anew.read, frames(views_of(restored, folder, nobody))) == (restored.position(), frames(Views(restored)))
    lost.close()
    restored.close()


def damaged(folder: Path, how: str) -> None:
    manifest = read_manifest(folder)
    assert manifest is not None
    victim = folder / manifest.ranges[1].parts["events"].file
    if how == "gone":
        victim.unlink()
    elif how == "cut":
        victim.write_bytes(victim.read_bytes()[:-100])
    elif how == "overwritten":
        victim.write_bytes(b"\0" * victim.stat().st_size)
    elif how == "flipped":
        content = bytearray(victim.read_bytes())
        content[len(content) // 3] ^= 1
        victim.write_bytes(content)
    elif how == "manifest":
        (folder / MANIFEST).write_text("{")
    else:
        other = manifest.model_copy(update={"meaning": "what numbers meant to another version"})
        (folder / MANIFEST).write_text(other.model_dump_json())


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("gone", "lacks"),
        ("cut", "bytes"),
        ("overwritten", "not as it was written"),
        ("flipped", "not as it was written"),
        ("manifest", "no manifest"),
        ("meaning", "another version"),
    ],
)
def test_what_was_damaged_is_refused_and_built_anew(history: Log, folder: Path, how: str, words: str) -> None:
    build(history, folder, width=WIDTH)
    damaged(folder, how)
    with pytest.raises(ArchiveRefused, match=words):
        load(history, folder)
    said: list[str] = []
    assert frames(views_of(history, folder, said.append)) == frames(Views(history))
    assert words in said[0]
    assert words in (status(history, folder, verify=True).why or "")
    assert words in (build(history, folder).instead_of or "")
    assert status(history, folder, verify=True).state == "current"
    assert frames(views_of(history, folder, nobody)) == frames(Views(history))


def test_who_looks_at_the_lengths_alone_sees_no_flipped_bit(history: Log, folder: Path) -> None:
    """Every read and every build looks; only the quick status does not."""
    build(history, folder, width=WIDTH)
    damaged(folder, "flipped")
    assert status(history, folder).state == "current"
    assert status(history, folder, verify=True).state == "refused"


@pytest.mark.parametrize(("how", "words"), [("gone", "lacks"), ("cut", "bytes"), ("manifest", "no manifest")])
def test_a_build_begins_anew_where_a_file_is_gone_or_cut_though_nothing_is_new(
    history: Log, folder: Path, how: str, words: str
) -> None:
    build(history, folder, width=WIDTH)
    damaged(folder, how)
    seen = status(history, folder)
    assert seen.state == "refused"
    assert words in (seen.why or "")
    assert words in (build(history, folder).instead_of or "")
    assert status(history, folder).state == "current"
    assert frames(Views(history, load(history, folder))) == frames(Views(history))


def test_a_reader_looks_again_when_the_files_were_replaced_under_its_hands(
    history: Log, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = build(history, folder, width=WIDTH).manifest
    write_history(history, journeys=30, seed=2)
    build(history, folder)
    answers = [old]

    def late(log: Log, of: Path) -> Manifest | None:
        return answers.pop() if answers else belonging(log, of)

    monkeypatch.setattr(archive, "belonging", late)
    start = load(history, folder)
    assert start is not None
    assert (start.columns.position, answers) == (history.position(), [])


def test_one_process_writes_at_a_time(history: Log, folder: Path) -> None:
    with only_one(folder):
        with pytest.raises(Conflict, match="another process"):
            build(history, folder)
        with pytest.raises(Conflict, match="another process"):
            drop(folder)
    build(history, folder)


def test_dropping_removes_the_folder_and_says_when_there_is_none(history: Log, folder: Path) -> None:
    build(history, folder)
    drop(folder)
    assert not folder.exists()
    assert status(history, folder).state == "none"
    with pytest.raises(NotFound):
        drop(folder)


def test_what_is_not_the_archive_s_is_left_alone(history: Log, folder: Path) -> None:
    build(history, folder)
    others = {name: (folder / name) for name in ("report.parquet", "events-2025.parquet", "notes.txt")}
    for name, path in others.items():
        path.write_text(name)
    (folder / "sub").mkdir()
    (folder / "manifest.json").unlink()
    build(history, folder)
    drop(folder)
    assert {path.name for path in folder.iterdir()} == {*others, "sub"}
    assert all(path.read_text() == name for name, path in others.items())


@pytest.mark.parametrize("names", [["log.db"], ["mine.parquet"], ["manifest.json"], ["lock", "log.db"]])
def test_a_folder_of_something_else_is_neither_built_in_nor_dropped(
    history: Log, folder: Path, names: list[str]
) -> None:
    folder.mkdir()
    for name in names:
        (folder / name).write_text("precious")
    with pytest.raises(Rejected, match="name a new or an empty folder"):
        build(history, folder)
    with pytest.raises(NotFound):
        drop(folder)
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)


def test_a_file_in_the_folder_s_place_is_refused_and_the_log_answers(history: Log, folder: Path) -> None:
    folder.write_text("precious")
    assert status(history, folder).state == "refused"
    with pytest.raises(Rejected, match="no folder to write in"):
        build(history, folder)
    said: list[str] = []
    assert views_of(history, folder, said.append).look("direct", Lens.of()).position == history.position()
    assert "reading the whole log instead" in said[0]


def test_the_archive_holds_no_name_and_no_free_text(history: Log, folder: Path) -> None:
    with history.engine.connect() as connection:
        personal = {word for row in connection.execute(select(people.c.name, people.c.email)) for word in row if word}
        personal |= set(connection.execute(select(texts.c.body)).scalars())
    assert len(personal) > 50
    build(history, folder, width=WIDTH)
    held = "\n".join(
        word
        for path in folder.glob("*.parquet")
        for column in pl.read_parquet(path).select(pl.col(pl.String)).get_columns()
        for word in column.drop_nulls().unique()
    )
    held += (folder / MANIFEST).read_text()
    assert [word for word in personal if len(word) > 8 and word in held] == []


def test_a_table_without_rows_has_no_file(history: Log, folder: Path) -> None:
    """No policy has run on the simulated history, and its journeys have no customers."""
    assert set(TABLES) - set(build(history, folder).manifest.ranges[0].parts) == {"customers", "notes", "stalls"}


def test_the_archive_stands_beside_an_sqlite_file_and_where_one_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("DEALTRAIL_ARCHIVE", raising=False)
    assert archive_folder(f"sqlite:///{tmp_path}/deals.db") == tmp_path / "deals.db.archive"
    assert archive_folder("postgresql+psycopg2://localhost/sales") is None
    monkeypatch.setenv("DEALTRAIL_ARCHIVE", "/srv/archive")
    assert archive_folder("postgresql+psycopg2://localhost/sales") == Path("/srv/archive")
