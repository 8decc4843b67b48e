"""Rows of a CSV file, every cell as the text it is; nothing is guessed and no malformed line is passed over.

Python's csv module reads and Polars holds: Polars' own reader fills up rows that are too short and knows no lines.
"""

import codecs
import csv
import io
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from engine.errors import Rejected
from service.importers.unpack import UNPACKED_LIMIT, unpacked

if TYPE_CHECKING:
    from _csv import Reader

BATCH = 1_000
"""Rows read at a time; few, so that the garbage collector never walks many lists."""
LINE = "_line"


def read_csv(
    path: Path,
    columns: Sequence[str] | None,
    *,
    encoding: str = "utf-8",
    delimiter: str = ",",
    empty: Sequence[str] = (),
    may_lack: Collection[str] = (),
    limit: int = UNPACKED_LIMIT,
) -> Iterator[pl.DataFrame]:
    """Batches of the columns asked for (None: all), as strings with null for an empty cell, and `_line` (Int64).

    Rejected: wrong encoding, ragged rows, broken quotes, a column that is missing (unless it may be, then its cells
    are null) or there twice, no rows.
    """
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        raise Rejected(f"{encoding!r} is no encoding: use utf-8, cp1252, latin-1, ...") from None
    try:
        with unpacked(path, limit) as data:
            text = io.TextIOWrapper(data, encoding="utf-8-sig" if name == "utf-8" else name, newline="")
            yield from batches(path, csv.reader(text, strict=True, delimiter=delimiter), columns, empty, may_lack)
    except UnicodeDecodeError:
        raise Rejected(
            f"{path}, line {undecodable_line(path, name, limit)}: not {encoding}; state `encoding`"
        ) from None


def batches(
    path: Path, reader: "Reader", columns: Sequence[str] | None, empty: Sequence[str], may_lack: Collection[str]
) -> Iterator[pl.DataFrame]:
    header = next(lines(path, reader, 1), None)
    if header is None:
        raise Rejected(f"{path} is empty: a header and rows are needed")
    wanted = header if columns is None else columns
    lacking = [column for column in wanted if column in may_lack and column not in header]
    wanted = [column for column in wanted if column not in lacking]
    places = [place_of(path, header, column) for column in wanted]
    blank = dict.fromkeys(("", *empty))
    found = False
    while True:
        before = reader.line_num
        rows = list(lines(path, reader, BATCH))
        if not rows:
            break
        numbers = line_numbers(rows, before, reader.line_num)
        if [] in rows:
            kept = [place for place, row in enumerate(rows) if row]
            rows, numbers = [rows[place] for place in kept], [numbers[place] for place in kept]
        refuse_ragged(path, rows, numbers, len(header))
        found = found or bool(rows)
        cells = {
            column: pl.Series([row[place] for row in rows], dtype=pl.String)
            for column, place in zip(wanted, places, strict=True)
        }
        frame = pl.DataFrame({LINE: pl.Series(numbers, dtype=pl.Int64), **cells})
        yield frame.with_columns(
            pl.col(wanted).replace(blank), *(pl.lit(None, pl.String).alias(name) for name in lacking)
        )
    if not found:
        raise Rejected(f"{path} has a header and no rows")


def lines(path: Path, reader: "Reader", count: int) -> Iterator[list[str]]:
    try:
        yield from islice(reader, count)
    except csv.Error as error:
        raise Rejected(f"{path}, line {reader.line_num}: {error}") from None


def place_of(path: Path, header: list[str], column: str) -> int:
    if header.count(column) == 1:
        return header.index(column)
    if column in header:
        raise Rejected(f"{path} has two columns {column!r}: rename one")
    raise Rejected(f"{path} has no column {column!r}: it has {', '.join(header)[:1000]}")


def line_numbers(rows: list[list[str]], before: int, after: int) -> list[int]:
    """The line each row begins on; a cell in quotes may hold several lines."""
    if after - before == len(rows):
        return list(range(before + 1, after + 1))
    numbers, line = [], before + 1
    for row in rows:
        numbers.append(line)
        line += 1 + sum(cell.count("\n") or cell.count("\r") for cell in row)
    return numbers


def refuse_ragged(path: Path, rows: list[list[str]], numbers: list[int], width: int) -> None:
    for row, number in zip(rows, numbers, strict=True):
        if len(row) != width:
            raise Rejected(f"{path}, line {number}: {len(row)} cells where the header has {width}")


def undecodable_line(path: Path, encoding: str, limit: int) -> int:
    decoder = codecs.getincrementaldecoder(encoding)()
    with unpacked(path, limit) as data:
        lines = 0
        for line in data:
            lines += 1
            try:
                decoder.decode(line)
            except UnicodeDecodeError:
                break
    return lines
