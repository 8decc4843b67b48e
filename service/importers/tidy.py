"""Rows as they were read, made ready: spelling fixed, side tables joined, dates told apart from what is none."""

from pathlib import Path

import polars as pl

from engine.errors import Rejected
from service.importers.csv_rows import LINE, read_csv
from service.importers.dates import instants
from service.importers.mapping import Mapping
from service.importers.reading import ROW, Reading
from service.importers.report import tally


def instant_column(column: str) -> str:
    """Where the moment of a date column stands, in microseconds."""
    return f"@{column}"


def load_tables(mapping: Mapping, folder: Path) -> dict[str, pl.DataFrame]:
    """The side tables, columns named TABLE.COLUMN; a key that is empty or there twice is refused."""
    return {name: load_table(name, mapping, folder) for name in mapping.tables}


def load_table(name: str, mapping: Mapping, folder: Path) -> pl.DataFrame:
    table = mapping.tables[name]
    path = folder / table.file
    batches = read_csv(path, None, encoding=table.encoding, delimiter=table.delimiter, empty=mapping.empty)
    frame = pl.concat(batches)
    key = f"{name}.{table.key}"
    frame = frame.rename({column: f"{name}.{column}" for column in frame.columns if column != LINE})
    if key not in frame.columns:
        raise missing_column(path, table.key, name, frame)
    for wanted in sorted(mapping.columns | roster_columns(mapping)):
        if wanted.startswith(f"{name}.") and wanted not in frame.columns:
            raise missing_column(path, wanted.removeprefix(f"{name}."), name, frame)
    frame = fix_spelling(frame, mapping, {})
    bad = frame.filter(pl.col(key).is_null() | pl.col(key).is_duplicated())
    if bad.height:
        raise Rejected(
            f"{path}, line {bad[LINE][0]}: key {table.key} {bad[key][0]!r} is empty or there twice: "
            "a side table has one row a key"
        )
    return frame


def missing_column(path: Path, column: str, table: str, frame: pl.DataFrame) -> Rejected:
    known = ", ".join(name.removeprefix(f"{table}.") for name in frame.columns if name != LINE)
    return Rejected(f"{path} has no column {column!r}: it has {known}")


def roster_columns(mapping: Mapping) -> set[str]:
    roster = mapping.roster
    if roster is None:
        return set()
    named = (roster.rep, roster.team, roster.manager, roster.region, roster.name)
    return {f"{roster.table}.{column}" for column in named if column is not None}


def fix_spelling(rows: pl.DataFrame, mapping: Mapping, counts: dict[str, int]) -> pl.DataFrame:
    for column, fixes in mapping.spelling.items():
        if column in rows.columns:
            tally(counts, {column: int(rows[column].is_in(list(fixes)).sum())})
            rows = rows.with_columns(pl.col(column).replace(fixes))
    return rows


def tidy(rows: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    """Rows with `_row`, side tables' cells and the moments of date columns (Int64 micros, null where empty)."""
    mapping, bad = reading.mapping, reading.bad
    rows = fix_spelling(rows, mapping, reading.report.spelling).with_row_index(ROW)
    for name in rows.columns[2:]:
        bad.add(rows.filter(pl.col(name).str.contains("\0", literal=True)), name, "the cell holds a NUL character")
    bad.add(rows.filter(pl.col(mapping.key).is_null()), mapping.key, "the journey's id is empty")
    if mapping.shape == "wide":
        twice = rows.filter(pl.col(mapping.key).is_not_null() & pl.col(mapping.key).is_duplicated())
        bad.add(twice, mapping.key, "this id is there twice: a wide file has one row a journey")
    if mapping.row_id is not None:
        twice = rows.filter(pl.col(mapping.row_id).is_null() | pl.struct(mapping.key, mapping.row_id).is_duplicated())
        bad.add(twice, mapping.row_id, "the row's id is empty or there twice")
    for name in mapping.tables:
        rows = joined(rows, name, reading)
    for column, how in mapping.dates.items():
        moments = instants(rows[column], how).alias(instant_column(column))
        rows = rows.with_columns(moments)
        wrong = rows.filter(pl.col(column).is_not_null() & pl.col(instant_column(column)).is_null())
        bad.add(wrong, column, f"is no date as the mapping states it: {how.shown}")
    return rows


def joined(rows: pl.DataFrame, name: str, reading: Reading) -> pl.DataFrame:
    mapping, table = reading.mapping, reading.tables[name]
    column = mapping.tables[name].column
    if column is None:
        return rows
    key = f"{name}.{mapping.tables[name].key}"
    lacking = rows.filter(pl.col(column).is_not_null() & ~pl.col(column).is_in(table[key].implode()))
    if mapping.tables[name].unknown == "refuse":
        why = f"is not in {mapping.tables[name].file}: fix it under `spelling`, or say `unknown: empty`"
        reading.bad.add(lacking, column, why)
    elif lacking.height:
        tally(reading.report.unknown_keys, {name: lacking.height})
    if rows[column].null_count():
        tally(reading.report.empty_keys, {name: rows[column].null_count()})
    used = sorted(wanted for wanted in mapping.columns if wanted in table.columns and wanted != key)
    cells = table.select(pl.col(key).alias(column), pl.col(key), *used)
    return rows.join(cells, on=column, how="left", maintain_order="left")
