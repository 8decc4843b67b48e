"""Derived frames as tables of another database, for BI tools. All tables of an export change in one transaction:
who reads sees the old ones or the new ones.

Rows are deleted and inserted, not tables dropped: permissions, and views that others built on the tables, stay. Each
pipeline's rows are replaced by themselves. The table dealtrail_exports tells what every part was made from.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Final

import polars as pl
from pydantic import BaseModel, ConfigDict
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Double,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    inspect,
    select,
)
from sqlalchemy.types import TypeEngine

from engine.errors import Rejected
from engine.log.application import Log
from engine.projections.figures import head
from engine.projections.views import Views
from replay.export import frames
from replay.export.files import Batches
from replay.export.loading import load
from replay.export.run import Asked, Source, scope_of
from replay.export.stored import Progress, silent, stored_events
from replay.export.target import engine_of, transaction

PREFIX: Final = "dealtrail_"
KEYS: Final = {
    "visits": ("pipeline", "journey", "n"),
    "journeys": ("pipeline", "journey"),
    "attributes": ("pipeline", "journey", "name"),
    "stages": ("pipeline", "rank"),
    "events": ("position",),
}
"""primary keys by kind: two exports at once can't both leave their rows, on whatever database"""
EXPORTS: Final = Table(
    f"{PREFIX}exports",
    MetaData(),
    Column("table_name", String(64), nullable=False),
    Column("pipeline", String(64), nullable=False),
    Column("definition", String(64)),
    Column("as_of", DateTime(timezone=True)),
    Column("known_at", DateTime(timezone=True)),
    Column("position", BigInteger, nullable=False),
    Column("log_id", String(36), nullable=False),
    Column("row_count", BigInteger, nullable=False),
    Column("filters", Text, nullable=False),
    Column("names", Boolean, nullable=False),
    Column("program", Text, nullable=False),
    Column("exported_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("table_name", "pipeline", name=f"{PREFIX}exports_part"),
)
"""One row a table and pipeline; of events, which are of all pipelines, the pipeline is empty."""


class Replaced(BaseModel):
    """What an export wrote: rows by table."""

    model_config = ConfigDict(frozen=True)

    url: str
    tables: dict[str, int]
    pipeline: str | None
    definition: int | str | None
    as_of: datetime | None
    known_at: datetime | None
    position: int
    log_id: str


def replace_tables(
    log: Log,
    asked: Asked,
    kinds: Sequence[str],
    to: str,
    *,
    force: bool = False,
    progress: Progress = silent,
    opened: Callable[[Log], Views] = Views,
) -> Replaced:
    """Writes tables of these kinds (KEYS) to a database, named as SQLAlchemy does; all of them or none.

    Unreachable: it can't be opened. Rejected: no such kind of database, a table of the same name that no export made,
    tables of another log (without force).
    """
    told, parts = of_log(Source(log, opened), asked, kinds)
    engine = engine_of(to, log)
    rows: dict[str, int] = {}
    try:
        with transaction(engine) as connection:
            EXPORTS.create(connection, checkfirst=True)
            for kind, batches in parts.items():
                name = f"{PREFIX}{kind}"
                part = "" if kind == "events" else str(told["pipeline"])
                first = next(batches)
                table = made_ready(connection, name, kind, first, part, str(log.log_id), force)
                rows[name] = 0
                for batch in chained(first, batches):
                    load(connection, table, batch)
                    rows[name] += batch.height
                    progress(sum(rows.values()), None)
                connection.execute(
                    EXPORTS.insert(),
                    {
                        **told,
                        "definition": None if told["definition"] is None else str(told["definition"]),
                        "table_name": name,
                        "pipeline": part,
                        "log_id": str(log.log_id),
                        "row_count": rows[name],
                        "filters": json.dumps(asked.filters.model_dump(mode="json", exclude_defaults=True)),
                        "names": asked.names and kind == "journeys",
                        "program": f"dealtrail {version('dealtrail')}",
                        "exported_at": datetime.now(UTC),
                    },
                )
    finally:
        engine.dispose()
    shown = engine.url.render_as_string(hide_password=True)
    return Replaced(url=shown, tables=rows, log_id=str(log.log_id), **told)


def of_log(source: Source, asked: Asked, kinds: Sequence[str]) -> tuple[dict[str, Any], dict[str, Batches]]:
    """What the tables are made from, and their rows by kind."""
    if tuple(kinds) == ("events",):
        scope, told = scope_of(source, asked)
        return {"pipeline": None, "definition": None, **told}, {"events": stored_events(source.log, scope)}
    look = source.views.look(asked.pipeline, asked.lens)
    rows = frames.picked(look, asked.filters)
    parts = {
        "visits": frames.visits(look, rows),
        "journeys": frames.journeys(look, rows, asked.names, wide=False),
        "attributes": frames.attributes(look, rows),
        "stages": frames.stages(look.definition),
    }
    return head(look), {kind: parts[kind] for kind in kinds}


def made_ready(
    connection: Connection, name: str, kind: str, rows: pl.DataFrame, part: str, log_id: str, force: bool
) -> Table:
    """The table, there and without the rows that come anew."""
    table = Table(
        name,
        MetaData(),
        *(Column(column, type_of(dtype, column in KEYS[kind])) for column, dtype in rows.schema.items()),
        PrimaryKeyConstraint(*KEYS[kind], name=f"{name}_key"),
    )
    made = connection.execute(select(EXPORTS.c.pipeline, EXPORTS.c.log_id).where(EXPORTS.c.table_name == name)).all()
    others = sorted({row.log_id for row in made} - {log_id})
    if others and not force:
        raise Rejected(f"table {name} holds the log {others[0]}, this is {log_id}: another --to, or --force to replace")
    if not inspect(connection).has_table(name):
        table.create(connection)
        return table
    if not made:
        raise Rejected(f"there is a table {name} that no export made: rename it, or name another database")
    if others or [column["name"] for column in inspect(connection).get_columns(name)] != rows.columns:
        # Of another version of the program, or of another log: nothing in it can stay.
        table.drop(connection)
        table.create(connection)
        connection.execute(EXPORTS.delete().where(EXPORTS.c.table_name == name))
        return table
    connection.execute(table.delete() if kind == "events" else table.delete().where(table.c.pipeline == part))
    connection.execute(EXPORTS.delete().where(EXPORTS.c.table_name == name, EXPORTS.c.pipeline == part))
    return table


def type_of(dtype: pl.DataType, key: bool) -> TypeEngine[Any]:
    """Exact amounts, but on SQLite, which has no decimals."""
    if dtype == pl.String:
        # Some databases want to know how long the texts of a key are.
        return String(200) if key else Text()
    if isinstance(dtype, pl.Decimal):
        return Numeric(dtype.precision, dtype.scale).with_variant(Double(), "sqlite")
    if isinstance(dtype, pl.Datetime):
        return DateTime(timezone=True)
    plain: dict[Any, TypeEngine[Any]] = {pl.Boolean: Boolean(), pl.Date: Date(), pl.Float64: Double()}
    return plain.get(dtype.base_type(), BigInteger())


def chained(first: pl.DataFrame, others: Batches) -> Batches:
    yield first
    yield from others
