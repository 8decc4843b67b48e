"""The same derivation as window SQL (rebuild.sql), in PostgreSQL and in DuckDB, on tables that are already loaded."""

import io
import time
from collections.abc import Callable
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import polars as pl
import psycopg2

from benchmarks.rebuild_cells import Cells
from engine.stages.criteria_polars import CODE, TOUCH, VERDICT
from tests.postgres import postgres

SCRIPT = Path(__file__).with_suffix(".sql").with_name("rebuild.sql")
NAMED = ("journey", "occurred_at", "position", "kind", "code", "value")
TABLE = (
    "CREATE TABLE events (journey integer, occurred_at bigint, position bigint, kind smallint, code integer, "
    "value bigint)"
)
DERIVED = ("facts", "visits", "journeys", "cells")
SETTINGS = ("work_mem = '1GB'", "maintenance_work_mem = '1GB'", "max_parallel_workers_per_gather = 2", "jit = off")
"""What who tunes PostgreSQL for this would set; tables without a log (UNLOGGED) spare it the writing of one."""


def statements(as_of: int) -> list[str]:
    codes = CODE | {"meeting": TOUCH["meeting"], "demo": TOUCH["demo"], "confirmed": VERDICT["confirmed"]}
    script = Template(SCRIPT.read_text()).substitute(codes, as_of=as_of)
    return [statement for statement in script.split(";") if statement.strip()]


def in_postgresql(events: pl.DataFrame, as_of: int, rounds: int) -> tuple[list[float], Cells]:
    """Seconds of each round, and the cells. The table is clustered by the order the windows need, with an index."""
    with postgres() as server:
        connection = psycopg2.connect(server.url("postgres").replace("+psycopg2", ""))
        connection.autocommit = True
        with connection.cursor() as cursor:
            for setting in SETTINGS:
                cursor.execute(f"SET {setting}")
            cursor.execute(TABLE.replace("CREATE TABLE", "CREATE UNLOGGED TABLE"))
            for part in events.select(NAMED).iter_slices(500_000):
                cursor.copy_expert(
                    "COPY events FROM STDIN (FORMAT csv)", io.BytesIO(part.write_csv(include_header=False).encode())
                )
            cursor.execute("ALTER TABLE events ADD PRIMARY KEY (journey, occurred_at, position)")
            cursor.execute("VACUUM ANALYZE events")
            script = [each.replace("CREATE TABLE", "CREATE UNLOGGED TABLE") for each in statements(as_of)]
            found = rounds_of(cursor.execute, script, rounds)
            cursor.execute("SELECT cell, number FROM cells")
            cells = {name: float(number) for name, number in cursor.fetchall() if number}
        connection.close()
    return found, cells


def in_duckdb(events: pl.DataFrame, as_of: int, rounds: int, threads: int) -> tuple[list[float], Cells]:
    """Seconds of each round, and the cells; in memory."""
    with TemporaryDirectory() as folder, duckdb.connect() as connection:
        connection.execute(f"SET threads = {threads}")
        connection.execute(TABLE)
        file = f"{folder}/events.parquet"
        events.select(NAMED).write_parquet(file)
        connection.execute("INSERT INTO events SELECT * FROM read_parquet($1)", [file])
        found = rounds_of(connection.execute, statements(as_of), rounds)
        rows = connection.execute("SELECT cell, number FROM cells").fetchall()
    return found, {name: float(number) for name, number in rows if number}


def rounds_of(execute: Callable[[str], Any], script: list[str], rounds: int) -> list[float]:
    spans = []
    for _ in range(rounds):
        for table in reversed(DERIVED):
            execute(f"DROP TABLE IF EXISTS {table}")
        begun = time.perf_counter()
        for statement in script:
            execute(statement)
        spans.append(time.perf_counter() - begun)
    return spans
