"""The schema of a log and how a database gets there: numbered scripts, each run once, all in one transaction.

Creating and upgrading are done explicitly (`dealtrail db init`, `dealtrail db upgrade`), never in passing. Any number
of processes may do it at once: one does the work, the others wait and find it done.
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal
from uuid import UUID, uuid4

from sqlalchemy import URL, Connection, Engine, inspect, select
from sqlalchemy.exc import OperationalError

from engine.errors import Conflict, Rejected
from engine.log.connect import SQLITE, connect, database, sqlite_file
from engine.log.locked import APPEND_LOCK
from engine.log.tables import NEWEST, meta

OLDEST = 15
"""The version of PostgreSQL that was tried; a log is made on no older one."""
_MIGRATION_LOCK = 0x6465616C_00000002
_WAIT_SECONDS = 30

State = Literal["missing", "old", "current", "newer"]


@dataclass(frozen=True)
class Status:
    """What is in a database: version 0 and no log_id where there is no log."""

    url: str
    version: int
    newest: int
    log_id: UUID | None

    @property
    def state(self) -> State:
        if self.version == 0:
            return "missing"
        if self.version == self.newest:
            return "current"
        return "old" if self.version < self.newest else "newer"


def init(url: str) -> Status:
    """Makes an empty log with the newest schema; one that is there already is left as it is.

    Raises Rejected for a log with another schema version, Conflict when somebody else holds the database for long.
    """
    return _migrate(database(url), create=True)


def upgrade(url: str) -> Status:
    """Brings an existing log to the newest schema; Rejected where there is none, or one of a newer program."""
    return _migrate(database(url), create=False)


def status(url: str) -> Status:
    """Which schema version the database has. Changes nothing and creates no file."""
    where = database(url)
    file = sqlite_file(where)
    if file and not file.exists():
        return Status(_shown(where), 0, NEWEST, None)
    engine = connect(where)
    try:
        with engine.connect() as connection:
            _refuse_without_limits(connection)
            return _status(where, connection)
    finally:
        engine.dispose()


def require_current(url: str) -> UUID:
    """The id of the log; Rejected, with the command that helps, where its schema is not the one this program knows."""
    found = status(url)
    remedies: dict[State, str] = {
        "missing": f"there is no log in {found.url}: create it with `dealtrail db init --db {found.url}`",
        "old": f"the log in {found.url} has schema version {found.version}, this program needs {found.newest}: "
        f"upgrade it with `dealtrail db upgrade --db {found.url}`",
        "newer": f"the log in {found.url} has schema version {found.version}, this program knows {found.newest}: "
        "install a newer dealtrail",
    }
    if found.state in remedies or found.log_id is None:
        raise Rejected(remedies[found.state])
    return found.log_id


def _migrate(where: URL, create: bool) -> Status:
    file = sqlite_file(where)
    if file and not file.parent.is_dir():
        raise Rejected(f"the folder {str(file.parent)!r} of the database does not exist: create it first")
    if file and not os.access(file.parent, os.W_OK):
        raise Rejected(
            f"the folder {str(file.parent)!r} of the database can't be written: SQLite keeps files beside it"
        )
    if file and not create and not file.exists():
        raise Rejected(f"there is no log in {_shown(where)}: create it with `dealtrail db init --db {_shown(where)}`")
    engine = connect(where)
    try:
        with _alone(engine) as connection:
            found = _status(where, connection)
            if create and found.state == "old":
                raise Rejected(
                    f"{found.url} holds a log of schema version {found.version}: "
                    f"use `dealtrail db upgrade --db {found.url}`"
                )
            if not create and found.state == "missing":
                raise Rejected(f"there is no log in {found.url}: create it with `dealtrail db init --db {found.url}`")
            if found.state == "newer":
                raise Rejected(f"{found.url} has schema version {found.version}: install a newer dealtrail")
            if found.state == "missing":
                _refuse_unfit(connection, found.url)
            for version in range(found.version + 1, NEWEST + 1):
                _run(connection, version)
            return _status(where, connection)
    finally:
        engine.dispose()


def _refuse_without_limits(connection: Connection) -> None:
    """Without them who hangs with the lock would stop all writers for ever. A pooler may pass over what we ask for."""
    if connection.dialect.name == SQLITE:
        return
    timeout, plans = connection.exec_driver_sql(
        "SELECT current_setting('lock_timeout'), current_setting('plan_cache_mode')"
    ).one()
    if timeout == "0" or plans == "auto":
        raise Rejected(
            "the database does not have the limits that we ask for by `options` (lock_timeout, ...): a pooler between "
            "drops them; have it pool by session, and set them for the role, as docs/operations.md says"
        )


def _refuse_unfit(connection: Connection, shown: str) -> None:
    if connection.dialect.name == SQLITE:
        return
    version, encoding, schema = connection.exec_driver_sql(
        "SELECT current_setting('server_version_num')::int, current_setting('server_encoding'), current_schema()"
    ).one()
    if version < OLDEST * 10_000:
        raise Rejected(f"{shown} is served by PostgreSQL {version // 10_000}: {OLDEST} is the oldest that holds a log")
    if encoding != "UTF8":
        raise Rejected(
            f"{shown} is encoded in {encoding}, which does not hold every text: make the database with "
            "`createdb --encoding=UTF8 --template=template0`"
        )
    if schema is None:
        raise Rejected(f"{shown} has no schema to put tables in: create the one that search_path names, or set another")


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """A transaction that no second migration can be in."""
    with engine.connect() as connection:
        if engine.dialect.name == SQLITE:
            _begin_sqlite(connection)
        else:
            connection.exec_driver_sql(f"SET lock_timeout = '{_WAIT_SECONDS}s'")
            connection.exec_driver_sql("BEGIN")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
            # A program that is still running writes before it, or sees after it that it must not (history.py).
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({APPEND_LOCK})")
        try:
            yield connection
        except BaseException:
            connection.exec_driver_sql("ROLLBACK")
            raise
        connection.exec_driver_sql("COMMIT")
        # The settings of this connection are no one else's.
        connection.invalidate()


def _begin_sqlite(connection: Connection) -> None:
    deadline = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            # Readers go on while a writer writes. Kept in the file; the change itself does not wait for others.
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except OperationalError as error:
            if getattr(error.orig, "sqlite_errorcode", None) != sqlite3.SQLITE_BUSY:
                raise
            if time.monotonic() > deadline:
                raise Conflict("another program has held the database for long: end it and try again") from error
            time.sleep(0.01)
        else:
            return


def _run(connection: Connection, version: int) -> None:
    script = files("engine.log").joinpath(f"migrations/{version:04}.{connection.dialect.name}.sql").read_text("utf-8")
    driver: Any = connection.connection.driver_connection
    cursor = driver.cursor()
    for statement in _statements(script) if connection.dialect.name == SQLITE else [script]:
        cursor.execute(statement)
    cursor.close()
    if version == 1:
        log_id = uuid4()
        stored = log_id.bytes if connection.dialect.name == SQLITE else log_id
        connection.execute(meta.insert(), {"one": 1, "log_id": stored, "schema_version": version})
    else:
        connection.execute(meta.update(), {"schema_version": version})


def _statements(script: str) -> Iterator[str]:
    """SQLite runs one statement at a time; a trigger's body holds semicolons of its own."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _status(where: URL, connection: Connection) -> Status:
    if not inspect(connection).has_table(meta.name):
        return Status(_shown(where), 0, NEWEST, None)
    log_id, version = connection.execute(select(meta.c.log_id, meta.c.schema_version)).one()
    return Status(_shown(where), version, NEWEST, UUID(bytes=log_id) if isinstance(log_id, bytes) else log_id)


def _shown(where: URL) -> str:
    return where.render_as_string(hide_password=True)
