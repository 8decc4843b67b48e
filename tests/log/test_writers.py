"""Many writers at once, some slow, some giving up, some killed: no event lost, no hole, no deadlock; on both."""

import gc
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID, uuid4
from weakref import ref

import polars as pl
import pytest
from sqlalchemy.exc import DBAPIError

from engine.log import connect, locked, turns
from engine.log.application import Log
from engine.log.feed import read_feed
from engine.log.locked import Busy, append_lock
from engine.log.rows import BODY, insert_rows
from tests.log.entries import OPENED, rows_of, signal, write

ROOT = Path(__file__).resolve().parents[2]
COMMITS = 40


@contextmanager
def process(url: str, *what: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "tests.log.writer", url, *what]
    started = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield started
    finally:
        started.kill()
        started.wait(10)
        assert started.stdout
        started.stdout.close()


def first_line(started: "subprocess.Popen[str]") -> str:
    assert started.stdout
    return started.stdout.readline()


class GiveUp(Exception):
    pass


def test_nothing_is_lost_or_out_of_order_whatever_the_writers_do(log: Log) -> None:
    """Four threads and two processes write, two threads roll back, one process is killed; a reader polls all along."""
    stop, seen = threading.Event(), list[int]()
    streams = [uuid4() for _ in range(4)]

    def plain(stream: UUID) -> None:
        for n in range(COMMITS):
            log.append([write(stream, n, signal(str(n)))])

    def slow(stream: UUID) -> None:
        for _ in range(COMMITS // 4):
            with append_lock(log.engine, [stream]) as writing:
                insert(writing, stream, writing.head.versions[0] + 1)
                time.sleep(0.01)

    def gives_up(stream: UUID) -> None:
        for _ in range(COMMITS // 2):
            with suppress(GiveUp), append_lock(log.engine, [stream]) as writing:
                insert(writing, stream, 1)
                raise GiveUp

    def read() -> None:
        while not stop.is_set():
            seen.extend(read_feed(log, seen[-1] if seen else 0)["position"].to_list())

    reader = threading.Thread(target=read)
    reader.start()
    with process(log.url, "append") as killed, process(log.url, "bulk", "3000") as imported:
        first_line(killed)
        with ThreadPoolExecutor(6) as pool:
            jobs = [
                *(pool.submit(plain, stream) for stream in streams[:2]),
                *(pool.submit(slow, stream) for stream in streams[2:]),
                *(pool.submit(gives_up, uuid4()) for _ in range(2)),
            ]
            for job in jobs:
                job.result(120)
        assert first_line(imported).strip() == "3000"
        killed.kill()
        assert killed.stdout
        # The kill may have cut the last line.
        *acknowledged, _ = killed.stdout.read().split("\n")
    log.append([write(uuid4(), 0, OPENED)])
    time.sleep(0.1)
    stop.set()
    reader.join(30)

    feed = read_feed(log, 0)
    assert feed["position"].to_list() == list(range(1, feed.height + 1))
    assert seen == feed["position"].to_list()[: len(seen)]
    assert feed.height - len(seen) <= 1
    assert (feed["recorded_at"].diff().drop_nulls() > 0).all()
    versions = feed.group_by("stream_id").agg(pl.col("version"))
    assert all(found == list(range(1, len(found) + 1)) for found in versions["version"].to_list())
    assert [len(log.stream(stream)) for stream in streams] == [COMMITS, COMMITS, COMMITS // 4, COMMITS // 4]
    stream, version = acknowledged[-1].split()
    assert len(log.stream(UUID(stream))) >= int(version)
    assert feed.filter(pl.col("payload") == OPENED.payload()).height == 3_001


def insert(writing: locked.Writing, stream: UUID, version: int) -> None:
    one = uuid4().bytes
    row = dict.fromkeys(BODY, one) | {
        "stream_id": stream.bytes,
        "type": "deal.delivered.v1",
        "occurred_at": 1,
        "causation_id": None,
        "origin": "test",
        "payload": "{}",
    }
    insert_rows(writing, [version], [[row[name]] for name in BODY])


def test_a_writer_killed_in_the_middle_of_its_turn_gives_the_lock_back(log: Log) -> None:
    with process(log.url, "hold") as holder:
        assert first_line(holder) == "holding\n"
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(log.append, [write(uuid4(), 0, OPENED)])
            time.sleep(0.2)
            assert not waiting.done()
            holder.kill()
            assert [event.position for event in waiting.result(10)] == [1]


def test_every_acknowledged_append_outlives_a_kill(database_url: str) -> None:
    with process(database_url, "append") as killed:
        for _ in range(30):
            first_line(killed)
        killed.kill()
        assert killed.stdout
        last = killed.stdout.read().splitlines()[-1:]
    log = Log(database_url)
    stored = rows_of(log)
    assert [row[0] for row in stored] == list(range(1, len(stored) + 1))
    assert len(stored) >= 60
    for stream, version in (line.split() for line in last):
        assert len(log.stream(UUID(stream))) >= int(version)
    log.close()


def test_who_waits_too_long_is_told_that_the_log_is_busy(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "LOCK_SECONDS", 0.2)
    monkeypatch.setattr(turns, "LOCK_SECONDS", 0.2)
    log = Log(database_url)
    with append_lock(log.engine), pytest.raises(Busy, match="try again"):
        log.append([write(uuid4(), 0, OPENED)])
    assert log.append([write(uuid4(), 0, OPENED)])[0].position == 1
    log.close()


def test_a_table_that_somebody_has_locked_is_busy_too_at_the_first_append_and_later(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "LOCK_SECONDS", 0.2)
    log = Log(postgres_url)
    for position in (1, 2):
        with log.engine.connect() as another:
            another.exec_driver_sql("BEGIN; LOCK TABLE events")
            with pytest.raises(Busy, match="try again"):
                log.append([write(uuid4(), 0, OPENED)])
            another.exec_driver_sql("COMMIT")
        assert log.append([write(uuid4(), 0, OPENED)])[0].position == position
    log.close()


def test_what_the_database_says_of_a_broken_file_is_told_as_any_error_of_a_database_is(sqlite_url: str) -> None:
    log = Log(sqlite_url)
    log.append([write(uuid4(), 0, OPENED)])
    log.close()
    assert log.engine.url.database
    with sqlite3.connect(log.engine.url.database) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'events'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    with Path(log.engine.url.database).open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    with pytest.raises(DBAPIError, match="malformed"):
        log.append([write(uuid4(), 0, OPENED)])
    log.close()


def test_a_log_that_nobody_holds_is_let_go_of_though_it_was_never_closed(sqlite_url: str) -> None:
    log = Log(sqlite_url)
    log.append([write(uuid4(), 0, OPENED)])
    engine = ref(log.engine)
    del log
    gc.collect()
    assert engine() is None


def test_a_closed_log_holds_its_file_no_longer(sqlite_url: str) -> None:
    """Though a connection is kept for writing: SQLite removes its second file when the last connection is closed."""
    log = Log(sqlite_url)
    beside = Path(f"{log.engine.url.database}-wal")
    log.append([write(uuid4(), 0, OPENED)])
    assert beside.exists()
    log.close()
    assert not beside.exists()
    assert log.append([write(uuid4(), 0, OPENED)])[0].position == 2
    log.close()


def test_who_stands_still_under_the_lock_loses_it(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "IDLE_SECONDS", 0.2)
    log = Log(postgres_url)
    lost = False
    with suppress(DBAPIError), append_lock(log.engine) as writing:
        time.sleep(0.5)
        lost = True
        writing.connection.exec_driver_sql("SELECT 1")
        lost = False
    assert lost
    assert log.append([write(uuid4(), 0, OPENED)])[0].position == 1
    log.close()


@pytest.mark.parametrize(
    "act", [lambda log: log.position(), lambda log: read_feed(log, 0), lambda log: log.stream(uuid4())]
)
def test_readers_do_not_wait_for_a_writer(log: Log, act: Callable[[Log], object]) -> None:
    with append_lock(log.engine), ThreadPoolExecutor(1) as pool:
        pool.submit(act, log).result(3)


def test_who_waited_sees_what_was_written_meanwhile_whatever_the_database_s_default(postgres_url: str) -> None:
    first = Log(postgres_url)
    with first.engine.connect() as connection:
        name = connection.exec_driver_sql("SELECT current_database()").scalar_one()
        connection.exec_driver_sql(f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = 'repeatable read'")
    first.close()
    ahead, behind = Log(postgres_url), Log(postgres_url)
    with ThreadPoolExecutor(1) as pool:
        with append_lock(ahead.engine) as writing:
            waiting = pool.submit(behind.append, [write(uuid4(), 0, OPENED)])
            until = time.monotonic() + 30
            while not waits_for_a_lock(writing):
                assert time.monotonic() < until
                time.sleep(0.01)
            insert(writing, uuid4(), 1)
        waiting.result(30)
    assert read_feed(behind, 0)["position"].to_list() == [1, 2]
    ahead.close()
    behind.close()


def waits_for_a_lock(writing: locked.Writing) -> bool:
    here = "(SELECT oid FROM pg_database WHERE datname = current_database())"
    asked = f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = {here}"
    return bool(writing.connection.exec_driver_sql(asked).scalar_one())
