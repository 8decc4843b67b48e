"""New rows on their way into ranges: kept on the disk, so that no build holds more than a batch or two ranges.

The log is in the order of recording, files hold journeys; what a range gets comes from many batches.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

import polars as pl

PIECE: Final = "piece-"
"""begins their names; only one build at a time writes in a folder"""


@dataclass(frozen=True)
class Piece:
    """A table's rows of one batch, sorted by journey."""

    path: Path
    ranges: frozenset[int]
    """first journeys of the ranges that they belong to"""


class Pieces:
    """The rows of one build."""

    def __init__(self, folder: Path, width: int) -> None:
        """width: journeys in a range."""
        self._folder, self._width = folder, width
        self._of: dict[str, list[Piece]] = {}
        # Of a build that was killed.
        self.remove()

    def remove(self) -> None:
        """All of them, from the disk."""
        for path in self._folder.glob(f"{PIECE}*"):
            path.unlink()

    def add(self, name: str, rows: pl.DataFrame) -> None:
        """Rows of a table, sorted by journey."""
        if rows.is_empty():
            return
        path = self._folder / f"{PIECE}{uuid4().hex[:12]}.arrow"
        rows.write_ipc(path)
        firsts = (rows["journey"] // self._width * self._width).unique()
        self._of.setdefault(name, []).append(Piece(path, frozenset(firsts)))

    def ranges(self, name: str) -> list[int]:
        """First journeys of the ranges that have rows of the table."""
        return sorted({first for piece in self._of.get(name, []) for first in piece.ranges})

    def of(self, name: str, first: int) -> list[pl.DataFrame]:
        """What came of a range, as it came."""
        concerned = [piece for piece in self._of.get(name, []) if first in piece.ranges]
        return [within(pl.read_ipc(piece.path), first, self._width) for piece in concerned]


def within(rows: pl.DataFrame, first: int, width: int) -> pl.DataFrame:
    """The rows of a range; they are sorted by journey."""
    begin, end = rows["journey"].search_sorted(pl.Series([first, first + width]), side="left")
    return rows[begin:end]
