"""Batches of a table into one file, as they come: the memory it takes is that of a few batches."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import polars as pl
from polars.io.plugins import register_io_source

from replay.export.cells import harmless_cells
from replay.export.lines import lines
from replay.export.manifest import Format

Batches = Iterator[pl.DataFrame]


def write_parquet(batches: Batches, path: Path) -> None:
    """zstd, a row group a batch; decimals, dates and moments in UTC as types of their own."""
    first = next(batches)

    def source(_columns: list[str] | None, _predicate: pl.Expr | None, _rows: int | None, _size: int | None) -> Batches:
        yield first
        yield from batches

    register_io_source(source, schema=first.schema).sink_parquet(path, maintain_order=True)


def write_csv(batches: Batches, path: Path) -> None:
    """UTF-8, a header line, RFC 4180 quotes, moments in ISO 8601; no cell that a spreadsheet takes for a formula."""
    with path.open("wb") as file:
        for n, batch in enumerate(batches):
            harmless_cells(batch).write_csv(file, include_header=n == 0, datetime_format="%Y-%m-%dT%H:%M:%S%.6fZ")


def write_jsonl(batches: Batches, path: Path) -> None:
    """Events as lines of JSON (lines.py)."""
    with path.open("wb") as file:
        for batch in batches:
            file.write(lines(batch))


WRITERS: Final[dict[Format, Callable[[Batches, Path], None]]] = {
    "parquet": write_parquet,
    "csv": write_csv,
    "jsonl": write_jsonl,
}
