"""OCEL 2.0 as an SQLite file, by the published rules (https://www.ocel-standard.org/specification/formats/sqlite/):

tables event, object, event_object, object_object; one table a type, named by event_map_type and object_map_type. The
row of an object whose ocel_changed_field is null tells what it had from the beginning, each other row one change.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, Literal

import polars as pl

from replay.export.ocel import BEGINNING, STREAMS, Teller
from replay.export.ocel_told import Cell, Told
from replay.export.people import People

PEOPLE: Final = ("rep", "customer")
"""objects that many journeys share; every other belongs to one"""
STAMP: Final = ("position", "recorded_at", "origin")
"""attributes of every event, besides what its payload says"""
TIMES: Final = frozenset({"recorded_at", "due_at", "until", "expires_at"})
"""attributes that are moments"""
SCHEMA: Final = """
CREATE TABLE event (ocel_id TEXT NOT NULL, ocel_type TEXT NOT NULL);
CREATE TABLE object (ocel_id TEXT NOT NULL, ocel_type TEXT NOT NULL);
CREATE TABLE event_object (ocel_event_id TEXT NOT NULL, ocel_object_id TEXT NOT NULL, ocel_qualifier TEXT NOT NULL);
CREATE TABLE object_object (ocel_source_id TEXT NOT NULL, ocel_target_id TEXT NOT NULL, ocel_qualifier TEXT NOT NULL);
CREATE TABLE event_map_type (ocel_type TEXT PRIMARY KEY, ocel_type_map TEXT);
CREATE TABLE object_map_type (ocel_type TEXT PRIMARY KEY, ocel_type_map TEXT);
"""
# Ids come in no order: an index that grows with them would cost more than all the rest.
INDEXES: Final = """
CREATE UNIQUE INDEX event_id ON event (ocel_id);
CREATE UNIQUE INDEX object_id ON object (ocel_id);
CREATE UNIQUE INDEX event_object_id ON event_object (ocel_event_id, ocel_object_id, ocel_qualifier);
CREATE UNIQUE INDEX object_object_id ON object_object (ocel_source_id, ocel_target_id, ocel_qualifier);
"""
CORE: Final = {
    "event": '"ocel_id" TEXT, "ocel_time" TIMESTAMP',
    "object": '"ocel_id" TEXT, "ocel_time" TIMESTAMP, "ocel_changed_field" TEXT',
}
# Types are told apart by the attributes they have; one table a type grows columns as attributes appear.
Side = Literal["event", "object"]


def write_ocel_sqlite(batches: Iterable[pl.DataFrame], path: Path, people: People, left_out: Counter[str]) -> int:
    """Writes what lives.py gives; returns how many events. left_out is told those that no object has a part in."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        # The file is of no use before it is whole, so there is nothing to protect.
        connection.executescript(f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN; {SCHEMA}")
        tables, teller = Tables(connection), Teller(people)
        for batch in batches:
            others = batch.filter(~pl.col("type").str.split(".").list.first().is_in(STREAMS)).height
            if others:
                left_out["of pipelines"] += others
            tables.take(teller.told(batch))
        tables.finish()
        connection.execute("COMMIT")
        return tables.events


class Tables:
    """The tables as they fill."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.events = 0
        self._connection = connection
        self._columns: dict[tuple[Side, str], set[str]] = {}
        self._people: set[str] = set()

    def take(self, told: Told) -> None:
        self.events += len(told.events)
        self._insert("event", told.events)
        self._insert("event_object", told.links)
        self._insert("object_object", list(told.relations))
        for (kind, said), rows in told.rows.items():
            names = (*said, *STAMP)
            self._know("event", kind, names, rows[0][2:])
            self._insert(f"event_{kind}", rows, ("ocel_id", "ocel_time", *names))
        kinds: list[tuple[str, str]] = []
        begun: dict[tuple[str, tuple[str, ...]], list[tuple[Cell, ...]]] = {}
        for own, (kind, attributes) in told.objects.items():
            if own in self._people:
                continue
            if kind in PEOPLE:
                self._people.add(own)
            kinds.append((own, kind))
            begun.setdefault((kind, tuple(attributes)), []).append((own, BEGINNING, *attributes.values()))
        self._insert("object", kinds)
        for (kind, names), rows in begun.items():
            self._know("object", kind, names, rows[0][2:])
            self._insert(f"object_{kind}", rows, ("ocel_id", "ocel_time", *names))
        # A row each, of its own attribute alone: the others are null without being told.
        for (kind, name), values in told.changes.items():
            rows = [(own, time, name, value) for (own, time), value in values.items()]
            self._know("object", kind, (name,), rows[0][3:])
            self._insert(f"object_{kind}", rows, ("ocel_id", "ocel_time", "ocel_changed_field", name))

    def finish(self) -> None:
        """Relations to what is not in the export (a journey that a filter left out) go."""
        for statement in INDEXES.strip().splitlines():
            self._connection.execute(statement)
        for table, column in (("event_object", "object_id"), ("object_object", "target_id")):
            self._connection.execute(f"DELETE FROM {table} WHERE ocel_{column} NOT IN (SELECT ocel_id FROM object)")

    def _know(self, side: Side, kind: str, names: Sequence[str], values: Sequence[Cell]) -> None:
        """Makes the table and its columns where they are new; values: of the names, in one of the rows."""
        if (side, kind) not in self._columns:
            self._columns[side, kind] = set()
            self._connection.execute(f'CREATE TABLE "{side}_{kind}" ({CORE[side]})')
            self._connection.execute(f"INSERT INTO {side}_map_type VALUES (?, ?)", (kind, kind))
        known = self._columns[side, kind]
        for name, value in zip(names, values, strict=True):
            if name not in known:
                known.add(name)
                column = f"{quoted(name)} {declared(name, value)}"
                self._connection.execute(f'ALTER TABLE "{side}_{kind}" ADD COLUMN {column}')

    def _insert(self, table: str, rows: Sequence[tuple[Cell, ...]], columns: Sequence[str] = ()) -> None:
        """columns: those that the rows have, where it is not all."""
        if rows:
            into = f" ({', '.join(map(quoted, columns))})" if columns else ""
            marks = ", ".join("?" * len(rows[0]))
            self._connection.executemany(f'INSERT INTO "{table}"{into} VALUES ({marks})', rows)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def declared(name: str, value: Cell) -> str:
    match value:
        case bool():
            return "BOOLEAN"
        case int():
            return "INTEGER"
        case float():
            return "REAL"
        case _:
            return "TIMESTAMP" if name in TIMES else "TEXT"
