"""Events of an export file again as batches, as they were stored: for whoever has the file and not the log."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import polars as pl

from engine.errors import Rejected
from replay.export.cells import as_written
from replay.export.stored import BATCH, STORED, TIMES

READABLE: Final = ("parquet", "csv", "jsonl")
_TEXTS: Final = {name: pl.String if name in TIMES else dtype for name, dtype in STORED.items()}
_FIELDS: Final = pl.Struct({name: dtype for name, dtype in _TEXTS.items() if name != "payload"})


def read_events(path: Path, form: str) -> Iterator[pl.DataFrame]:
    """Batches of stored.STORED. Rejected where the file is not of that format, or lacks a column."""
    try:
        for batch in _READERS[form](path):
            yield batch.select(STORED.keys())
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        raise Rejected(f"{path} is no {form} file of events: {str(error).splitlines()[0]}") from None


def from_parquet(path: Path) -> Iterator[pl.DataFrame]:
    yield from pl.scan_parquet(path).collect_batches(chunk_size=BATCH, maintain_order=True)


def from_csv(path: Path) -> Iterator[pl.DataFrame]:
    rows = pl.scan_csv(path, schema_overrides=_TEXTS)
    for batch in rows.collect_batches(chunk_size=BATCH, maintain_order=True):
        yield batch.with_columns(as_written("origin"), *map(parsed, TIMES))


def from_jsonl(path: Path) -> Iterator[pl.DataFrame]:
    with path.open(encoding="utf-8", newline="\n") as file:
        while some := list(islice(file, BATCH)):
            # The payload stays the text it is: parsed and written again it might be another one.
            parts = pl.DataFrame({"line": some}).select(
                head=pl.concat_str(pl.col("line").str.extract(r'^(.*?),"payload":\{'), pl.lit("}")),
                payload=pl.col("line").str.extract(r',"payload":(\{.*\})\}\n$'),
            )
            rows = parts.with_columns(pl.col("head").str.json_decode(_FIELDS)).unnest("head")
            yield rows.with_columns(map(parsed, TIMES))


def parsed(column: str) -> pl.Expr:
    return pl.col(column).str.to_datetime("%Y-%m-%dT%H:%M:%S%.6fZ", time_unit="us", time_zone="UTC")


_READERS: Final = {"parquet": from_parquet, "csv": from_csv, "jsonl": from_jsonl}
