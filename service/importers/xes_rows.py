"""Events of an XES log as rows: an event's attributes by their keys, its trace's as case:KEY."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from lxml import etree

from engine.errors import Rejected
from service.importers.csv_rows import LINE
from service.importers.unpack import UNPACKED_LIMIT, unpacked

BATCH = 1_000
"""Events read at a time; few, so that the garbage collector never walks many rows."""
CASE = "case:"


def read_xes(
    path: Path,
    columns: Sequence[str] | None,
    *,
    empty: Sequence[str] = (),
    may_lack: Collection[str] = (),
    limit: int = UNPACKED_LIMIT,
) -> Iterator[pl.DataFrame]:
    """Batches of the columns asked for (None: all), as strings, and `_line`: which event of the file it is, from 1.

    Refused: a document type (entities could read other files or grow without bound), broken XML, no events.
    """
    blank = dict.fromkeys(("", *empty))
    unseen, met = set(columns or ()).difference(may_lack), set[str]()
    count = 0
    for rows in groups(path, limit):
        wanted = columns if columns is not None else list(dict.fromkeys(name for row in rows for name in row))
        cells = {column: pl.Series([row.get(column) for row in rows], dtype=pl.String) for column in wanted}
        numbers = pl.Series(range(count + 1, count + len(rows) + 1), dtype=pl.Int64)
        if unseen:
            met.update(*rows)
            unseen -= met
        count += len(rows)
        yield pl.DataFrame({LINE: numbers, **cells}).with_columns(pl.col(list(wanted)).replace(blank))
    if not count:
        raise Rejected(f"{path} has no events")
    if unseen:
        raise Rejected(f"{path} has no attribute {min(unseen)!r}: it has {', '.join(sorted(met))[:1000]}")


def groups(path: Path, limit: int) -> Iterator[list[dict[str, str]]]:
    """Lists of events as attribute by key, whole traces together."""
    with unpacked(path, limit) as data:
        rows: list[dict[str, str]] = []
        try:
            for trace in traces(path, data):
                own, events = {}, []
                for child in trace:
                    key = child.get("key")
                    if key is not None:
                        own[CASE + key] = child.get("value")
                    elif child.tag.endswith("event"):
                        events.append(child)
                for event in events:
                    row = own.copy()
                    for child in event:
                        row[child.get("key")] = child.get("value")
                    rows.append(row)
                if len(rows) >= BATCH:
                    yield rows
                    rows = []
        except etree.XMLSyntaxError as error:
            raise Rejected(f"{path}, line {error.lineno}: broken XML: {error.msg}") from None
        if rows:
            yield rows


def traces(path: Path, data: Any) -> Iterator[Any]:
    """Each trace once it is read, then freed. No entities, no network, libxml2's own size limits kept."""
    parser = etree.iterparse(
        data,
        events=("start", "end"),
        tag=("{*}log", "{*}trace"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    for event, element in parser:
        if event == "start":
            if element.getroottree().docinfo.internalDTD is not None:
                raise Rejected(f"{path} declares a document type (<!DOCTYPE ...>): remove it, XES needs none")
            continue
        if element.tag.endswith("trace"):
            yield element
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
