"""PostgreSQL: an append in one message, which takes the lock, looks at the log, writes and commits.

It is sent as if the log were as those who append believe. Where it is not, nothing is written and they go the long way
(locked.py), which tells what is otherwise. So nobody holds the lock while an answer travels.
docs/adr/0013-one-message-an-append.md.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Any
from uuid import UUID

import psycopg2
from sqlalchemy import Column, Connection, Engine, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError

from engine.log.locked import APPEND_LOCK, execute, is_busy
from engine.log.rows import BODY, Body
from engine.log.sides import CommandRow, Row
from engine.log.tables import NEWEST, commands, events
from engine.log.turns import Busy, writing_connection

MOST = 64
"""Events of one message: more go faster by COPY."""


@dataclass(frozen=True, slots=True)
class Message:
    """What shall be written, positions and times counted from the log's end: the first event has 1 and 0."""

    seen: Mapping[UUID, int]
    """the version that each stream must be at"""
    unknown: Sequence[UUID]
    """commands that must not have been accepted before"""
    versions: Sequence[int]
    bodies: Sequence[Body]
    answers: Sequence[CommandRow]
    """their result without the position and the brace that end it"""
    after: Sequence[int]
    """the position that each answer holds"""
    erasable: Sequence[tuple[Table, Sequence[Row]]]


@dataclass(frozen=True, slots=True)
class End:
    """Of the log, as the message met it. Time in microseconds."""

    position: int
    next_recorded_at: int


def append_in_one_trip(engine: Engine, message: Message) -> End | None:
    """None where the log is not as the message has it: nothing was written.

    Raises Busy, and what the database itself says: SQLAlchemy's IntegrityError where a row clashes.
    """
    beside = tuple(table for table, _ in message.erasable)
    columns: list[Collection[Any]] = [message.seen, message.seen.values(), message.unknown, message.versions]
    columns += zip(*message.bodies, strict=True) if message.bodies else [()] * len(BODY)
    columns += zip(*message.answers, strict=True) if message.answers else [()] * len(commands.columns)
    columns.append(message.after)
    for _, rows in message.erasable:
        columns += zip(*rows, strict=True)
    single = all(len(column) == 1 for column in columns)
    told, texts = [], []
    for kind, column in zip(_kinds(beside), columns, strict=True):
        if kind not in _UNQUOTED:
            told.append("%s")
            texts.append(next(iter(column)) if single else list(column))
        elif single:
            told += ["NULL" if value is None else f"'{_PLAIN[type(value)](value)}'" for value in column]
        else:
            plain = ("null" if value is None else _PLAIN[type(value)](value) for value in column)
            told.append(f"'{{{','.join(plain)}}}'")
    with writing_connection(engine) as kept:
        try:
            append = f"{_prepared(kept.connection, beside, single)} ({', '.join(told)})"
            found = _answer(
                kept.connection, kept.driver, f"SELECT pg_advisory_xact_lock({APPEND_LOCK}); EXECUTE {append}", texts
            )
        except DBAPIError as error:
            if is_busy(error.orig):
                raise Busy from error
            raise
    return None if found is None else End(*found)


def _answer(connection: Connection, driver: Any, statement: str, values: Sequence[Any]) -> tuple[Any, ...] | None:
    """The one row, by the driver itself: by way of SQLAlchemy it costs as much again. Raises what SQLAlchemy would."""
    try:
        with driver.cursor() as cursor:
            cursor.execute(statement, values)
            row: tuple[Any, ...] | None = cursor.fetchone()
            return row
    except psycopg2.Error as error:
        if driver.closed:
            # SQLAlchemy finds the same, and lets go of this connection and of those it opened before it.
            with suppress(DBAPIError):
                execute(connection, "SELECT")
        raise DBAPIError.instance(statement, None, error, psycopg2.Error, hide_parameters=True) from error


_UNQUOTED = {"UUID", "INTEGER", "BIGINT"}
"""Nothing in these could end a literal: the driver, which looks, takes longer for them than the rest of the message."""


