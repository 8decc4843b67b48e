"""Rows into table events, under the append lock: by executemany on SQLite; by INSERT or COPY BINARY on PostgreSQL.

Position, recorded_at and version are known only under the lock; the rest of a row can be made ready before, by column.
"""

import io
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import psycopg2
from sqlalchemy.exc import IntegrityError

from engine.log.locked import Writing

Body = tuple[bytes, bytes, str, int, bytes, bytes, bytes, bytes | None, str, str]
"""A row without its stamp, in the order of BODY; ids are 16 bytes, times microseconds."""
BODY = (
    "event_id",
    "stream_id",
    "type",
    "occurred_at",
    "actor",
    "command_id",
    "correlation_id",
    "causation_id",
    "origin",
    "payload",
)
STAMP = ("position", "recorded_at", "version")
_INTO = f"events ({', '.join((*STAMP, *BODY))})"
_WIDTH = len(STAMP) + len(BODY)
_COPY_FROM = 12
"""Number of rows from which COPY is faster than INSERT."""


def insert_rows(writing: Writing, versions: Sequence[int], columns: Sequence[Iterable[Any]]) -> None:
    """Inserts rows after the head of the log, given by column in the order of BODY.

    Nothing happens after it was recorded: a process whose clock is ahead of the log's tells the moment of recording.
    """
    if not versions:
        return
    _, moments, _ = _stamps(writing, versions)
    columns = [
        map(min, column, moments) if name == "occurred_at" else column
        for name, column in zip(BODY, columns, strict=True)
    ]
    if not writing.sqlite and len(versions) >= _COPY_FROM:
        copy_rows(writing, versions, list(packed(zip(*columns, strict=True))))
        return
    rows = list(zip(*_stamps(writing, versions), *columns, strict=True))
    if not writing.sqlite:
        rows = [tuple(value.hex() if isinstance(value, bytes) else value for value in row) for row in rows]
    writing.insert(_INTO, rows)


def _stamps(writing: Writing, versions: Sequence[int]) -> tuple[range, range, Sequence[int]]:
    """Positions without gaps, times that increase with them."""
    first, moment = writing.head.position + 1, writing.head.next_recorded_at
    return range(first, first + len(versions)), range(moment, moment + len(versions)), versions


# COPY BINARY: a header; each row its number of fields, each field its length (-1: null) and bytes; all big-endian.
# The fields of fixed length come first, so that one call packs them all.
_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_TRAILER = struct.pack(">h", -1)
_STAMP = struct.Struct(">hiqiqii")
_FIXED = struct.Struct(">i16si16siqi16si16si16s")
_NULL = struct.pack(">i", -1)
_COPY = (
    f"COPY events ({', '.join(STAMP)}, event_id, stream_id, occurred_at, actor, command_id, correlation_id, type,"
    " origin, causation_id, payload) FROM STDIN (FORMAT binary)"
)


def packed(bodies: Iterable[Body]) -> Iterator[bytes]:
    """The bodies as COPY BINARY wants them, to be completed by copy_rows."""
    names: dict[tuple[str, str], bytes] = {}
    for event, stream, tag, occurred, actor, command, correlation, cause, origin, payload in bodies:
        name = names.get((tag, origin))
        if name is None:
            name = names[tag, origin] = _field(tag.encode()) + _field(origin.encode())
        fixed = _FIXED.pack(16, event, 16, stream, 8, occurred, 16, actor, 16, command, 16, correlation)
        text = payload.encode()
        yield b"".join((fixed, name, _field(cause) if cause else _NULL, len(text).to_bytes(4, "big"), text))


def copy_rows(writing: Writing, versions: Sequence[int], bodies: Sequence[bytes]) -> None:
    """As insert_rows, of packed bodies, by COPY BINARY. SQLAlchemy's IntegrityError where a version is taken."""
    parts = [_HEADER]
    for position, moment, version, body in zip(*_stamps(writing, versions), bodies, strict=True):
        parts += (_STAMP.pack(_WIDTH, 8, position, 8, moment, 4, version), body)
    parts.append(_TRAILER)
    with writing.driver.cursor() as cursor:
        try:
            cursor.copy_expert(_COPY, io.BytesIO(b"".join(parts)))
        except psycopg2.IntegrityError as error:
            raise IntegrityError(_COPY, None, error) from error


def _field(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data
