"""A whole log from one database into another, with proof that nothing changed; and the digests that prove it.

One transaction reads, so that the copy is the log of one moment, also while others write; one transaction writes, so
that a copy is there whole or not at all. Before it commits, the copy is read back and compared table by table.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import Any
from uuid import UUID

import polars as pl
from sqlalchemy import Connection, LargeBinary, Table, func, select

from engine.errors import Conflict, Rejected
from engine.log.connect import SQLITE, connect, database
from engine.log.frames import QUOTE, SEPARATOR, read_frame
from engine.log.identity import to_database
from engine.log.locked import APPEND_LOCK, begin_sqlite
from engine.log.schema import init, require_current
from engine.log.tables import Id, events, meta, metadata

AT_ONCE = 50_000
"""rows that are in memory at a time"""
TABLES = [table for table in metadata.sorted_tables if table is not meta]
Progress = Callable[[int, int], None]
"""rows done, of how many; each row is read, and read back"""


@dataclass(frozen=True, slots=True)
class Digest:
    """What a table holds: equal digests, equal rows, whichever database keeps them."""

    table: str
    rows: int
    sha256: str
    """over all columns of all rows in the order of the primary key"""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a log holds. The id stays with a copy: a consumer or an archive that is bound to the log goes on there."""

    log_id: UUID
    position: int
    tables: list[Digest]


def copy_log(source: str, target: str, progress: Progress | None = None) -> Contents:
    """Copies the log at one URL to another, which has no log yet or an empty one; returns what both now hold.

    Raises Rejected where there is nothing to copy from, or something where it should go; Conflict where what was
    read back is not what was written: then nothing was copied.
    """
    log_id = require_current(source)
    if database(source) == database(target):
        raise Rejected("both are the same database: name another one to copy to")
    init(target)
    with snapshot(source) as reading, alone(target) as writing:
        refuse_used(writing)
        counted = Counted(2 * sum(count(reading, table) for table in TABLES), progress)
        copied = [counted.digest(table, reading, into=writing) for table in TABLES]
        writing.execute(meta.update().values(log_id=to_database(writing, log_id)))
        found = [counted.digest(table, writing) for table in TABLES]
        if found != copied:
            changed = ", ".join(old.table for old, new in zip(copied, found, strict=True) if old != new)
            raise Conflict(f"what was read back differs from what was written, in {changed}: nothing was copied")
        position = writing.execute(select(func.coalesce(func.max(events.c.position), 0))).scalar_one()
    return Contents(log_id, position, found)


def contents(url: str, progress: Progress | None = None) -> Contents:
    """What the log at the URL holds at this moment."""
    log_id = require_current(url)
    with snapshot(url) as reading:
        counted = Counted(sum(count(reading, table) for table in TABLES), progress)
        found = [counted.digest(table, reading) for table in TABLES]
        position = reading.execute(select(func.coalesce(func.max(events.c.position), 0))).scalar_one()
    return Contents(log_id, position, found)


@contextmanager
def snapshot(url: str) -> Iterator[Connection]:
    """A transaction that sees the database as it is now, whatever is written meanwhile."""
    with transaction(url, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") as connection:
        if connection.dialect.name == SQLITE:
            connection.exec_driver_sql("BEGIN")
        yield connection


@contextmanager
def alone(url: str) -> Iterator[Connection]:
    """A transaction that nobody else can write beside."""
    with transaction(url, "BEGIN") as connection:
        if connection.dialect.name == SQLITE:
            begin_sqlite(connection)
        else:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({APPEND_LOCK})")
        yield connection
        connection.exec_driver_sql("COMMIT")
        if connection.dialect.name != SQLITE:
            # Else PostgreSQL plans the first questions as if the tables were empty.
            connection.exec_driver_sql("ANALYZE")


@contextmanager
def transaction(url: str, begin: str) -> Iterator[Connection]:
    engine = connect(database(url))
    try:
        with engine.connect() as connection:
            if connection.dialect.name != SQLITE:
                connection.exec_driver_sql(begin)
                # This one stands still while the other side works.
                connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            yield connection
    finally:
        # What was not committed is rolled back with the connection.
        engine.dispose()


def refuse_used(connection: Connection) -> None:
    used = [table.name for table in TABLES if connection.execute(select(table).limit(1)).first() is not None]
    if used:
        raise Rejected(f"the database to copy to holds something already ({', '.join(used)}): name a new one")


def count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


class Counted:
    """Reads tables row by row and tells how far it is."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self.total, self.progress, self.done = total, progress, 0

    def digest(self, table: Table, where: Connection, into: Connection | None = None) -> Digest:
        """Of the table there; what is read is also written into the other database, where one is named."""
        found, rows = sha256(), 0
        for frame in frames(where, table):
            text = as_csv(frame)
            found.update(text)
            rows += frame.height
            if into is not None:
                insert(into, table, frame)
            self.done += frame.height
            if self.progress is not None:
                self.progress(self.done, self.total)
        return Digest(table.name, rows, found.hexdigest())


def frames(connection: Connection, table: Table) -> Iterator[pl.DataFrame]:
    """All rows in the order of the primary key, which is the same on both databases: byte by byte."""
    columns = list(table.columns)
    keys = list(table.primary_key.columns)
    text = "" if connection.dialect.name == SQLITE else ' COLLATE "C"'
    order = ", ".join(f"{key.name}{text if str(key.type) == 'TEXT' else ''}" for key in keys)
    marks = ", ".join("?" * len(keys))
    after: tuple[Any, ...] = ()
    while True:
        beyond = f"WHERE ({order}) > ({marks})" if after else ""
        frame = read_frame(connection, columns, f"FROM {table.name} {beyond} ORDER BY {order} LIMIT {AT_ONCE}", after)
        if not frame.is_empty():
            yield frame
        if frame.height < AT_ONCE:
            return
        last = frame.row(-1, named=True)
        after = tuple(
            to_database(connection, UUID(hex=last[key.name])) if key.type is Id else last[key.name] for key in keys
        )


def as_csv(frame: pl.DataFrame) -> bytes:
    """One way to write rows down, by both databases: null is nothing, an empty text a pair of quotes."""
    written = frame.write_csv(
        include_header=False, separator=SEPARATOR, quote_char=QUOTE, quote_style="non_numeric", line_terminator="\n"
    )
    return written.encode()


def insert(connection: Connection, table: Table, frame: pl.DataFrame) -> None:
    binary = [column.name for column in table.columns if isinstance(column.type, LargeBinary)]
    names = ", ".join(frame.columns)
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == SQLITE:
        rows = zip(*frame.with_columns(pl.col(binary).str.decode("hex")).iter_columns(), strict=True)
        driver.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({', '.join('?' * frame.width)})", rows)
        return
    plain = [column.name for column in table.columns if column.name in binary and column.type is not Id]
    ready = frame.with_columns((pl.lit("\\x") + pl.col(name)).alias(name) for name in plain)
    with driver.cursor() as cursor:
        cursor.copy_expert(
            f"COPY {table.name} ({names}) FROM STDIN (FORMAT csv, DELIMITER '{SEPARATOR}', QUOTE '{QUOTE}')",
            BytesIO(as_csv(ready)),
        )
