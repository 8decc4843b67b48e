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
from typing import IO, Any, Final

import polars as pl

from engine.scratch import scratch
from replay.export.ocel_sqlite import quoted, write_ocel_sqlite
from replay.export.people import People

TYPES: Final = {"TEXT": "string", "INTEGER": "integer", "REAL": "float", "BOOLEAN": "boolean", "TIMESTAMP": "time"}
Columns = list[tuple[str, str]]
"""name and SQL type of a type's attributes"""


def write_ocel_json(batches: Iterable[pl.DataFrame], path: Path, people: People, left_out: Counter[str]) -> int:
    """Writes what lives.py gives; returns how many events."""
    with scratch(path.parent) as folder:
        database = folder / "ocel.sqlite"
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


def events_of(connection: sqlite3.Connection, types: dict[str, Columns]) -> Iterator[str]:
    for name, columns in types.items():
        told = (
            f"""'{{"id":' || json_quote(ocel_id) || ',"type":{literal(name)},"time":' || json_quote(ocel_time) """
            f"""|| ',"attributes":[' || substr({fragments(columns)}, 2) || '],"relationships":' """
            f"|| {links_of('event_object', 'event', 'object')} || '}}'"
        )
        yield from texts(connection, f'SELECT {told} FROM "event_{name}" of')


def objects_of(connection: sqlite3.Connection, types: dict[str, Columns]) -> Iterator[str]:
    """An object has a row of its beginning and one for each change."""
    for name, columns in types.items():
        told = (
            f"""'{{"id":' || json_quote(ocel_id) || ',"type":{literal(name)},"attributes":[' """
            f"""|| substr(group_concat(part, ''), 2) || '],"relationships":' """
            f"|| {links_of('object_object', 'source', 'target')} || '}}'"
        )
        rows = f'SELECT ocel_id, {fragments(columns, timed=True)} AS part FROM "object_{name}"'
        yield from texts(connection, f"SELECT {told} FROM ({rows} ORDER BY ocel_id, ocel_time) of GROUP BY ocel_id")


def texts(connection: sqlite3.Connection, query: str) -> Iterator[str]:
    # The database writes the JSON: a million rows through Python's would take a minute.
    return (text for (text,) in connection.execute(query))


def fragments(columns: Columns, *, timed: bool = False) -> str:
    """An expression that gives a row's attributes as JSON, each after a comma; those that are null are left out."""
    at = ""","time":' || json_quote(ocel_time) || '""" if timed else ""
    each = [f"""',{{"name":{literal(name)}{at},"value":' || {valued(name, kind)} || '}}'""" for name, kind in columns]
    # A function takes no more than 127 arguments, and a chain of || may not be too deep.
    some = [each[start : start + 100] for start in range(0, len(each), 100)]
    return " || ".join(f"printf('{'%s' * len(parts)}', {', '.join(parts)})" for parts in some) or "''"


def valued(name: str, kind: str) -> str:
    """An expression that gives a column's value as JSON; null of null."""
    column = quoted(name)
    match kind:
        case "INTEGER":
            return column
        case "BOOLEAN":
            return f"CASE {column} WHEN 0 THEN 'false' WHEN 1 THEN 'true' END"
        case "REAL":
            # As few digits as say exactly this number.
            short = f"printf('%!.15g', {column})"
            return (
                f"CASE WHEN {column} IS NULL THEN NULL WHEN CAST({short} AS REAL) = {column} THEN {short} "
                f"ELSE printf('%!.17g', {column}) END"
            )
        case _:
            return f"CASE WHEN {column} IS NOT NULL THEN json_quote({column}) END"


def literal(name: str) -> str:
    """A name as JSON, inside a text of SQL."""
    return compact(name).replace("'", "''")


def links_of(table: str, own: str, other: str) -> str:
    """An expression that gives the relationships of a row as JSON."""
    return (
        "(SELECT json_group_array(json_object('objectId', link.ocel_" + other + "_id, 'qualifier', ocel_qualifier)) "
        f"FROM {table} link WHERE link.ocel_{own}_id = of.ocel_id)"
    )


def separated(file: IO[str], items: Iterable[str]) -> None:
    file.writelines(f",\n{item}" if n else f"\n{item}" for n, item in enumerate(items))


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
