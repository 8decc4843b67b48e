"""A log copied to another database is the same log: proven by reading both with the drivers alone."""

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg2
import pytest
from sqlalchemy import make_url

from engine.aggregates.deal.commands import OpenDeal
from engine.aggregates.inputs import PersonRef, SourceKey
from engine.errors import Conflict
from engine.handle import handle
from engine.log import copying, schema
from engine.log.application import Log
from engine.log.copying import contents, copy_log
from engine.log.erasure import erase_person
from engine.log.tables import metadata
from service.cli import exits
from service.keys import create_key, owner_of_key
from tests.postgres import Server
from tests.service.commandline import run
from tests.service.http.conftest import START, publish


def rows(url: str, table: str) -> list[tuple[Any, ...]]:
    """All rows as plain values, by the driver alone; ids and bytes as bytes."""
    where = make_url(url)
    columns = ", ".join(metadata.tables[table].columns.keys())
    connection: Any
    if where.get_backend_name() == "sqlite":
        connection = sqlite3.connect(str(where.database))
    else:
        connection = psycopg2.connect(host=where.query["host"], user=where.username, dbname=where.database)
    cursor = connection.cursor()
    cursor.execute(f"SELECT {columns} FROM {table}")
    found = [tuple(plain(value) for value in row) for row in cursor.fetchall()]
    connection.close()
    return sorted(found, key=repr)


def plain(value: Any) -> Any:
    if isinstance(value, memoryview):
        return bytes(value)
    if isinstance(value, str) and len(value) == 36 and value.count("-") == 4:
        return UUID(value).bytes
    return value


@pytest.fixture
def filled(database_url: str) -> str:
    """A log with something in every table that a copy could spoil: odd texts, nulls, empty texts, an erasure."""
    publish(database_url)
    log = Log(database_url)
    actor = PersonRef(source="crm", key="müller\x1f\x1e", name='"Müller"\r\n, Ünal \\. \\x41')
    titles = ["", " ", "\\N", "\\.", "a\tb\nc\r\nd", "NULL", "emoji 🙂", "'quoted' \"twice\"", "x" * 200]
    for n, title in enumerate(titles):
        record = SourceKey(source="crm", key=f"d{n}")
        customer = PersonRef(source="crm", key=f"c{n}", name=title.strip()[:200] or None, email=f"c{n}@example.com")
        opening = OpenDeal(pipeline="loans", title=title.strip() or None, record=record, person=customer)
        handle(log, opening, actor=actor, origin="cli", command_id=uuid4())
    person = owner_of_key(log, "crm:c3")
    erase_person(log, person, person)
    create_key(log, owner_of_key(log, "login:ops"), "ops", now=START)
    with log.engine.connect() as connection:
        read = {"read_id": uuid4().bytes, "person_id": uuid4().bytes, "key_id": uuid4().bytes}
        if connection.dialect.name != "sqlite":
            read = {name: UUID(bytes=value).hex for name, value in read.items()}  # type: ignore[misc]
        connection.execute(metadata.tables["reads"].insert().values(read_at=1, path="/", query="", **read))
    log.close()
    return database_url


@pytest.fixture(params=["sqlite", "postgresql"])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'copy.db'}"
    url: str = request.getfixturevalue("empty_postgres")
    return url


