"""Rows into table events, under the append lock: by executemany on SQLite; by INSERT or COPY BINARY on PostgreSQL.

Position, recorded_at and version are known only under the lock; the rest of a row can be made ready before, by column.
"""

import io
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection

from engine.log.connect import SQLITE

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
_INSERT = f"INSERT INTO events ({', '.join((*STAMP, *BODY))}) VALUES "
_WIDTH = len(STAMP) + len(BODY)
_INSERT_SQLITE = f"{_INSERT} ({', '.join('?' * _WIDTH)})"
_PLACEHOLDERS = f"({', '.join(['%s'] * _WIDTH)})"
_COPY_FROM = 12
"""Number of rows from which COPY is faster than INSERT."""


def insert_rows(
    connection: Connection, position: int, recorded_at: int, versions: Sequence[int], columns: Sequence[Sequence[Any]]
) -> None:
    """Inserts rows, given by column in the order of BODY; position and recorded_at are the first's, each further one
    has 1 more. SQLAlchemy's IntegrityError where a stream has such a version already.
    """
    if not versions:
        return
    if connection.dialect.name != SQLITE and len(versions) >= _COPY_FROM:
        copy_rows(connection, position, recorded_at, versions, list(packed(zip(*columns, strict=True))))
        return
    places, moments = _stamps(position, recorded_at, len(versions))
    rows = list(zip(places, moments, versions, *columns, strict=True))
    if connection.dialect.name == SQLITE:
        connection.exec_driver_sql(_INSERT_SQLITE, rows)
    else:
        values = tuple(value.hex() if isinstance(value, bytes) else value for row in rows for value in row)
        connection.exec_driver_sql(_INSERT + ", ".join([_PLACEHOLDERS] * len(rows)), values)


def _stamps(position: int, recorded_at: int, size: int) -> tuple[range, range]:
    return range(position, position + size), range(recorded_at, recorded_at + size)


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
    places, moments = _stamps(position, recorded_at, len(versions))
    for place, moment, version, body in zip(places, moments, versions, bodies, strict=True):
        parts += (_STAMP.pack(_WIDTH, 8, place, 8, moment, 4, version), body)
    parts.append(_TRAILER)
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor:
        cursor.copy_expert(_COPY, io.BytesIO(b"".join(parts)))


def _field(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data
