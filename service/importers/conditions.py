"""Conditions and sources of a mapping as Polars expressions over rows of strings."""

import polars as pl

from service.importers.words import Conditions, Source, Test, template_columns

UNLISTED = "\0unlisted"
"""Stands for a cell that the source's map does not list. No cell can hold it: a NUL is refused when read."""


def holds(conditions: Conditions) -> pl.Expr:
    """True where all conditions hold; never null."""
    return pl.all_horizontal(pl.lit(True), *(passes(column, test) for column, test in conditions.items()))


def passes(column: str, test: Test) -> pl.Expr:
    cell = pl.col(column)
    wanted = []
    if test.among is not None:
        wanted.append(cell.is_in(list(test.among)).fill_null(False))
    if test.not_in is not None:
        wanted.append(~cell.is_in(list(test.not_in)).fill_null(False))
    if test.prefix is not None:
        wanted.append(begins(cell, test.prefix))
    if test.not_prefix is not None:
        wanted.append(~begins(cell, test.not_prefix))
    if test.empty is not None:
        wanted.append(cell.is_null() if test.empty else cell.is_not_null())
    if test.changed is not None:
        wanted.append(pl.col(change_column(column)).is_in(CHANGES[test.changed]).fill_null(False))
    if test.unlike is not None:
        wanted.append((cell != pl.col(test.unlike)).fill_null(False))
    return pl.all_horizontal(wanted)


CHANGES = {"true": ["first", "differs"], "again": ["differs"], "false": ["same"]}


def change_column(column: str) -> str:
    """Where it stands whether a cell is the journey's first, the same as in the row before, or differs."""
    return f"?{column}"


def begins(cell: pl.Expr, prefixes: tuple[str, ...]) -> pl.Expr:
    return pl.any_horizontal([cell.str.starts_with(prefix).fill_null(False) for prefix in prefixes])


def text_of(source: Source, row_columns: list[str]) -> pl.Expr:
    """The value as a string, null where it is left out, UNLISTED where the map lacks the cell."""
    if source.const is not None:
        return pl.lit(source.const)
    if source.when is not None:
        return pl.when(holds(source.when)).then(pl.lit("true")).otherwise(pl.lit("false"))
    if source.template is not None:
        return finished(filled(source.template), source)
    if source.row:
        cells = [pl.concat_str(pl.lit(f"{column}: "), pl.col(column)) for column in row_columns]
        return pl.concat_str(cells, separator="; ", ignore_nulls=True)
    assert source.column is not None
    cell = pl.col(source.column)
    if source.map is not None:
        default = source.otherwise if source.otherwise is not None else UNLISTED
        # The default is for cells outside the map; an empty cell stays empty.
        translated = cell.replace_strict(source.map, default=default, return_dtype=pl.String)
        cell = pl.when(cell.is_not_null() & (translated != "")).then(translated)
    return finished(cell, source)


def finished(cell: pl.Expr, source: Source) -> pl.Expr:
    if source.written == "key":
        cell = pl.when(cell == UNLISTED).then(cell).otherwise(as_key(cell))
    return cell if source.default is None else cell.fill_null(source.default)


def as_key(cell: pl.Expr) -> pl.Expr:
    """The cell as a permanent key; UNLISTED where nothing is left of it."""
    plain = cell.str.strip_chars().str.normalize("NFKD").str.replace_all(r"\p{M}", "").str.to_lowercase()
    key = plain.str.replace_all(r"[^a-z0-9-]+", "_").str.strip_chars("_.-").str.head(64)
    return pl.when(key != "").then(key).when(cell.is_not_null()).then(pl.lit(UNLISTED))


def filled(template: str) -> pl.Expr:
    parts: list[pl.Expr] = []
    rest = template
    for column in template_columns(template):
        before, rest = rest.split("{" + column + "}", 1)
        parts += [pl.lit(before), pl.col(column)]
    return pl.concat_str([*parts, pl.lit(rest)])
