"""A row with a list in a cell becomes a row for each item: the deals a call was about, the objects of an event."""

import ast
import json
from typing import Any

import polars as pl

from engine.errors import Rejected
from service.importers.csv_rows import LINE
from service.importers.json_rows import flat, text_of
from service.importers.layout import Layout


def unfolded(rows: pl.DataFrame, layout: Layout, columns: list[str], file: str) -> pl.DataFrame:
    """columns: what is read of the items, LIST or LIST.NAME. A row without items stays one row, those cells empty."""
    if layout.unfold is None:
        return rows
    places: list[int] = []
    cells: dict[str, list[str | None]] = {name: [] for name in columns if layout.unfolded(name)}
    for place, (line, text) in enumerate(rows.select(LINE, layout.unfold).iter_rows()):
        for item in items_of(text, layout.separator, f"{file}, line {line}, {layout.unfold}") or [None]:
            told = (
                flat(item, layout.pairs, f"{layout.unfold}.")
                if isinstance(item, dict)
                else {layout.unfold: text_of(item)}
            )
            places.append(place)
            for name, found in cells.items():
                found.append(told.get(name))
    made = [pl.Series(name, found, dtype=pl.String) for name, found in cells.items()]
    return rows.drop(layout.unfold)[places].with_columns(made)


def items_of(text: str | None, separator: str | None, place: str) -> list[Any]:
    if text is None:
        return []
    if separator is not None:
        return [item.strip() for item in text.split(separator) if item.strip()]
    try:
        found = json.loads(text, parse_float=str, parse_int=str)
    except ValueError:
        try:
            # Lists as Python writes them, ['a', 'b'], are common in CSV files of event logs.
            found = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            found = None
    if not isinstance(found, list):
        raise Rejected(f"{place}: {text[:100]!r} is no list: state the `separator` of its items")
    return found