_PLAIN: Mapping[type, Callable[[Any], str]] = {UUID: attrgetter("hex"), bytes: bytes.hex, int: str}


def _prepared(connection: Connection, beside: tuple[Table, ...], single: bool) -> str:
    """The name of the statement on this connection: planning it would cost more than running it."""
    name = "_and_".join(["append_one" if single else "append", *(table.name for table in beside)])
    if name not in connection.info:
        types = ", ".join(kind if single else f"{kind}[]" for kind in _kinds(beside))
        execute(connection, f"PREPARE {name} ({types}) AS {_statement(beside, single)}")
        connection.info[name] = True
    return name


@cache
def _kinds(beside: tuple[Table, ...]) -> Sequence[str]:
    """The type of each value of the statement, or of what its array holds."""
    columns: list[Column[Any]] = [events.c.stream_id, events.c.version, commands.c.command_id]
    columns += [events.c.version, *(events.c[name] for name in BODY), *commands.columns, events.c.position]
    columns += [column for table in beside for column in table.columns]
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # the library's
    return [column.type.compile(dialect) for column in columns]


_STREAM, _SEEN, _UNKNOWN, _FIRST = 1, 2, 3, 4


def _statement(beside: tuple[Table, ...], single: bool) -> str:
    """One statement that writes all of it after the head of the log, or nothing and returns no row.

    A look at an index for each stream and command: a join would be planned for the size that a table has that moment.
    single: of each there is one, and no arrays are taken apart, which costs the database as much as writing does.
    """

    def value(mark: int) -> str:
        return f"${mark}" if single else f"(${mark})[n]"

    def each(mark: int) -> str:
        return "(SELECT 1) AS single (n)" if single else f"generate_series(1, cardinality(${mark})) AS n"

    head = f"""
        SELECT coalesce(last.position, 0) AS position,
            greatest((extract(epoch FROM clock_timestamp()) * 1000000)::bigint, last.recorded_at + 1) AS recorded_at
        FROM (SELECT 1) AS one
        LEFT JOIN (SELECT position, recorded_at FROM events ORDER BY position DESC LIMIT 1) AS last ON true
        WHERE (SELECT schema_version FROM meta) = {NEWEST} AND NOT EXISTS (
            SELECT FROM {each(_STREAM)}
            WHERE {value(_SEEN)} <> coalesce((SELECT max(version) FROM events WHERE stream_id = {value(_STREAM)}), 0)
        ) AND NOT EXISTS (
            SELECT FROM {each(_UNKNOWN)}
            WHERE (SELECT command_id FROM commands WHERE command_id = {value(_UNKNOWN)}) IS NOT NULL
        )"""
    mark = iter(range(_FIRST, 1_000))
    bodies = [next(mark) for _ in ("version", *BODY)]
    answers = [next(mark) for _ in commands.columns]
    command, fingerprint, result, recorded_at = map(value, answers)
    body = dict(zip(("version", *BODY), map(value, bodies), strict=True))
    # As insert_rows has it: nothing happens after it was recorded.
    body["occurred_at"] = f"least({body['occurred_at']}, head.recorded_at + n - 1)"
    inserts = [
        f"""INSERT INTO events (position, recorded_at, {", ".join(body)})
        SELECT head.position + n, head.recorded_at + n - 1, {", ".join(body.values())}
        FROM head, {each(bodies[0])}""",
        f"""INSERT INTO commands ({", ".join(commands.columns.keys())})
        SELECT {command}, {fingerprint}, {result} || (head.position + {value(next(mark))}) || '}}',
            head.recorded_at + {recorded_at}
        FROM head, {each(answers[0])}""",
    ]
    for table in beside:
        marks = [next(mark) for _ in table.columns]
        inserts.append(
            f"""INSERT INTO {table.name} ({", ".join(table.columns.keys())})
            SELECT {", ".join(map(value, marks))} FROM head, {each(marks[0])}"""
        )
    written = ", ".join(f"written_{n} AS ({insert})" for n, insert in enumerate(inserts))
    return f"WITH head AS MATERIALIZED ({head}), {written} SELECT position, recorded_at FROM head"
