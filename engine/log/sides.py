"""The rows written beside events: people, texts, keys, and the answers of accepted commands."""

import json
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, Table

from engine.log.connect import SQLITE
from engine.log.tables import commands, keys, people, texts
from engine.log.writes import CommandRecord, Erasable


def insert_erasable(connection: Connection, erasable: Erasable, again: bool = False) -> None:
    """SQLAlchemy's IntegrityError where an id, or a key of a source, is taken.

    again=True leaves a text, and the key of a stream, that is there already as it is (an import that is run again).
    """
    _insert(
        connection,
        people,
        [(p.person_id, p.role, p.source, p.key, p.name, p.email, p.phone) for p in erasable.people],
    )
    _insert(connection, texts, [(t.text_id, t.stream_id, t.body, t.salt) for t in erasable.texts], again)
    _insert(connection, keys, [(k.stream_id, k.source, k.key) for k in erasable.keys], again)


def insert_command(connection: Connection, command: CommandRecord, recorded_at: int) -> None:
    result = json.dumps(command.result, separators=(",", ":"), default=_by_id)
    _insert(connection, commands, [(command.command_id, command.fingerprint, result, recorded_at)])


def _by_id(value: object) -> str:
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"a command's result holds ids and plain values only, not {type(value).__name__}")


def _insert(connection: Connection, table: Table, rows: Sequence[tuple[object, ...]], again: bool = False) -> None:
    if not rows:
        return
    sqlite = connection.dialect.name == SQLITE
    mark = "?" if sqlite else "%s"
    place = f"({', '.join([mark] * len(table.columns))})"
    into = f"INSERT INTO {table.name} ({', '.join(table.columns.keys())}) VALUES "
    unless = f" ON CONFLICT ({table.primary_key.columns[0].name}) DO NOTHING" if again else ""
    if sqlite:
        connection.exec_driver_sql(into + place + unless, [tuple(_sqlite(value) for value in row) for row in rows])
        return
    for start in range(0, len(rows), 1000):
        some = rows[start : start + 1000]
        values = ", ".join([place] * len(some))
        connection.exec_driver_sql(into + values + unless, tuple(value for row in some for value in row))


def _sqlite(value: object) -> object:
    return value.bytes if isinstance(value, UUID) else value
