"""Side tables: files read whole, one row a key."""

from pathlib import Path

import polars as pl

from engine.errors import Rejected
from service.importers.conditions import holds
from service.importers.csv_rows import LINE
from service.importers.formats import read_rows
from service.importers.layout import Table
from service.importers.mapping import Mapping
from service.importers.report import ImportReport, tally
from service.importers.unfold import unfolded
from service.importers.words import columns_of


def load_tables(mapping: Mapping, folder: Path, report: ImportReport) -> dict[str, pl.DataFrame]:
    """The side tables, columns named TABLE.COLUMN; a key that is empty or there twice is refused."""
    return {name: load_table(name, mapping, folder, report) for name in mapping.tables}


def load_table(name: str, mapping: Mapping, folder: Path, report: ImportReport) -> pl.DataFrame:
    table = mapping.tables[name]
    path = next((folder / file for file in (table.file, f"{table.file}.gz") if (folder / file).exists()), None)
    wanted = {column.removeprefix(f"{name}.") for column in mapping.columns if column.startswith(f"{name}.")}
    wanted |= {table.key, *columns_of(table.when)} | ({table.order} if table.order is not None else set())
    if path is None and table.optional:
        report.missing_files.append(table.file)
        frame = pl.DataFrame(schema={LINE: pl.Int64} | dict.fromkeys(sorted(wanted), pl.String))
    else:
        frame = read_table(path or folder / table.file, table, mapping, sorted(wanted))
    for column in sorted(wanted.difference(frame.columns)):
        if column not in table.may_lack:
            known = ", ".join(each for each in frame.columns if each != LINE)
            raise Rejected(f"{path} has no column {column!r}: it has {known}")
        report.lacking_columns[f"{table.file}: {column}"] = 1
        frame = frame.with_columns(pl.lit(None, pl.String).alias(column))
    frame = one_a_key(frame.filter(holds(table.when)), table)
    frame = frame.rename({column: f"{name}.{column}" for column in frame.columns if column != LINE})
    for part in mapping.parts:
        frame = fix_spelling(frame, part.spelling, {})
    key = f"{name}.{table.key}"
    bad = frame.filter(pl.col(key).is_null() | pl.col(key).is_duplicated())
    if bad.height:
        raise Rejected(
            f"{path}, line {bad[LINE][0]}: key {table.key} {bad[key][0]!r} is empty or there twice: "
            "a side table has one row a key; `each: first` or `last` takes one of several"
        )
    return frame


def read_table(path: Path, table: Table, mapping: Mapping, wanted: list[str]) -> pl.DataFrame:
    empty = tuple(word for part in mapping.parts for word in part.empty)
    frame = pl.concat(list(read_rows(path, table, None, empty)), how="diagonal")
    return unfolded(frame, table, wanted, path.name)


def one_a_key(rows: pl.DataFrame, table: Table) -> pl.DataFrame:
    if table.each is None:
        return rows
    if table.order is not None:
        rows = rows.sort(table.order, nulls_last=False, maintain_order=True)
    return rows.filter(pl.col(table.key).is_not_null()).unique(table.key, keep=table.each, maintain_order=True)


def fix_spelling(rows: pl.DataFrame, spelling: dict[str, dict[str, str]], counts: dict[str, int]) -> pl.DataFrame:
    for column, fixes in spelling.items():
        if column in rows.columns:
            tally(counts, {column: int(rows[column].is_in(list(fixes)).sum())})
            rows = rows.with_columns(pl.col(column).replace(fixes))
    return rows
