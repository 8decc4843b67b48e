"""The append lock: one transaction at a time writes, on both databases.

Positions must become visible in order, without holes: a reader that polls by position would else step over an event
whose transaction commits later. So positions are given under this lock, which is held until the commit.
"""

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, CursorResult, Engine
from sqlalchemy.exc import DBAPIError

from engine.log.connect import SQLITE
from engine.log.history import require_version
from engine.log.turns import Busy, begin_immediate, begin_sqlite, writing_connection

__all__ = ["APPEND_LOCK", "Busy", "Head", "Writing", "append_lock", "begin_sqlite", "execute", "is_busy"]

APPEND_LOCK = 0x6465616C_00000001
_LOCK_NOT_AVAILABLE = "55P03"


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the log under the lock. Times in microseconds."""

    position: int
    """of the last event, 0 when there is none"""
    next_recorded_at: int
    """the database's clock, and always after the last event's"""
    versions: Sequence[int]
    """of the streams asked for, 0 where new"""
    commands: Mapping[UUID, tuple[str, str]]
    """fingerprint and result of those of the commands asked for that were accepted before"""


class Writing:
    """What is written under the lock. On PostgreSQL the statements wait for the commit and go with it."""

    def __init__(self, connection: Connection, driver: Any, head: Head) -> None:
        """driver: the connection as the driver has it."""
        self.connection = connection
        self.driver = driver
        self.head = head
        self.sqlite = connection.dialect.name == SQLITE
        self._waiting: list[str] = []

    def insert(self, into: str, rows: Sequence[tuple[object, ...]], unless: str = "") -> None:
        """INSERT INTO {into} of the rows, {unless} they clash (ON CONFLICT ...); ids as each database keeps them."""
        if not rows:
            return
        if self.sqlite:
            self.driver.executemany(_insert_sqlite(into, len(rows[0]), unless), rows)
            return
        row_of_marks = f"({', '.join(['%s'] * len(rows[0]))})"
        with self.driver.cursor() as cursor:
            if len(rows) <= _FEW:
                run = f"EXECUTE {self._prepared(into, len(rows[0]), unless)} {row_of_marks}"
                self._waiting += [cursor.mogrify(run, row).decode() for row in rows]
                return
            for start in range(0, len(rows), _AT_ONCE):
                some = rows[start : start + _AT_ONCE]
                marks = ", ".join([row_of_marks] * len(some))
                values = [value for row in some for value in row]
                self._waiting.append(cursor.mogrify(f"INSERT INTO {into} VALUES {marks} {unless}", values).decode())

    def _prepared(self, into: str, columns: int, unless: str) -> str:
        """Its name on this connection: a row takes the database half the time when the statement is planned already."""
        marks = ", ".join(f"${n}" for n in range(1, columns + 1))
        insert = f"INSERT INTO {into} VALUES ({marks}) {unless}"
        names: dict[str, str] = self.connection.info.setdefault(_INSERTS, {})
        if insert not in names:
            name = f"insert_{len(names)}"
            execute(self.connection, f"PREPARE {name} AS {insert}")
            names[insert] = name
        return names[insert]

    def commit(self) -> None:
        """A row that clashes with one that is there is refused here at the latest."""
        if self.sqlite:
            self.driver.execute("COMMIT")
        else:
            execute(self.connection, "; ".join([*self._waiting, "COMMIT"]))


_INSERTS = "dealtrail inserts"
_FEW = 20
_AT_ONCE = 1_000


@cache
def _insert_sqlite(into: str, columns: int, unless: str) -> str:
    return f"INSERT INTO {into} VALUES ({', '.join('?' * columns)}) {unless}"


def execute(connection: Connection, statement: str) -> CursorResult[Any]:
    """A statement that is complete: no percent sign in it stands for a parameter."""
    return connection.exec_driver_sql(statement, execution_options={"no_parameters": True})


@contextmanager
def append_lock(engine: Engine, streams: Sequence[UUID] = (), commands: Sequence[UUID] = ()) -> Iterator[Writing]:
    """Holds the lock for the block; commits at its end, rolls back when it raises. Busy after LOCK_SECONDS; what the
    database says is told as SQLAlchemy does (IntegrityError where a row clashes).

    The head tells the versions of the streams and what is known of the commands. OtherHistory where the schema is
    another by now.
    """
    with writing_connection(engine) as kept:
        try:
            if engine.dialect.name == SQLITE:
                begin_immediate(kept.driver)
                head = _head_sqlite(kept.driver, streams, commands)
            else:
                head = _begin_postgresql(kept.connection, streams, commands)
            writing = Writing(kept.connection, kept.driver, head)
            yield writing
            writing.commit()
        except BaseException as error:
            _roll_back(kept.connection)
            if isinstance(error, sqlite3.Error):
                # By its driver statements take a quarter of the time; what it raises is what SQLAlchemy would.
                raise DBAPIError.instance(None, None, error, sqlite3.Error, hide_parameters=True) from error
            if isinstance(error, DBAPIError) and is_busy(error.orig):
                raise Busy from error
            raise


def is_busy(error: BaseException | None) -> bool:
    """Whether PostgreSQL gave up waiting for the lock."""
    return getattr(error, "pgcode", None) == _LOCK_NOT_AVAILABLE


def _roll_back(connection: Connection) -> None:
    if connection.invalidated:
        # SQLAlchemy has seen that it is broken; the database has rolled back.
        return
    try:
        driver = connection.connection.driver_connection
        if not isinstance(driver, sqlite3.Connection) or driver.in_transaction:
            connection.exec_driver_sql("ROLLBACK")
    except DBAPIError:
        # The connection itself is broken; the database has rolled back. It must not go back to the pool.
        connection.invalidate()


def _head_sqlite(driver: sqlite3.Connection, streams: Sequence[UUID], commands: Sequence[UUID]) -> Head:
    schema, position, recorded_at = driver.execute(_END_SQLITE).fetchone()
    require_version(schema)
    version = "SELECT coalesce(max(version), 0) FROM events WHERE stream_id = ?"
    versions = [driver.execute(version, (stream.bytes,)).fetchone()[0] for stream in streams]
    known = "SELECT fingerprint, result FROM commands WHERE command_id = ?"
    found = ((command, driver.execute(known, (command.bytes,)).fetchone()) for command in commands)
    accepted = {command: row for command, row in found if row is not None}
    return Head(position, max(time.time_ns() // 1000, recorded_at + 1), versions, accepted)


_LAST = "FROM events ORDER BY position DESC LIMIT 1"
_END_SQLITE = f"""
SELECT schema_version, coalesce((SELECT position {_LAST}), 0), coalesce((SELECT recorded_at {_LAST}), 0) FROM meta
"""


# Prepared once a connection: planning it costs more than running it. The lock comes first, in a statement of its own,
# so that what follows sees what the writer before has committed. Each stream and command is looked up by its index: a
# join would be planned for the size that the table has that moment, and read all of it when it has grown.
_PREPARE = """
PREPARE head_of_log (uuid[], uuid[]) AS
SELECT (SELECT schema_version FROM meta), head.position, head.recorded_at,
    (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
    ARRAY(SELECT coalesce((SELECT max(version) FROM events WHERE stream_id = stream), 0)
          FROM unnest($1) WITH ORDINALITY AS asked (stream, n) ORDER BY n),
    (SELECT json_object_agg(command, (
        SELECT json_build_array(fingerprint, result) FROM commands WHERE command_id = command
     )) FROM unnest($2) AS asked (command))
FROM (SELECT 1) AS one
LEFT JOIN (SELECT position, recorded_at FROM events ORDER BY position DESC LIMIT 1) AS head ON true
"""
_PREPARED = "dealtrail head_of_log"


def _begin_postgresql(connection: Connection, streams: Sequence[UUID], commands: Sequence[UUID]) -> Head:
    """One round trip: begin, lock, and look at the end of the log."""
    if _PREPARED not in connection.info:
        execute(connection, _PREPARE)
        connection.info[_PREPARED] = True
    asked = "', '".join(f"{{{','.join(each.hex for each in ids)}}}" for ids in (streams, commands))
    row = execute(
        connection, f"BEGIN; SELECT pg_advisory_xact_lock({APPEND_LOCK}); EXECUTE head_of_log ('{asked}')"
    ).one()
    schema, position, recorded_at, now, versions, accepted = tuple(row)
    require_version(schema)
    known = {UUID(command): tuple(answer) for command, answer in (accepted or {}).items() if answer is not None}
    return Head(position or 0, max(now, (recorded_at or 0) + 1), versions, known)