@pytest.fixture
def other_url(filled: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new database of the kind that the log is not in."""
    if not filled.startswith("sqlite"):
        return f"sqlite:///{tmp_path / 'copy.db'}"
    url: str = request.getfixturevalue("empty_postgres")
    return url


@pytest.fixture
def empty_postgres(postgres_server: Server) -> Iterator[str]:
    with postgres_server.copy_of("template1") as url:
        yield url


def test_every_row_of_every_table_is_the_same_and_work_goes_on_there(filled: str, new_url: str) -> None:
    done = copy_log(filled, new_url)
    for table in metadata.tables:
        assert rows(new_url, table) == rows(filled, table), table
    counts = {each.table: each.rows for each in done.tables}
    assert counts["events"] == done.position == 11
    assert min(counts[name] for name in ("people", "texts", "keys", "commands", "erasures", "api_keys", "reads")) > 0
    assert contents(filled) == contents(new_url) == done
    log = Log(new_url)
    assert log.log_id == done.log_id
    opened = handle(log, OpenDeal(pipeline="loans"), actor=owner_of_key(log, "login:ops"), origin="cli")
    assert opened.events[0].position == 12
    log.close()
    assert run("check", "--db", new_url, "--json").answer["n"] == 0


def test_there_and_back_is_where_it_began(filled: str, other_url: str, tmp_path: Path) -> None:
    back = f"sqlite:///{tmp_path / 'back.db'}"
    copy_log(filled, other_url)
    copy_log(other_url, back)
    assert contents(back) == contents(filled)


def test_a_digest_sees_any_change(filled: str) -> None:
    before = {each.table: each for each in contents(filled).tables}
    log = Log(filled)
    changes = {
        "people": "UPDATE people SET name = NULL WHERE name = 'NULL'",
        "texts": "UPDATE texts SET body = 'a' || body WHERE body = 'NULL'",
        "reads": "UPDATE reads SET path = ''",
        "keys": "DELETE FROM keys WHERE key = 'd1'",
    }
    with log.engine.connect() as connection:
        for statement in changes.values():
            assert connection.exec_driver_sql(statement).rowcount == 1
    log.close()
    after = {each.table: each for each in contents(filled).tables}
    assert {name for name in before if before[name] != after[name]} == set(changes)


def test_many_rows_go_by_parts(filled: str, other_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = contents(filled)
    monkeypatch.setattr(copying, "AT_ONCE", 2)
    told: list[tuple[int, int]] = []
    assert copy_log(filled, other_url, lambda done, total: told.append((done, total))) == whole
    total = 2 * sum(each.rows for each in whole.tables)
    assert told[-1] == (total, total)
    assert len(told) > 20


def test_a_copy_is_the_log_of_one_moment_while_others_write(filled: str, tmp_path: Path) -> None:
    target, stop = f"sqlite:///{tmp_path / 'copy.db'}", threading.Event()
    log = Log(filled)
    actor = owner_of_key(log, "login:ops")

    def write() -> None:
        while not stop.is_set():
            handle(log, OpenDeal(pipeline="loans", title="late"), actor=actor, origin="cli")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        time.sleep(0.1)
        copied = copy_log(filled, target)
    finally:
        stop.set()
        writer.join(10)
    assert 11 < copied.position < log.position()
    log.close()
    events = rows(target, "events")
    assert len(events) == copied.position
    assert set(events) <= set(rows(filled, "events"))
    # A text is there exactly when the event that speaks of it is.
    late = {row[-1] for row in events if '"title"' in row[-1]}
    assert len(rows(target, "texts")) >= len(late) - 2


def test_what_holds_something_is_not_copied_over(filled: str, own_sample: Path, tmp_path: Path) -> None:
    other = own_sample
    before = contents(f"sqlite:///{other}")
    run("db", "copy", filled, other).refused(exits.REFUSED, "holds something already", "events")
    assert contents(f"sqlite:///{other}") == before
    run("db", "copy", filled, filled).refused(exits.REFUSED, "same database")
    run("db", "copy", tmp_path / "missing.db", tmp_path / "x.db").refused(exits.NO_DATABASE, "dealtrail db init")
    assert not (tmp_path / "x.db").exists()


def test_a_copy_that_does_not_read_back_the_same_is_none(
    filled: str, other_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forgetful(connection: Any, table: Any, frame: Any) -> None:
        whole(connection, table, frame.head(frame.height - 1) if table.name == "texts" else frame)

    whole = copying.insert
    monkeypatch.setattr(copying, "insert", forgetful)
    with pytest.raises(Conflict, match=r"in texts: nothing was copied"):
        copy_log(filled, other_url)
    monkeypatch.undo()
    assert contents(other_url).position == 0
    assert schema.status(other_url).log_id != contents(filled).log_id
    copy_log(filled, other_url)


def test_a_copy_that_is_killed_leaves_nothing_and_is_made_again(filled: str, other_url: str) -> None:
    script = (
        "import sys, os, signal; from engine.log import copying\n"
        "def die(*_): os.kill(os.getpid(), signal.SIGKILL)\n"
        "copying.refuse_used = lambda c: None; real = copying.insert\n"
        "copying.insert = lambda c, t, f: die() if t.name == 'texts' else real(c, t, f)\n"
        "copying.copy_log(sys.argv[1], sys.argv[2])\n"
    )
    assert subprocess.run([sys.executable, "-c", script, filled, other_url], check=False).returncode == -9
    assert sum(each.rows for each in contents(other_url).tables) == 0
    assert copy_log(filled, other_url) == contents(filled)


def test_the_command_line_tells_what_it_compared(filled: str, other_url: str) -> None:
    copied = run("db", "copy", filled, other_url, "--json").answer
    assert run("db", "digest", "--db", other_url, "--json").answer == copied
    drawn = run("db", "digest", "--db", filled)
    assert copied["tables"][0]["sha256"][:20] in drawn.out
    assert "position 11" in drawn.out
