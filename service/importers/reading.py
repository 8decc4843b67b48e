"""What reading one piece of a file goes by, and what it finds to tell on the way."""

from dataclasses import dataclass, field

import polars as pl

from engine.stages.definition import Definition
from service.importers.compare import Known
from service.importers.mapping import Mapping
from service.importers.report import BadRow, ImportReport

ROW = "_row"
"""Place of a row in its piece, from 0 (UInt32)."""


@dataclass
class Bad:
    """Bad rows found so far: what to say, and which rows to leave out."""

    files: list[str]
    """names by number"""
    places: pl.DataFrame
    """_file and _line of every row of the piece"""
    found: list[BadRow] = field(default_factory=list)
    rows: set[int] = field(default_factory=set)

    def add(self, rows: pl.DataFrame, column: str | None, why: str) -> None:
        """Each of these rows is bad for one reason; rows has _row and, where named, the column."""
        values = rows[column].to_list() if column is not None else [None] * rows.height
        for row, value in zip(rows[ROW], values, strict=True):
            self.tell(row, column, value, why)

    def tell(self, row: int, column: str | None, value: object, why: str) -> None:
        shown = None if value is None else str(value)[:200]
        file, line = self.place(row)
        self.found.append(BadRow(file=file, line=line, column=column, value=shown, why=why))
        self.rows.add(row)

    def place(self, row: int) -> tuple[str, int]:
        """The file's name, and the line (or which event or object of it)."""
        number, line = self.places.row(row)
        return self.files[number], line


@dataclass(frozen=True)
class Reading:
    mapping: Mapping
    definitions: dict[str, Definition]
    """of the pipelines the mapping brings or names, by key"""
    now: int
    """microseconds; what lies after it lies in the future"""
    report: ImportReport
    bad: Bad
    known: Known
    """what the log holds of the piece's journeys"""
    left_out: set[int] = field(default_factory=set)
    """rows told already"""

    def stage_kinds(self) -> dict[str, str]:
        """Kind of every stage key that a definition knows."""
        return {
            key: definition.stages[rank].kind
            for definition in self.definitions.values()
            for key, rank in definition.ranks.items()
        }


def repeated(name: str, value: str | None, count: int) -> pl.Series:
    """A column that says the same in every row."""
    return pl.Series(name, [value], dtype=pl.String).new_from_index(0, count)
