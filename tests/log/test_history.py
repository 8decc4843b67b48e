"""Who has read one history of a log is told when the database holds another: a backup put back, a lossy failover."""

import asyncio
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from engine.aggregates.inputs import PersonRef
from engine.aggregates.pipeline.commands import CreatePipeline
from engine.handle import handle
from engine.log import schema
from engine.log.application import Log
from engine.log.copying import copy_log
from engine.log.history import OtherHistory
from engine.log.locked import append_lock
from engine.projections import views as reading
from engine.projections.views import Views
from replay.archive import load
from replay.archive_build import build
from service.app import follow
from service.notices.lease import transaction
from service.running import Running
from service.settings import Serving
from tests.log.test_schema import set_version

REP = PersonRef(source="login", key="rep-01")


def create(log: Log, *keys: str) -> None:
    for key in keys:
        handle(log, CreatePipeline(pipeline=key, name=key), actor=REP, origin="cli")


@pytest.fixture
def standby(log: Log, tmp_path: Path) -> Log:
    """The same log, up to its first event: the second never came there."""
    create(log, "first")
    url = f"sqlite:///{tmp_path / 'standby.db'}"
    copy_log(log.url, url)
    create(log, "lost")
    return Log(url)


def read_anew(log: Log, _folder: Path) -> Views:
    views = Views(log)
    views.catch_up()
    return views


def read_by_batches(log: Log, folder: Path) -> Views:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "FEW_EVENTS", 0)
        return read_anew(log, folder)


def begun_with_an_archive(log: Log, folder: Path) -> Views:
    build(log, folder / "archive")
    return Views(log, load(log, folder / "archive"))


@pytest.mark.parametrize("begun", [read_anew, read_by_batches, begun_with_an_archive])
def test_views_are_told_that_what_they_read_is_lost(
    log: Log, standby: Log, tmp_path: Path, begun: Callable[[Log, Path], Views]
) -> None:
    views = begun(log, tmp_path)
    views.catch_up()
    views.log = standby
    for more in ((), ("instead",), ("and", "more")):
        # At its end, beside it, and when the other history has long passed it.
        create(standby, *more)
        with pytest.raises(OtherHistory, match="position 2"):
            views.catch_up()
    standby.close()


def test_views_go_on_where_a_standby_has_all_they_read(log: Log, standby: Log) -> None:
    create(standby, "second")
    views = Views(standby)
    views.catch_up()
    views.log = log
    with pytest.raises(OtherHistory):
        views.catch_up()
    views.log = standby
    create(standby, "third")
    views.catch_up()
    assert views.position == standby.position() == 3
    standby.close()


def test_a_program_below_which_the_schema_was_upgraded_reads_and_writes_no_more(log: Log) -> None:
    views = Views(log)
    create(log, "first")
    views.catch_up()
    set_version(log.url, schema.NEWEST + 1)
    attempts: list[Callable[[], object]] = [
        lambda: create(log, "second"),
        lambda: create(log, *"twenty"),
        lambda: append_lock(log.engine).__enter__(),
        lambda: transaction(log.engine).__enter__(),
        views.catch_up,
    ]
    for attempt in attempts:
        with pytest.raises(OtherHistory, match=f"version {schema.NEWEST + 1} by now"):
            attempt()
    assert log.position() == 1
    set_version(log.url, schema.NEWEST)
    create(log, "second")
    views.catch_up()
    assert views.position == 2


def test_an_upgrade_waits_for_what_is_being_written(log: Log) -> None:
    upgrading = threading.Thread(target=schema.upgrade, args=(log.url,))
    with append_lock(log.engine):
        upgrading.start()
        upgrading.join(0.1)
        assert upgrading.is_alive()
    upgrading.join(30)
    assert not upgrading.is_alive()


def replaced(file: Path) -> None:
    shutil.copyfile(file, file.with_suffix(".old"))
    file.with_suffix(".old").rename(file)


@pytest.mark.parametrize("meddle", [replaced, Path.unlink])
def test_nothing_is_written_to_a_file_that_is_there_no_more(sqlite_url: str, meddle: Callable[[Path], object]) -> None:
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    log = Log(sqlite_url)
    create(log, "first")
    meddle(file)
    with pytest.raises(OtherHistory, match="removed or replaced"):
        create(log, "second")
    with pytest.raises(OtherHistory, match="removed or replaced"):
        log.position()
    log.close()
    if meddle is replaced:
        with closing(sqlite3.connect(file)) as there:
            assert there.execute("SELECT count(*) FROM events").fetchone()[0] <= 1
    else:
        assert not file.exists()


def test_a_process_that_serves_is_told_once_that_it_must_end(sqlite_url: str) -> None:
    running = Running(sqlite_url, Serving())
    create(running.log, "first")
    running.keep_up()
    said: list[str] = []

    def ends(why: str) -> None:
        said.append(why)
        raise asyncio.CancelledError

    running.when_void = ends
    replaced(Path(sqlite_url.removeprefix("sqlite:///")))
    with suppress(asyncio.CancelledError):
        asyncio.run(follow(running))
    assert len(said) == 1
    assert "start again" in said[0]
    running.close()
