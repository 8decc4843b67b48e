"""What a file holds, column by column, before there is a mapping for it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel

from engine.errors import Rejected
from service.importers.csv_rows import LINE
from service.importers.formats import JSON, read_rows
from service.importers.guesses import Fit, Mixed, date_fits, mixed_dates, number_fits
from service.importers.json_rows import LINES
from service.importers.layout import Layout, Numbers
from service.importers.unpack import unpacked

EXAMPLES = 5
ENCODINGS = ("utf-8", "cp1252")
DELIMITERS = (",", ";", "\t", "|")


class ColumnSeen(BaseModel):
    name: str
    filled: int
    empty: int
    distinct: int
    examples: list[str]
    """the most frequent cells, shortened"""
    dates: list[Fit]
    """formats that fit all filled cells; two that read them differently need a person"""
    mixed: Mixed | None = None
    """where no one format fits all cells, but several together do nearly"""
    numbers: list[Numbers]
    """likewise ways of writing numbers"""
    negative: bool = False
    decimals: int = 0
    """most digits after the decimal sign, by the first way that fits"""
    longest: int = 0

    @property
    def unique(self) -> bool:
        return self.distinct == self.filled and not self.empty


class FileSeen(BaseModel):
    file: str
    rows: int
    encoding: str
    delimiter: str | None
    """of a CSV file"""
    at: str | None
    """of a JSON file: where its rows are"""
    columns: list[ColumnSeen]

    def column(self, name: str) -> ColumnSeen:
        return next(column for column in self.columns if column.name == name)


def look_at(path: Path) -> tuple[FileSeen, pl.DataFrame]:
    """What is seen, and the rows as text."""
    layout = layout_of(path)
    frame = pl.concat(list(read_rows(path, layout, None, ())), how="diagonal")
    csv = not path.name.removesuffix(".gz").endswith((*JSON, ".xes"))
    seen = FileSeen(
        file=path.name,
        rows=frame.height,
        encoding=layout.encoding,
        delimiter=layout.delimiter if csv else None,
        at=layout.rows,
        columns=[column_seen(frame[name]) for name in frame.columns if name != LINE],
    )
    return seen, frame


def column_seen(cells: pl.Series) -> ColumnSeen:
    filled = cells.drop_nulls()
    counts = filled.value_counts(sort=True)
    distinct = counts[cells.name]
    numbers = number_fits(distinct)
    decimals, negative = 0, False
    if numbers:
        fraction = distinct.str.extract(rf"[{numbers[0].decimal}]([0-9]+)$").str.strip_chars_end("0")
        decimals = max((len(digits) for digits in fraction.drop_nulls()), default=0)
        negative = bool(distinct.str.starts_with("-").any())
    dates = date_fits(distinct)
    return ColumnSeen(
        name=cells.name,
        filled=filled.len(),
        empty=cells.null_count(),
        distinct=distinct.len(),
        examples=[text if len(text) <= 40 else f"{text[:37]}..." for text in distinct.head(EXAMPLES)],
        dates=dates,
        mixed=None if dates or numbers else mixed_dates(distinct),
        numbers=numbers,
        decimals=decimals,
        negative=negative,
        longest=max(map(len, distinct), default=0),
    )


def layout_of(path: Path) -> Layout:
    """The layout by which the whole file can be read; of several the one with the most columns."""
    name = path.name.removesuffix(".gz")
    if name.endswith(".xes"):
        return Layout()
    if name.endswith(JSON):
        return Layout(rows=rows_path(path))
    readable: list[tuple[int, Layout]] = []
    problem: Rejected | None = None
    for encoding in ENCODINGS:
        for delimiter in DELIMITERS:
            layout = Layout(encoding=encoding, delimiter=delimiter)
            try:
                first = next(iter(read_rows(path, layout, None, ())))
            except Rejected as error:
                problem = problem or error
            else:
                readable.append((first.width, layout))
        if readable:
            break
    for _, layout in sorted(readable, key=lambda found: -found[0]):
        try:
            for _ in read_rows(path, layout, None, ()):
                pass
        except Rejected as error:
            problem = problem or error
        else:
            return layout
    if problem is None:
        raise Rejected(f"{path} is empty")
    raise problem


def rows_path(path: Path) -> str | None:
    """Where in a JSON document its rows are: the longest list of objects; None where the document is that list."""
    with unpacked(path) as data:
        lines = path.name.removesuffix(".gz").endswith(LINES)
        text = data.readline() if lines else data.read()
        if lines and data.readline().strip():
            # Each line is a row, and a list in it is its own: `unfold` takes it apart.
            return None
    try:
        document = json.loads(text)
    except ValueError:
        # JSON Lines under another name, or broken: the reader will tell.
        return None
    lists = sorted(lists_in(document, ""), key=lambda found: -found[1])
    return lists[0][0] or None if lists else None


def lists_in(value: Any, at: str, depth: int = 3) -> Iterator[tuple[str, int]]:
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        yield at, len(value)
    elif isinstance(value, dict) and depth:
        for name, inner in value.items():
            yield from lists_in(inner, f"{at}.{name}" if at else name, depth - 1)
