"""Finding a cell: the table and the rows that `stage=proposal part=lost group=rep-03` speaks of."""

from collections.abc import Mapping, Sequence

import polars as pl

from engine.errors import Rejected
from engine.projections.groups import labels
from engine.projections.look import Look
from replay.cells.counted import NONE, Counted

SHOWN_GROUPS = 30


def table_of(tables: list[Counted], cell: Mapping[str, str]) -> tuple[Counted, str]:
    """The table that holds the cell, and the figure in it. Rejected: there is none."""
    asked = {name: value for name, value in cell.items() if name not in ("part", "group")}
    fit = [each for each in tables if asked.keys() <= each.words.keys() and cell.get("part") in {None, *each.parts}]
    if not fit:
        each_once = dict.fromkeys((tuple(each.words), tuple(each.parts)) for each in tables)
        known = "; ".join(
            " ".join([*(f"{name}=..." for name in words), f"part={'|'.join(parts)}"]) for words, parts in each_once
        )
        told = " ".join(f"{name}={value}" for name, value in cell.items())
        raise Rejected(f"cell {told!r} is not in this answer: there are {known}", field="cell")
    for each in fit:
        choices = [(value, each.words[name].known) for name, value in asked.items()]
        if all(known is None or value in known for value, known in choices):
            return each, cell.get("part") or next(iter(each.parts))
    wrong = {name: [word for each in fit for word in each.words[name].known or ()] for name in asked}
    name = next(name for name, words in wrong.items() if words and asked[name] not in words)
    known = ", ".join(dict.fromkeys(wrong[name]))
    raise Rejected(f"{name} {asked[name]!r} is not in this answer: use one of {known}", field="cell")


def found_in(counted: Counted, part: str, cell: Mapping[str, str]) -> pl.DataFrame:
    """The rows of the cell, of all groups. Rejected: a word that no row knows."""
    rows = counted.rows.filter(counted.parts[part])
    for name, word in counted.words.items():
        value = cell.get(name, word.default)
        if value is not None:
            rows = rows.filter(word.of.fill_null(NONE) == value)
    found = rows.collect()
    for name, word in counted.words.items() if found.is_empty() else ():
        if name in cell and word.known is None:
            words = counted.rows.select(word.of.fill_null(NONE).unique().sort().alias(name)).collect()[name].to_list()
            if cell[name] not in words:
                known = ", ".join(words) or "none"
                raise Rejected(f"{name} {cell[name]!r} is not in this answer: use one of {known}", field="cell")
    return found


def of_group(
    look: Look, rows: pl.DataFrame, tables: list[Counted], by: str | None, cell: Mapping[str, str]
) -> pl.DataFrame:
    """The rows of the group that is asked for. Rejected: the answer has no such group."""
    asked = cell.get("group")
    if asked is None:
        return rows
    if by is None:
        said = f"group {asked!r} is not in this answer: it is not grouped, name a grouping (by)"
        raise Rejected(said, field="cell")
    if asked == NONE:
        return rows.filter(pl.col("group").is_null())
    values = pl.concat([each.rows.select("group").unique() for each in tables]).unique().collect()["group"].to_list()
    known = labels(look, by, values)
    for value, key, label in known:
        if asked in (key, label):
            return rows.filter(pl.col("group") == value)
    names = ", ".join(key or NONE for _, key, _ in known[:SHOWN_GROUPS]) or "none"
    raise Rejected(f"group {asked!r} is not in this answer: it has {names}", field="cell")


def cell_of(text: str) -> dict[str, str]:
    """`stage=proposal part=lost`, by spaces or commas. Rejected: what is no NAME=VALUE."""
    pairs = [part.partition("=") for part in text.replace(",", " ").split()]
    if not pairs or not all(name and separator and value for name, separator, value in pairs):
        raise Rejected(
            f"cell {text!r} is not understood: write NAME=VALUE, such as stage=proposal part=lost", field="cell"
        )
    return one_of_each([(name, value) for name, _, value in pairs])


def one_of_each(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The cell that these name. Rejected: one name twice, for no cell has two stages."""
    named = dict(pairs)
    if len(named) < len(pairs):
        twice = sorted({name for name, _ in pairs if [other for other, _ in pairs].count(name) > 1})
        raise Rejected(f"cell names {', '.join(twice)} more than once: name one cell", field="cell")
    return named
