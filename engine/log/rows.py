"""Rows into table events, under the append lock: by executemany on SQLite; by INSERT or COPY BINARY on PostgreSQL."""

import io
import struct
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from engine.log.connect import SQLITE
from engine.log.tables import events

Row = tuple[int, bytes, bytes, int, str, int, int, bytes, bytes, bytes, bytes | None, str, str]
"""A row in the order of the table's columns; ids are 16 bytes, times microseconds."""

COLUMNS = tuple(column.name for column in events.columns)
_INSERT = f"INSERT INTO events ({', '.join(COLUMNS)}) VALUES "
_INSERT_SQLITE = f"{_INSERT} ({', '.join('?' * len(COLUMNS))})"
_PLACEHOLDERS = f"({', '.join(['%s'] * len(COLUMNS))})"
_COPY_FROM = 12
"""Number of rows from which COPY is faster than INSERT."""


def insert_rows(connection: Connection, rows: Sequence[Row]) -> None:
    """Inserts stamped rows; SQLAlchemy's IntegrityError where a stream has such a version already."""
    if not rows:
        return
    if connection.dialect.name == SQLITE:
        connection.exec_driver_sql(_INSERT_SQLITE, list(rows))
    elif len(rows) < _COPY_FROM:
        values = ", ".join([_PLACEHOLDERS] * len(rows))
        connection.exec_driver_sql(_INSERT + values, tuple(value for row in rows for value in _textual(row)))
    else:
        _copy(connection, rows)


def _textual(row: Row) -> Sequence[Any]:
    return [value.hex() if isinstance(value, bytes) else value for value in row]


# COPY BINARY: a header; each row its number of fields, each field its length (-1: null) and bytes; all big-endian.
# The fields of fixed length come first, so that one call packs them all.
_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_TRAILER = struct.pack(">h", -1)
_FIXED = struct.Struct(">hiqi16si16siiiqiqi16si16si16s")
_NULL = struct.pack(">i", -1)
_COPY_STATEMENT = (
    "COPY events (position, event_id, stream_id, version, occurred_at, recorded_at, actor, command_id, correlation_id,"
    " causation_id, type, origin, payload) FROM STDIN (FORMAT binary)"
)


def _copy(connection: Connection, rows: Sequence[Row]) -> None:
    parts = [_HEADER]
    names: dict[tuple[bytes | None, str, str], bytes] = {}
    for row in rows:
        position, event, stream, version, tag, occurred, recorded, actor, command, correlation, cause, origin, body = (
            row
        )
        # Few different ones: a type, an origin and mostly no cause.
        name = names.get((cause, tag, origin))
        if name is None:
            name = (_field(cause) if cause else _NULL) + _field(tag.encode()) + _field(origin.encode())
            if not cause:
                names[cause, tag, origin] = name
        ids = (16, actor, 16, command, 16, correlation)
        parts += (_FIXED.pack(13, 8, position, 16, event, 16, stream, 4, version, 8, occurred, 8, recorded, *ids), name)
        parts.append(_field(body.encode()))
    parts.append(_TRAILER)
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor:
        cursor.copy_expert(_COPY_STATEMENT, io.BytesIO(b"".join(parts)))


def _field(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data
