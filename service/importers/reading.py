"""What reading one piece of a file goes by, and what it finds to tell on the way."""

from dataclasses import dataclass, field

import polars as pl

from engine.stages.definition import Definition
from service.importers.compare import Known
from service.importers.csv_rows import LINE
from service.importers.mapping import Mapping
from service.importers.report import BadRow, ImportReport

ROW = "_row"
"""Place of a row in its piece, from 0 (UInt32)."""


@dataclass
class Bad:
    """Bad rows found so far: what to say, and which rows to leave out."""

    file: str
    found: list[BadRow] = field(default_factory=list)
    rows: set[int] = field(default_factory=set)

    def add(self, rows: pl.DataFrame, column: str | None, why: str) -> None:
        """Each of these rows is bad for one reason; rows has _row, _line and, where named, the column."""
        values = rows[column].to_list() if column is not None else [None] * rows.height
        for row, line, value in zip(rows[ROW], rows[LINE], values, strict=True):
            self.tell((row, line), column, value, why)

    def tell(self, place: tuple[int, int], column: str | None, value: object, why: str) -> None:
        """place: _row and _line."""
        shown = None if value is None else str(value)[:200]
        self.found.append(BadRow(file=self.file, line=place[1], column=column, value=shown, why=why))
        self.rows.add(place[0])


@dataclass(frozen=True)
class Reading:
    mapping: Mapping
    definition: Definition
    tables: dict[str, pl.DataFrame]
    now: int
    """microseconds; what lies after it lies in the future"""
    report: ImportReport
    bad: Bad
    known: Known
    """what the log holds of the piece's journeys"""


def repeated(name: str, value: str | None, count: int) -> pl.Series:
    """A column that says the same in every row."""
    return pl.Series(name, [value], dtype=pl.String).new_from_index(0, count)
