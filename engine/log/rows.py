"""Rows into table events, under the append lock: by executemany on SQLite; by INSERT or COPY BINARY on PostgreSQL.

What can be prepared without the lock is a Body; position, recorded_at and version are known only under it.
"""

import io
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from engine.log.connect import SQLITE


class Body(NamedTuple):
    """A row without its stamp; ids are 16 bytes, times microseconds."""

    event_id: bytes
    stream_id: bytes
    type: str
    occurred_at: int
    actor: bytes
    command_id: bytes
    correlation_id: bytes
    causation_id: bytes | None
    origin: str
    payload: str


STAMP = ("position", "recorded_at", "version")
_INSERT = f"INSERT INTO events ({', '.join((*STAMP, *Body._fields))}) VALUES "
_WIDTH = len(STAMP) + len(Body._fields)
_INSERT_SQLITE = f"{_INSERT} ({', '.join('?' * _WIDTH)})"
_PLACEHOLDERS = f"({', '.join(['%s'] * _WIDTH)})"
_COPY_FROM = 12
"""Number of rows from which COPY is faster than INSERT."""


def insert_rows(
    connection: Connection, position: int, recorded_at: int, versions: Sequence[int], bodies: Sequence[Body]
) -> None:
    """Inserts rows; position and recorded_at are the first's, each further one has 1 more.

    SQLAlchemy's IntegrityError where a stream has such a version already.
    """
    if not bodies:
        return
    if connection.dialect.name == SQLITE:
        rows = [stamp + body for stamp, body in zip(_stamps(position, recorded_at, versions), bodies, strict=True)]
        connection.exec_driver_sql(_INSERT_SQLITE, rows)
    elif len(bodies) < _COPY_FROM:
        stamped = zip(_stamps(position, recorded_at, versions), bodies, strict=True)
        values = [value for stamp, body in stamped for value in (*stamp, *_textual(body))]
        connection.exec_driver_sql(_INSERT + ", ".join([_PLACEHOLDERS] * len(bodies)), tuple(values))
    else:
        copy_rows(connection, position, recorded_at, versions, list(packed(bodies)))


def _stamps(position: int, recorded_at: int, versions: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    end = len(versions)
    return zip(range(position, position + end), range(recorded_at, recorded_at + end), versions, strict=True)


def _textual(body: Body) -> list[Any]:
    return [value.hex() if isinstance(value, bytes) else value for value in body]


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


def copy_rows(
    connection: Connection, position: int, recorded_at: int, versions: Sequence[int], bodies: Sequence[bytes]
) -> None:
    """As insert_rows, of packed bodies, by COPY BINARY."""
    parts = [_HEADER]
    for (place, moment, version), body in zip(_stamps(position, recorded_at, versions), bodies, strict=True):
        parts += (_STAMP.pack(_WIDTH, 8, place, 8, moment, 4, version), body)
    parts.append(_TRAILER)
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor:
        cursor.copy_expert(_COPY, io.BytesIO(b"".join(parts)))


def _field(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data
