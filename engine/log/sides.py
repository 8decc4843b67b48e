"""The rows written beside events: people, texts, keys, and the answers of accepted commands."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import Table

from engine.errors import Rejected
from engine.log.locked import Writing
from engine.log.tables import commands, keys, people, texts
from engine.log.writes import CommandRecord, Erasable

Row = tuple[object, ...]
INTO = {table: f"{table.name} ({', '.join(table.columns.keys())})" for table in (people, texts, keys, commands)}


def insert_erasable(writing: Writing, erasable: Erasable, again: bool = False) -> None:
    """SQLAlchemy's IntegrityError, at the latest at the commit, where an id, or a key of a source, is taken.

    again=True leaves a text, and the key of a stream, that is there already as it is (an import that is run again).
    """
    for table, rows in erasable_rows(erasable):
        there_already = f"ON CONFLICT ({table.primary_key.columns[0].name}) DO NOTHING"
        _insert(writing, table, rows, there_already if again and table is not people else "")


def erasable_rows(erasable: Erasable) -> Iterator[tuple[Table, Sequence[Row]]]:
    """Rows in the order of their table's columns, of each table that gets some. Rejected where one can't be kept."""
    if erasable.people:
        yield (
            people,
            _kept(people, [(p.person_id, p.role, p.source, p.key, p.name, p.email, p.phone) for p in erasable.people]),
        )
    if erasable.texts:
        yield texts, _kept(texts, [(t.text_id, t.stream_id, t.body, t.salt) for t in erasable.texts])
    if erasable.keys:
        yield keys, _kept(keys, [(k.stream_id, k.source, k.key) for k in erasable.keys])


def _kept(table: Table, rows: Sequence[Row]) -> Sequence[Row]:
    for row in rows:
        for column, value in zip(table.columns.keys(), row, strict=True):
            if isinstance(value, str) and "\0" in value:
                # PostgreSQL can't keep it.
                raise Rejected(f"the {column} of {table.name} holds a NUL character: remove it")
    return rows


CommandRow = tuple[UUID, str, str, int]
"""in the order of table commands"""


def command_row(command: CommandRecord, position: int, recorded_at: int) -> CommandRow:
    """position: of the log after what the command wrote. The answer holds it, so that a retry is told the same."""
    told = to_json(command.result).decode()[:-1]
    answer = f'{told}{"," if command.result else ""}"position":{position}}}'
    return (command.command_id, command.fingerprint, answer, recorded_at)


def but_position(answer: str, position: int) -> str:
    """The answer up to its position, which ends it: that and a brace are still to come."""
    return answer.removesuffix(f"{position}}}")


def insert_commands(writing: Writing, rows: Sequence[CommandRow]) -> None:
    _insert(writing, commands, rows)


def _insert(writing: Writing, table: Table, rows: Sequence[Row], unless: str = "") -> None:
    if writing.sqlite:
        rows = [tuple([value.bytes if isinstance(value, UUID) else value for value in row]) for row in rows]
    writing.insert(INTO[table], rows, unless)
