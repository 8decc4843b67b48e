"""On what, and when, a thread writes: one of a process at a time, on a connection that is kept.

Processes queue for the file of SQLite, or for the lock in PostgreSQL, which wakes a writer by the commit before it.
"""

import random
import sqlite3
import time
from collections.abc import Callable
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary, ref

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError

from engine.errors import DealtrailError
from engine.log.connect import LOCK_SECONDS, SQLITE
from engine.log.history import required_same_file


class Busy(DealtrailError):
    """Other writers have held the log for so long that we gave up; nothing was written, trying again is safe."""

    def __init__(self, said: str = "") -> None:
        told = f"the log is busy: other writers have held it for {LOCK_SECONDS} seconds; nothing was written, try again"
        super().__init__(said or told)


def writing_connection(engine: Engine) -> "_Kept":
    """For a with block. The threads of a process queue here: they would queue for the log's lock anyway."""
    return _KEPT.get(engine) or _KEPT.setdefault(engine, _Kept(engine))


class _Kept:
    """The one connection of an engine that writes.

    On SQLite what it has read of the file stays good while no other writes; on PostgreSQL its statements are prepared.
    """

    connection: Connection
    driver: Any
    """the same as the driver has it: a statement by way of SQLAlchemy costs several times as much"""

    def __init__(self, engine: Engine) -> None:
        self.turn = Lock()
        self._engine = ref(engine)
        """weak, or no engine would ever be let go of: _KEPT holds this for as long as it lives"""
        self._open = False
        self._require_same_file: Callable[[], None] | None = None
        event.listen(engine, "engine_disposed", self._disposed)

    def __enter__(self) -> "_Kept":
        """Busy after LOCK_SECONDS."""
        if not self.turn.acquire(timeout=LOCK_SECONDS):
            raise Busy
        try:
            if not self._open or self.connection.invalidated:
                self._close()
                self._connect()
            if self._require_same_file is not None:
                self._require_same_file()
        except BaseException:
            self.turn.release()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.turn.release()

    def _connect(self) -> None:
        engine = self._engine()
        assert engine is not None, "who writes holds it"
        self.connection = engine.connect()
        self.driver = self.connection.connection.driver_connection
        self._open = True
        if engine.dialect.name == SQLITE:
            self.connection.exec_driver_sql(_DO_NOT_WAIT)
            self._require_same_file = required_same_file(self.connection)

    def _disposed(self, _engine: Engine) -> None:
        with self.turn:
            self._close()

    def _close(self) -> None:
        if self._open:
            # Not back to the pool, where connections wait for the file.
            self.connection.invalidate()
            self.connection.close()
            self._open = False
            del self.connection, self.driver


_KEPT: WeakKeyDictionary[Engine, _Kept] = WeakKeyDictionary()
_DO_NOT_WAIT = "PRAGMA busy_timeout=0"


def begin_sqlite(connection: Connection) -> None:
    """BEGIN IMMEDIATE on a connection of the pool."""
    driver: Any = connection.connection.driver_connection
    driver.execute(_DO_NOT_WAIT)
    try:
        begin_immediate(driver)
    finally:
        driver.execute(f"PRAGMA busy_timeout={LOCK_SECONDS * 1000}")


def begin_immediate(driver: sqlite3.Connection) -> None:
    """On a connection that does not wait by itself: it waits in small random steps.

    SQLite's own waiting backs off to steps of 100 ms and so starves under many writers, each of which is done in less.
    """
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise OperationalError("BEGIN IMMEDIATE", None, error) from error
            if time.monotonic() > deadline:
                raise Busy from error
            time.sleep(random.uniform(0.0002, 0.002))
        else:
            return
