"""Which reader a file takes: by its name."""

from collections.abc import Iterable
from pathlib import Path

import polars as pl

from service.importers.csv_rows import read_csv
from service.importers.json_rows import LINES, read_json
from service.importers.layout import Layout
from service.importers.unpack import UNPACKED_LIMIT
from service.importers.xes_rows import read_xes

JSON = (".json", ".jsonocel", *LINES)


def read_rows(
    path: Path, layout: Layout, columns: list[str] | None, empty: tuple[str, ...], limit: int = UNPACKED_LIMIT
) -> Iterable[pl.DataFrame]:
    """Batches of the columns of a file (None: all), by what its name says it is."""
    name = path.name.removesuffix(".gz")
    if name.endswith(".xes"):
        return read_xes(path, columns, empty=empty, may_lack=layout.may_lack, limit=limit)
    if name.endswith(JSON):
        return read_json(
            path,
            columns,
            rows=layout.rows,
            pairs=layout.pairs,
            empty=empty,
            may_lack=layout.may_lack,
            limit=limit,
        )
    return read_csv(
        path,
        columns,
        encoding=layout.encoding,
        delimiter=layout.delimiter,
        empty=empty,
        may_lack=layout.may_lack,
        limit=limit,
    )
