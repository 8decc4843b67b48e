"""OCEL 2.0 as an SQLite file, by the published rules (https://www.ocel-standard.org/specification/formats/sqlite/):

tables event, object, event_object, object_object; one table a type, named by event_map_type and object_map_type. The
row of an object whose ocel_changed_field is null tells what it had from the beginning, each other row one change.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal

import polars as pl

from replay.export.attributes import Plain
from replay.export.ocel import STREAMS, Change, OcelEvent, OcelObject, Relation, told
from replay.export.people import People

PEOPLE: Final = ("rep", "customer")
"""objects that many journeys share; every other belongs to one"""
BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
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
Row = dict[str, object]


def write_ocel_sqlite(batches: Iterable[pl.DataFrame], path: Path, people: People, left_out: Counter[str]) -> int:
    """Writes what lives.py gives; returns how many events. left_out is told those that no object has a part in."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        # The file is of no use before it is whole, so there is nothing to protect.
        connection.executescript(f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; BEGIN; {SCHEMA}")
        tables = Tables(connection)
        for batch in batches:
            others = batch.filter(~pl.col("type").str.split(".").list.first().is_in(STREAMS)).height
            if others:
                left_out["of pipelines"] += others
            tables.take(batch, people)
        tables.finish()
        connection.execute("COMMIT")
        return tables.events


class Tables:
    """The tables as they fill."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.events = 0
        self._connection = connection
        self._columns: dict[tuple[Side, str], dict[str, None]] = {}
        self._people: set[str] = set()

    def take(self, batch: pl.DataFrame, people: People) -> None:
        events: list[tuple[str, str]] = []
        links: list[tuple[str, str, str]] = []
        relations: dict[tuple[str, str, str], None] = {}
        objects: dict[str, OcelObject] = {}
        kinds: list[tuple[str, str]] = []
        rows: dict[tuple[Side, str], list[Row]] = {}
        # Of several values at one moment the last is the one that stands.
        changes: dict[tuple[str, datetime, str], Change] = {}
        for each in told(batch, people):
            match each:
                case OcelEvent():
                    events.append((each.id, each.type))
                    links += [(each.id, *link) for link in each.objects]
                    row: Row = {"ocel_id": each.id, "ocel_time": stored(each.time)}
                    rows.setdefault(("event", each.type), []).append(row | values(each.attributes))
                    self._know("event", each.type, each.attributes)
                case OcelObject():
                    objects.setdefault(each.id, each)
                case Change():
                    changes[each.id, each.time, each.name] = each
                case Relation():
                    relations[each.source, each.target, each.qualifier] = None
        self.events += len(events)
        for one in objects.values():
            if one.id in self._people:
                continue
            if one.type in PEOPLE:
                self._people.add(one.id)
            kinds.append((one.id, one.type))
            row = {"ocel_id": one.id, "ocel_time": stored(BEGINNING), "ocel_changed_field": None}
            rows.setdefault(("object", one.type), []).append(row | values(one.attributes))
            self._know("object", one.type, one.attributes)
        self._insert("event", events)
        self._insert("event_object", links)
        self._insert("object", kinds)
        self._insert("object_object", list(relations))
        for (side, kind), some in rows.items():
            names = ["ocel_id", "ocel_time", *(["ocel_changed_field"] if side == "object" else [])]
            names += self._columns[side, kind]
            self._insert(f"{side}_{kind}", [tuple(row.get(name) for name in names) for row in some])
        self._change(changes.values())

    def _change(self, changes: Iterable[Change]) -> None:
        """A row each, of its own attribute alone: the others are null without being told."""
        rows: dict[tuple[str, str], list[tuple[object, ...]]] = {}
        for each in changes:
            value = values({each.name: each.value})[each.name]
            rows.setdefault((each.type, each.name), []).append((each.id, stored(each.time), each.name, value))
            self._know("object", each.type, {each.name: each.value})
        for (kind, name), some in rows.items():
            columns = f"ocel_id, ocel_time, ocel_changed_field, {quoted(name)}"
            self._connection.executemany(f'INSERT INTO "object_{kind}" ({columns}) VALUES (?, ?, ?, ?)', some)

    def finish(self) -> None:
        """Relations to what is not in the export (a journey that a filter left out) go."""
        for statement in INDEXES.strip().splitlines():
            self._connection.execute(statement)
        for table, column in (("event_object", "object_id"), ("object_object", "target_id")):
            self._connection.execute(f"DELETE FROM {table} WHERE ocel_{column} NOT IN (SELECT ocel_id FROM object)")

    def _know(self, side: Side, kind: str, attributes: Mapping[str, Plain]) -> None:
        if (side, kind) not in self._columns:
            self._columns[side, kind] = {}
            self._connection.execute(f'CREATE TABLE "{side}_{kind}" ({CORE[side]})')
            self._connection.execute(f"INSERT INTO {side}_map_type VALUES (?, ?)", (kind, kind))
        known = self._columns[side, kind]
        for name, value in attributes.items():
            if name not in known:
                known[name] = None
                column = f"{quoted(name)} {declared(value)}"
                self._connection.execute(f'ALTER TABLE "{side}_{kind}" ADD COLUMN {column}')

    def _insert(
        self, table: str, rows: list[tuple[object, ...]] | list[tuple[str, str]] | list[tuple[str, str, str]]
    ) -> None:
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            self._connection.executemany(f'INSERT INTO "{table}" VALUES ({marks})', rows)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def declared(value: Plain) -> str:
    match value:
        case bool():
            return "BOOLEAN"
        case int():
            return "INTEGER"
        case float() | Decimal():
            return "REAL"
        case datetime():
            return "TIMESTAMP"
        case _:
            return "TEXT"


def values(attributes: Mapping[str, Plain]) -> Row:
    return {
        name: stored(value) if isinstance(value, datetime) else float(value) if isinstance(value, Decimal) else value
        for name, value in attributes.items()
    }


def stored(moment: datetime) -> str:
    """Of a moment in UTC, always equally long: some readers want one format for a column."""
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
