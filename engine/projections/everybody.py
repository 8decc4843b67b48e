"""Everybody: who is who behind the ids of events, by source and key, a page at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import polars as pl

from engine.errors import Rejected
from engine.log.application import Log
from engine.log.frames import read_frame
from engine.log.people import PersonKey
from engine.log.tables import people
from engine.log.writes import Person
from engine.projections.names import folded

AT_ONCE: Final = 50_000
"""people looked through at a time: where words are looked for, what is read of them is never all in memory"""
_COLUMNS: Final = tuple(people.columns)
_TEXT: Final = ("name", "key", "email", "phone")


@dataclass(frozen=True, slots=True)
class Page:
    people: list[Person]
    next: PersonKey | None
    """after whom the next page begins; None: that was all"""


def everybody(
    log: Log,
    *,
    source: str | None = None,
    key: str | None = None,
    words: str | None = None,
    after: PersonKey | None = None,
    limit: int = 100,
) -> Page:
    """Those of the source, of the key, whose name, key, email or phone has all words; case and accents do not count.

    Rejected: words that say nothing.
    """
    wanted = pl.lit(True)
    if words is not None:
        folded_words = str(pl.select(folded(pl.lit(words.strip().replace("\n", " ")))).item()).split()
        if not folded_words:
            said = f"{words!r} can't be looked for: give a word of a name, a key, an email or a phone"
            raise Rejected(said, field="q")
        text = folded(pl.concat_str(_TEXT, separator="\n", ignore_nulls=True))
        wanted = pl.all_horizontal(text.str.contains(word, literal=True) for word in folded_words)
    found: list[Person] = []
    for part in _parts(log, source, key, after, limit + 1 if words is None else AT_ONCE):
        rows = part.filter(wanted).head(limit + 1 - len(found)).iter_rows()
        found += [Person(UUID(hex=person_id), *rest) for person_id, *rest in rows]
        if len(found) > limit:
            last = found[limit - 1]
            return Page(found[:limit], (last.source, last.key))
    return Page(found, None)


def _parts(
    log: Log, source: str | None, key: str | None, after: PersonKey | None, at_once: int
) -> Iterator[pl.DataFrame]:
    """All of them in order, so many at once."""
    while True:
        given = {"source = ?": source, "key = ?": key}
        where = [condition for condition, value in given.items() if value is not None]
        parameters: list[object] = [value for value in given.values() if value is not None]
        if after is not None:
            where.append("(source, key) > (?, ?)")
            parameters += after
        chosen = f"WHERE {' AND '.join(where)}" if where else ""
        with log.engine.connect() as connection:
            rows = f"FROM people {chosen} ORDER BY source, key LIMIT {at_once}"
            part = read_frame(connection, _COLUMNS, rows, parameters)
        yield part
        if part.height < at_once:
            return
        after = (part["source"][-1], part["key"][-1])
