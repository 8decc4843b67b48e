"""OCEL 2.0 as JSON (https://www.ocel-standard.org/specification/formats/json/), written from the SQLite form of it.

The rules want a type's attributes before its events and all of an object's values together: a database on the disk
sorts that out, whatever the size.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Final

import polars as pl

from replay.export.ocel_sqlite import write_ocel_sqlite
from replay.export.people import People

TYPES: Final = {"TEXT": "string", "INTEGER": "integer", "REAL": "float", "BOOLEAN": "boolean", "TIMESTAMP": "time"}
Columns = list[tuple[str, str]]
"""name and SQL type of a type's attributes"""


def write_ocel_json(batches: Iterable[pl.DataFrame], path: Path, people: People, left_out: Counter[str]) -> int:
    """Writes what lives.py gives; returns how many events."""
    with TemporaryDirectory(prefix="dealtrail-export-", dir=path.parent) as folder:
        database = Path(folder) / "ocel.sqlite"
        count = write_ocel_sqlite(batches, database, people, left_out)
        with closing(sqlite3.connect(database)) as connection, path.open("w", encoding="utf-8", newline="\n") as file:
            events, objects = (types_of(connection, side) for side in ("event", "object"))
            file.write('{"eventTypes":')
            file.write(compact(declarations(events)))
            file.write(',\n"objectTypes":')
            file.write(compact(declarations(objects)))
            file.write(',\n"events":[')
            separated(file, events_of(connection, events))
            file.write('],\n"objects":[')
            separated(file, objects_of(connection, objects))
            file.write("]}\n")
    return count


def types_of(connection: sqlite3.Connection, side: str) -> dict[str, Columns]:
    """Attributes by type."""
    names = connection.execute(f"SELECT ocel_type FROM {side}_map_type ORDER BY 1").fetchall()
    found = {name: connection.execute(f'PRAGMA table_info("{side}_{name}")').fetchall() for (name,) in names}
    return {
        name: [(column[1], column[2]) for column in columns if not column[1].startswith("ocel_")]
        for name, columns in found.items()
    }


def declarations(types: dict[str, Columns]) -> list[dict[str, Any]]:
    return [
        {"name": name, "attributes": [{"name": column, "type": TYPES[kind]} for column, kind in columns]}
        for name, columns in types.items()
    ]


def events_of(connection: sqlite3.Connection, types: dict[str, Columns]) -> Iterator[dict[str, Any]]:
    for name, columns in types.items():
        links = links_of("event_object", "event", "object")
        for event_id, time, relationships, *row in connection.execute(
            f'SELECT ocel_id, ocel_time, {links}{listed(columns)} FROM "event_{name}" of ORDER BY ocel_time, ocel_id'
        ):
            attributes = [
                {"name": column, "value": valued(value, kind)}
                for (column, kind), value in zip(columns, row, strict=True)
                if value is not None
            ]
            yield {
                "id": event_id,
                "type": name,
                "time": time,
                "attributes": attributes,
                "relationships": json.loads(relationships),
            }


def objects_of(connection: sqlite3.Connection, types: dict[str, Columns]) -> Iterator[dict[str, Any]]:
    for name, columns in types.items():
        links = links_of("object_object", "source", "target")
        found: dict[str, Any] = {}
        # An object's rows follow each other, the one of its beginning first.
        for object_id, time, relationships, *row in connection.execute(
            f"SELECT ocel_id, ocel_time, CASE WHEN ocel_changed_field IS NULL THEN {links} END{listed(columns)} "
            f'FROM "object_{name}" of ORDER BY ocel_id, ocel_time'
        ):
            if found.get("id") != object_id:
                if found:
                    yield found
                found = {"id": object_id, "type": name, "attributes": [], "relationships": json.loads(relationships)}
            found["attributes"] += [
                {"name": column, "time": time, "value": valued(value, kind)}
                for (column, kind), value in zip(columns, row, strict=True)
                if value is not None
            ]
        if found:
            yield found


def links_of(table: str, own: str, other: str) -> str:
    """An expression that gives the relationships of a row as JSON."""
    return (
        "(SELECT json_group_array(json_object('objectId', link.ocel_" + other + "_id, 'qualifier', ocel_qualifier)) "
        f"FROM {table} link WHERE link.ocel_{own}_id = of.ocel_id)"
    )


def listed(columns: Columns) -> str:
    return "".join(f', "{name}"' for name, _ in columns)


def valued(value: Any, kind: str) -> Any:
    return bool(value) if kind == "BOOLEAN" else value


def separated(file: IO[str], items: Iterable[dict[str, Any]]) -> None:
    for n, item in enumerate(items):
        file.write(",\n" if n else "\n")
        file.write(compact(item))


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
