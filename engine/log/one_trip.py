"""PostgreSQL: an append in one message, which takes the lock, looks at the log, writes and commits.

It is sent as if the log were as those who append believe. Where it is not, nothing is written and they go the long way
(locked.py), which tells what is otherwise. So nobody holds the lock while an answer travels.
docs/adr/0013-one-message-an-append.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Connection, Engine, Table
from sqlalchemy.dialects import postgresql

from engine.log.locked import APPEND_LOCK, busy_told, execute
from engine.log.rows import BODY, Body
from engine.log.sides import CommandRow, Row
from engine.log.tables import commands, events

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
    columns: list[Iterable[Any]] = [message.seen, message.seen.values(), message.unknown, message.versions]
    columns += zip(*message.bodies, strict=True) if message.bodies else [()] * len(BODY)
    columns += zip(*message.answers, strict=True) if message.answers else [()] * len(commands.columns)
    columns.append(message.after)
    for _, rows in message.erasable:
        columns += zip(*rows, strict=True)
    arrays = tuple(_array(kind, values) for kind, values in zip(_kinds(beside), columns, strict=True))
    with engine.connect() as connection, busy_told():
        marks = ", ".join(["%s"] * len(arrays))
        run = f"SELECT pg_advisory_xact_lock({APPEND_LOCK}); EXECUTE {_prepared(connection, beside)} ({marks})"
        found = connection.exec_driver_sql(run, arrays).one_or_none()
    return None if found is None else End(*found)


def _array(kind: str, values: Iterable[Any]) -> str | list[Any]:
    if kind == "UUID":
        return f"{{{','.join(map(_hex, values))}}}"
    if kind in ("INTEGER", "BIGINT"):
        return f"{{{','.join(map(str, values))}}}"
    return list(values)


def _hex(value: UUID | bytes | None) -> str:
    if value is None:
        return "null"
    return value.hex() if isinstance(value, bytes) else value.hex


def _prepared(connection: Connection, beside: tuple[Table, ...]) -> str:
    """The name of the statement on this connection: planning it would cost more than running it."""
    name = "_and_".join(["append", *(table.name for table in beside)])
    if name not in connection.info:
        types = ", ".join(f"{kind}[]" for kind in _kinds(beside))
        execute(connection, f"PREPARE {name} ({types}) AS {_statement(beside)}")
        connection.info[name] = True
    return name


_STREAMS, _SEEN, _UNKNOWN, _FIRST = "$1", "$2", "$3", 4


@cache
def _kinds(beside: tuple[Table, ...]) -> Sequence[str]:
    """The type of each array of the statement."""
    columns: list[Column[Any]] = [events.c.stream_id, events.c.version, commands.c.command_id]
    columns += [events.c.version, *(events.c[name] for name in BODY), *commands.columns, events.c.position]
    columns += [column for table in beside for column in table.columns]
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # the library's
    return [column.type.compile(dialect) for column in columns]


@cache
def _statement(beside: tuple[Table, ...]) -> str:
    """One statement that writes all of it after the head of the log, or nothing and returns no row.

    A look at an index for each stream and command: a join would be planned for the size that a table has that moment.
    """
    mark = iter(range(_FIRST, 1_000))
    first_of_events = f"${_FIRST}"
    body = ", ".join(f"(${next(mark)})[n]" for _ in ("version", *BODY))
    answer, fingerprint, result, recorded_at, after = (f"(${next(mark)})[n]" for _ in (*commands.columns, "after"))
    first_of_answers = answer.removesuffix("[n]")
    inserts = [
        f"""INSERT INTO events (position, recorded_at, version, {", ".join(BODY)})
        SELECT head.position + n, head.recorded_at + n - 1, {body}
        FROM head, generate_series(1, cardinality({first_of_events})) AS n""",
        f"""INSERT INTO commands ({", ".join(commands.columns.keys())})
        SELECT {answer}, {fingerprint}, {result} || (head.position + {after}) || '}}', head.recorded_at + {recorded_at}
        FROM head, generate_series(1, cardinality({first_of_answers})) AS n""",
    ]
    for table in beside:
        values = [f"(${next(mark)})[n]" for _ in table.columns]
        inserts.append(
            f"""INSERT INTO {table.name} ({", ".join(table.columns.keys())})
            SELECT {", ".join(values)}
            FROM head, generate_series(1, cardinality({values[0].removesuffix("[n]")})) AS n"""
        )
    written = ", ".join(f"written_{n} AS ({insert})" for n, insert in enumerate(inserts))
    return f"{_HEAD}, {written} SELECT position, recorded_at FROM head"


_HEAD = f"""
WITH head AS MATERIALIZED (
    SELECT coalesce(last.position, 0) AS position,
        greatest((extract(epoch FROM clock_timestamp()) * 1000000)::bigint, last.recorded_at + 1) AS recorded_at
    FROM (SELECT 1) AS one
    LEFT JOIN (SELECT position, recorded_at FROM events ORDER BY position DESC LIMIT 1) AS last ON true
    WHERE NOT EXISTS (
        SELECT FROM generate_series(1, cardinality({_STREAMS})) AS n
        WHERE ({_SEEN})[n] <> coalesce((SELECT max(version) FROM events WHERE stream_id = ({_STREAMS})[n]), 0)
    ) AND NOT EXISTS (
        SELECT FROM generate_series(1, cardinality({_UNKNOWN})) AS n
        WHERE (SELECT command_id FROM commands WHERE command_id = ({_UNKNOWN})[n]) IS NOT NULL
    )
)"""
