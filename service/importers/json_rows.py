"""Rows of a JSON file: a list of objects, JSON Lines, or answers of an interface that hold their rows somewhere inside.

Nested objects are read as dotted columns, `owner.id`; a list stays its own JSON text, to be unfolded or kept.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from engine.errors import Rejected
from service.importers.csv_rows import LINE
from service.importers.unpack import UNPACKED_LIMIT, unpacked

BATCH = 1_000
KEY = "_key"
"""Where rows stand in an object instead of a list: the name each has there."""
LINES = (".jsonl", ".ndjson")

Row = dict[str, str]


def read_json(
    path: Path,
    columns: Sequence[str] | None,
    *,
    rows: str | None = None,
    pairs: Sequence[str] = (),
    empty: Sequence[str] = (),
    may_lack: Collection[str] = (),
    limit: int = UNPACKED_LIMIT,
) -> Iterator[pl.DataFrame]:
    """Batches of the columns asked for (None: all), as strings, null where empty, and `_line`: the line in JSON Lines,
    else which row it is, from 1. Numbers keep the text they have in the file.

    Rejected: no JSON, a key given twice, NaN, rows that are no objects, a column no row has (unless it may be lacking).
    """
    blank = dict.fromkeys(("", *empty))
    unseen, met, found = set(columns or ()).difference(may_lack), set[str](), False
    source = numbered(path, rows, limit)
    while some := list(islice(source, BATCH)):
        told = [(line, flat(row, pairs)) for line, row in some]
        found = True
        if unseen or columns is None:
            met.update(*(row for _, row in told))
            unseen -= met
        wanted = columns if columns is not None else list(dict.fromkeys(name for _, row in told for name in row))
        cells = {name: text_column(path, [row.get(name) for _, row in told]) for name in wanted}
        lines = pl.Series([line for line, _ in told], dtype=pl.Int64)
        yield pl.DataFrame({LINE: lines, **cells}).with_columns(pl.col(list(wanted)).replace(blank))
    if not found:
        raise Rejected(f"{path} has no rows{f' under {rows}' if rows else ''}")
    if unseen:
        raise Rejected(f"{path} has no {min(unseen)!r} in any row: it has {', '.join(sorted(met))[:1000]}")


def text_column(path: Path, cells: list[str | None]) -> pl.Series:
    try:
        return pl.Series(cells, dtype=pl.String)
    except UnicodeEncodeError:
        raise Rejected(f"{path}: a text holds half of a surrogate pair (such as \\ud83d alone)") from None


def numbered(path: Path, rows: str | None, limit: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows as objects, with the number to tell each by."""
    with unpacked(path, limit) as data:
        if path.name.removesuffix(".gz").endswith(LINES):
            for number, line in enumerate(data, 1):
                if line.strip():
                    for row in within(path, document(path, line, number), rows, number):
                        yield number, row
            return
        whole = data.read()
        try:
            found = document(path, whole, None)
        except Rejected:
            # Documents one after the other, as some tools append them.
            lines = [line for line in whole.splitlines() if line.strip()]
            if len(lines) < 2 or not lines[0].strip().endswith(b"}"):
                raise
            for number, line in enumerate(lines, 1):
                for row in within(path, document(path, line, number), rows, number):
                    yield number, row
            return
        yield from enumerate(within(path, found, rows, None), 1)


def document(path: Path, text: bytes, line: int | None) -> Any:
    place = f"{path}, line {line}" if line is not None else str(path)
    try:
        return json.loads(
            text.removeprefix(b"\xef\xbb\xbf").decode("utf-8"),
            parse_float=str,
            parse_int=str,
            parse_constant=refuse_constant,
            object_pairs_hook=once,
        )
    except UnicodeDecodeError:
        raise Rejected(f"{place}: not UTF-8, as JSON is") from None
    except RecursionError:
        raise Rejected(f"{place}: nested too deep") from None
    except json.JSONDecodeError as error:
        where = place if line is not None else f"{path}, line {error.lineno}"
        raise Rejected(f"{where}: no JSON: {error.msg}") from None
    except ValueError as error:
        raise Rejected(f"{place}: {error}") from None


def refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is no number")


def once(items: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(items)
    if len(found) < len(items):
        names = [name for name, _ in items]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} is given twice in one object")
    return found


def within(path: Path, found: Any, rows: str | None, line: int | None) -> Iterator[dict[str, Any]]:
    """The rows of one document: it is their list, one of them, or has them at the path `rows`."""
    place = f"{path}, line {line}" if line is not None else str(path)
    for step in (rows or "").split(".") if rows else ():
        if not isinstance(found, dict) or step not in found:
            has = ", ".join(found)[:300] if isinstance(found, dict) else "no object there"
            raise Rejected(f"{place}: nothing under {rows!r}: it has {has}")
        found = found[step]
    if found is None:
        return
    if isinstance(found, dict) and rows and found and all(isinstance(row, dict) for row in found.values()):
        found = [{KEY: name} | row for name, row in found.items()]
    elif isinstance(found, dict):
        found = [found] if not rows or found else []
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise Rejected(f"{place}: the rows{f' under {rows}' if rows else ''} are no list of objects: say `rows: PATH`")
    yield from found


def flat(row: dict[str, Any], pairs: Sequence[str] = (), prefix: str = "") -> Row:
    """Cells by dotted name; what is null or an empty text is left out."""
    cells: Row = {}
    for name, value in row.items():
        column = prefix + name
        if isinstance(value, dict):
            cells |= flat(value, pairs, f"{column}.")
        elif column in pairs and isinstance(value, list):
            cells |= {f"{column}.{item['name']}": text for item in value if (text := text_of(item.get("value")))}
        elif text := text_of(value):
            cells[column] = text
    return cells


def text_of(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        # Numbers were kept as their text.
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
