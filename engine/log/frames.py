"""Tables of the log into Polars: ids as 32 hex digits, other bytes as hex, times as Int64 microseconds."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from polars.datatypes import DataTypeClass
from sqlalchemy import Column, Connection, LargeBinary

from engine.log.connect import SQLITE
from engine.log.tables import Id

_TYPES: Mapping[str, DataTypeClass] = {"BIGINT": pl.Int64, "INTEGER": pl.Int32, "TEXT": pl.String}
_AT_ONCE = 600
"""Rows that are Python objects at a time: too few to wake the garbage collector, which would double the time."""
# Characters that JSON escapes and nobody types, so that hardly a field needs quoting.
SEPARATOR, QUOTE = "\x1f", "\x1e"


def read_frame(
    connection: Connection, columns: Sequence[Column[Any]], source: str, parameters: Sequence[object] = ()
) -> pl.DataFrame:
    """The columns of `SELECT ... {source}`, in which ? stands for a parameter."""
    if connection.dialect.name == SQLITE:
        return _from_sqlite(connection, columns, source, parameters)
    return _from_postgresql(connection, columns, source, parameters)


def _from_sqlite(
    connection: Connection, columns: Sequence[Column[Any]], source: str, parameters: Sequence[object]
) -> pl.DataFrame:
    stored = {column.name: pl.Binary if _is_binary(column) else _type(column) for column in columns}
    driver: Any = connection.connection.driver_connection
    names = ", ".join(f"{column.table}.{column.name}" for column in columns)
    cursor = driver.execute(f"SELECT {names} {source}", parameters)
    parts = [pl.DataFrame(schema=stored)]
    while rows := cursor.fetchmany(_AT_ONCE):
        by_column = zip(stored.items(), zip(*rows, strict=True), strict=True)
        parts.append(pl.DataFrame([pl.Series(name, values, dtype) for (name, dtype), values in by_column]))
    return pl.concat(parts).rechunk().with_columns(pl.col(pl.Binary).bin.encode("hex"))


def _from_postgresql(
    connection: Connection, columns: Sequence[Column[Any]], source: str, parameters: Sequence[object]
) -> pl.DataFrame:
    names = (f"{column.table}.{column.name}" for column in columns)
    asked = [
        f"encode({f'uuid_send({name})' if column.type is Id else name}, 'hex')" if _is_binary(column) else name
        for name, column in zip(names, columns, strict=True)
    ]
    driver: Any = connection.connection.driver_connection
    received = io.BytesIO()
    with driver.cursor() as cursor:
        query = cursor.mogrify(f"SELECT {', '.join(asked)} {source.replace('?', '%s')}", parameters).decode()
        cursor.copy_expert(
            f"COPY ({query}) TO STDOUT (FORMAT csv, DELIMITER '{SEPARATOR}', QUOTE '{QUOTE}')",
            received,
        )
    schema = schema_of(columns)
    if received.tell() == 0:
        return pl.DataFrame(schema=schema)
    return pl.read_csv(received.getvalue(), has_header=False, separator=SEPARATOR, quote_char=QUOTE, schema=schema)


def schema_of(columns: Sequence[Column[Any]]) -> dict[str, DataTypeClass]:
    """Names and types of the frame that read_frame gives."""
    return {column.name: _type(column) for column in columns}


def _type(column: Column[Any]) -> DataTypeClass:
    return pl.String if _is_binary(column) else _TYPES[str(column.type)]


def _is_binary(column: Column[Any]) -> bool:
    # Ids among them, which PostgreSQL keeps as uuid.
    return isinstance(column.type, LargeBinary)
