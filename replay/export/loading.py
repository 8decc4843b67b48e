"""Rows of a frame into a table, in the transaction that is open: the quickest way that the database has."""

import io
from typing import Any

import polars as pl
from sqlalchemy import Connection, Table


def load(connection: Connection, table: Table, rows: pl.DataFrame) -> None:
    """Inserts the rows; their columns are the table's."""
    if rows.is_empty():
        return
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * rows.width)
        connection.exec_driver_sql(f"INSERT INTO {table.name} VALUES ({marks})", for_sqlite(rows).rows())
    elif connection.dialect.driver == "psycopg2":
        copy(connection, table, rows)
    else:
        connection.execute(table.insert(), rows.to_dicts())


def for_sqlite(rows: pl.DataFrame) -> pl.DataFrame:
    """Moments as SQLAlchemy writes them there, in UTC; decimals as floating point."""
    return rows.with_columns(
        pl.col(pl.Datetime).dt.strftime("%Y-%m-%d %H:%M:%S%.6f"),
        pl.col(pl.Date).cast(pl.String),
        pl.col(pl.Decimal).cast(pl.Float64),
    )


def copy(connection: Connection, table: Table, rows: pl.DataFrame) -> None:
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor:
        # An empty text is quoted and so is no null.
        cursor.copy_expert(
            f"COPY {table.name} FROM STDIN (FORMAT csv)",
            io.BytesIO(rows.write_csv(include_header=False, quote_style="non_numeric", null_value="").encode()),
        )
