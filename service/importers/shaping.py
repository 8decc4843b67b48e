"""What files hold becomes rows of one frame: lists unfolded, spelling fixed, side tables joined, columns made."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from service.importers.conditions import filled, holds
from service.importers.csv_rows import LINE
from service.importers.formats import read_rows
from service.importers.layout import Derived
from service.importers.mapping import Mapping
from service.importers.part import Part
from service.importers.report import ImportReport, tally
from service.importers.tables import fix_spelling
from service.importers.unfold import unfolded
from service.importers.unpack import UNPACKED_LIMIT

FILE, PART, KEY = "_file", "_part", "_key"
"""Which file a row stands in (Int32), which part of the mapping it is read by (Int32), the id of its journey."""
GATHERED = 20_000
"""Rows shaped at a time: joining a few would cost more than reading them."""


@dataclass
class Shaper:
    mapping: Mapping
    tables: dict[str, pl.DataFrame]
    report: ImportReport
    limit: int = UNPACKED_LIMIT
    named: dict[str, set[str]] = field(default_factory=dict)
    """keys of side tables that some row names"""

    def rows(self, files: list[tuple[int, Path]]) -> Iterator[pl.DataFrame]:
        """files: which part of the mapping reads which file, in order.

        Batches of strings with _file, _line, _part, _key.
        """
        for number, (place, path) in enumerate(files):
            part = self.mapping.parts[place]
            batches = read_rows(path, part, part.of_the_file(set(part.told)), part.empty, self.limit)
            if part.newest_first:
                batches = [pl.concat(batches, how="diagonal").reverse()]
            lacking = set(part.may_lack)
            for batch in gathered(batches) if part.steps or part.unfold or part.spelling else batches:
                lacking -= {name for name in lacking if name in batch.columns and batch[name].count()}
                rows = unfolded(batch, part, part.told, path.name)
                rows = fix_spelling(rows, part.spelling, self.report.spelling)
                for what, name in part.steps:
                    rows = self.joined(rows, name, part) if what == "join" else made(rows, name, part.made[name])
                yield rows.select(
                    pl.lit(number, pl.Int32).alias(FILE),
                    pl.lit(place, pl.Int32).alias(PART),
                    pl.col(part.key).alias(KEY),
                    pl.all(),
                )
            tally(self.report.lacking_columns, {f"{path.name}: {name}": 1 for name in sorted(lacking)})

    def joined(self, rows: pl.DataFrame, name: str, part: Part) -> pl.DataFrame:
        """The cells the mapping reads of the table, and its key: null where the row names none or one it lacks."""
        table, column, key = self.tables[name], part.join[name], f"{name}.{self.mapping.tables[name].key}"
        used = sorted(wanted for wanted in part.columns if wanted in table.columns and wanted != key)
        cells = table.select(pl.col(key).alias(column), pl.col(key), *used)
        rows = rows.join(cells, on=column, how="left", maintain_order="left")
        self.named.setdefault(name, set()).update(rows[key].drop_nulls().unique())
        return rows

    def note_unnamed(self) -> None:
        """Tells how many rows of side tables no row of the files has named."""
        for name, named in self.named.items():
            left = self.tables[name].height - len(named)
            if left and self.mapping.tables[name].file not in self.mapping.listed:
                self.report.unnamed_rows[name] = left


def gathered(batches: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    held: list[pl.DataFrame] = []
    for batch in batches:
        held.append(batch)
        if sum(each.height for each in held) >= GATHERED:
            yield pl.concat(held, how="diagonal")
            held = []
    if held:
        yield pl.concat(held, how="diagonal")


def made(rows: pl.DataFrame, name: str, how: Derived) -> pl.DataFrame:
    if how.pick is not None:
        chosen = rows.filter(holds(how.when)).unique(LINE, keep="first", maintain_order=True)
        return rows.join(chosen.select(LINE, pl.col(how.pick).alias(name)), on=LINE, how="left", maintain_order="left")
    if how.first_of is not None:
        cell = pl.coalesce(how.first_of)
    elif how.template is not None:
        cell = filled(how.template)
    else:
        assert how.column is not None
        cell = pl.col(how.column)
    if how.when:
        cell = pl.when(holds(how.when)).then(cell)
    return rows.with_columns(cell.alias(name))
