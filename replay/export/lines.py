"""An event as one line of JSON, the same whatever the file it came from, and the digest of many of them.

The digest of an export is the SHA-256 of its events' lines in the order of their positions, each ended by a line feed.
Events never change, so of two exports of one log the older's lines are the newer's first ones: who kept the older's
digest can prove that nothing was left out or changed since. A file in the format jsonl is these lines and nothing else.
"""

import json
from typing import Final

import polars as pl

from replay.export.shown import iso
from replay.export.stored import STORED, TIMES

PLAIN: Final = ("position", "version", "payload")
"""numbers, and what is JSON already; all else but the origin are texts in which nothing needs escaping"""


def lines(frame: pl.DataFrame) -> bytes:
    """The events (stored.SCHEMA) as lines, each ended by a line feed, in UTF-8."""
    if frame.is_empty():
        return b""
    origins = {origin: json.dumps(origin, ensure_ascii=False) for origin in frame["origin"].unique()}
    rows = frame.with_columns(
        *map(iso, TIMES), pl.col("origin").replace_strict(list(origins), list(origins.values()), return_dtype=pl.String)
    )
    parts: list[pl.Expr] = []
    for n, name in enumerate(STORED):
        parts.append(pl.lit(f'{"," if n else "{"}"{name}":'))
        value = pl.col(name).cast(pl.String)
        if name not in (*PLAIN, "origin"):
            value = pl.lit('"') + value + pl.lit('"')
        parts.append(value.fill_null("null"))
    text: str = rows.select(pl.concat_str([*parts, pl.lit("}")]).str.join("\n")).item()
    return f"{text}\n".encode()
