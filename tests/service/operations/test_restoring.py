"""Backups as docs/operations.md tells to make them, taken while others write, restored, and checked."""

import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from engine.aggregates.deal.commands import OpenDeal
from engine.handle import handle
from engine.log.application import Log
from engine.log.copying import contents
from engine.log.feed import read_feed
from service.keys import owner_of_key
from tests.postgres import Server, installed
from tests.service.commandline import run
from tests.service.http.conftest import publish

BEFORE = 30


def open_deals(log: Log, many: int) -> None:
    actor = owner_of_key(log, "login:ops")
    for _ in range(many):
        handle(log, OpenDeal(pipeline="loans", title="a text beside"), actor=actor, origin="cli")


@contextmanager
def writing(log: Log) -> Iterator[None]:
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            open_deals(log, 1)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        stop.set()
        writer.join(20)


def backed_up(url: str, folder: Path) -> Path:
    where = make_url(url)
    backup = folder / "backup"
    if where.get_backend_name() == "sqlite":
        # What `sqlite3 sales.db ".backup copy.db"` does.
        with closing(sqlite3.connect(str(where.database))) as live, closing(sqlite3.connect(backup)) as copy:
            live.backup(copy)
        return backup
    command = [str(installed() / "pg_dump"), "--format=custom", f"--file={backup}"]
    server = [f"--host={where.query['host']}", "--username=postgres", str(where.database)]
    subprocess.run([*command, *server], check=True)
    return backup


def restored(backup: Path, server: Server | None) -> str:
    if server is None:
        return f"sqlite:///{backup}"
    name = f"restored_{uuid4().hex}"
    url = server.create(name)
    to = [f"--host={server.socket_folder}", "--username=postgres", f"--dbname={name}"]
    subprocess.run([str(installed() / "pg_restore"), "--exit-on-error", *to, str(backup)], check=True)
    return url


@pytest.fixture
def server(database_url: str, request: pytest.FixtureRequest) -> Server | None:
    if database_url.startswith("sqlite"):
        return None
    found: Server = request.getfixturevalue("postgres_server")
    return found


def test_a_restored_backup_is_the_log_as_it_was_and_goes_on(
    database_url: str, server: Server | None, tmp_path: Path
) -> None:
    publish(database_url)
    log = Log(database_url)
    open_deals(log, BEFORE)
    quiet = contents(database_url)
    with writing(log):
        backup = backed_up(database_url, tmp_path)
    url = restored(backup, server)
    after = contents(url)
    assert quiet.position <= after.position <= log.position()
    assert after.log_id == quiet.log_id
    copy = Log(url)
    assert read_feed(copy, 0).equals(read_feed(log, 0, after.position))
    # As many texts as openings: what is written together is restored together.
    texts = next(each.rows for each in after.tables if each.table == "texts")
    assert texts == after.position - 2
    assert run("check", "--db", url, "--json").answer["n"] == 0
    with copy.engine.connect() as connection, pytest.raises(DBAPIError, match="events are never"):
        connection.exec_driver_sql("UPDATE events SET payload = '{}'")
    open_deals(copy, 1)
    assert copy.position() == after.position + 1
    copy.close()
    log.close()


def test_a_backup_of_a_log_at_rest_has_its_digests(database_url: str, server: Server | None, tmp_path: Path) -> None:
    publish(database_url)
    log = Log(database_url)
    open_deals(log, 3)
    log.close()
    url = restored(backed_up(database_url, tmp_path), server)
    said = run("db", "digest", "--db", url, "--json").answer
    assert said == run("db", "digest", "--db", database_url, "--json").answer
    assert said["position"] == 5
