"""The rows written beside events: people, texts, keys, and the answers of accepted commands."""

import json
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Table

from engine.errors import Rejected
from engine.log.locked import Writing
from engine.log.tables import commands, keys, people, texts
from engine.log.writes import CommandRecord, Erasable


def insert_erasable(writing: Writing, erasable: Erasable, again: bool = False) -> None:
    """SQLAlchemy's IntegrityError, at the latest at the commit, where an id, or a key of a source, is taken.

    again=True leaves a text, and the key of a stream, that is there already as it is (an import that is run again).
    """
    persons = [(p.person_id, p.role, p.source, p.key, p.name, p.email, p.phone) for p in erasable.people]
    _insert(writing, people, persons)
    _insert(writing, texts, [(t.text_id, t.stream_id, t.body, t.salt) for t in erasable.texts], again)
    _insert(writing, keys, [(k.stream_id, k.source, k.key) for k in erasable.keys], again)


CommandRow = tuple[UUID, str, str, int]
"""in the order of table commands"""


def command_row(command: CommandRecord, position: int, recorded_at: int) -> CommandRow:
    """position: of the log after what the command wrote. The answer holds it, so that a retry is told the same."""
    told = {**command.result, "position": position}
    return (
        command.command_id,
        command.fingerprint,
        _compact(told),
        recorded_at,
    )


def insert_commands(writing: Writing, rows: Sequence[CommandRow]) -> None:
    _insert(writing, commands, rows)


def _by_id(value: object) -> str:
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"a command's result holds ids and plain values only, not {type(value).__name__}")


_compact = json.JSONEncoder(separators=(",", ":"), default=_by_id).encode


def _refuse_nul(table: Table, rows: Sequence[tuple[object, ...]]) -> None:
    for row in rows:
        for column, value in zip(table.columns.keys(), row, strict=True):
            if isinstance(value, str) and "\0" in value:
                # PostgreSQL can't keep it.
                raise Rejected(f"the {column} of {table.name} holds a NUL character: remove it")


def _insert(writing: Writing, table: Table, rows: Sequence[tuple[object, ...]], again: bool = False) -> None:
    if not rows:
        return
    _refuse_nul(table, rows)
    if writing.sqlite:
        rows = [tuple(value.bytes if isinstance(value, UUID) else value for value in row) for row in rows]
    unless = f"ON CONFLICT ({table.primary_key.columns[0].name}) DO NOTHING" if again else ""
    writing.insert(f"{table.name} ({', '.join(table.columns.keys())})", rows, unless)
