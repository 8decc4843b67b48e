"""What leads and deals are called, to be searched: titles, customers (people and organisations) and keys, folded.

Folded: small letters without accents. It holds personal data in memory alone, and reads again what is about a person
who was erased or corrected.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from threading import Lock
from typing import Final, TypeVar
from uuid import UUID

import polars as pl
from sqlalchemy import Column

from engine.aggregates.deal.events import DealOpened
from engine.aggregates.lead.events import LeadCaptured
from engine.log import tables
from engine.log.application import Log
from engine.log.connect import SQLITE
from engine.log.feed import read_feed, upcast
from engine.log.frames import read_frame
from engine.log.people import erased_people, erasures
from engine.log.tables import events

T = TypeVar("T")
OPENINGS: Final = (LeadCaptured.TOPIC, DealOpened.TOPIC)
AT_ONCE: Final = 100_000
"""events looked through at a time: what is read of them, and of their texts, is never all in memory"""
_ASKED: Final = 5_000
_READ: Final = tuple(events.c[name] for name in ("position", "stream_id", "type", "payload"))
_PAYLOAD: Final = pl.Struct({"title": pl.Struct({"text_id": pl.String}), "person": pl.String, "from_lead": pl.String})
_LETTERS: Final = {
    "ß": "ss",
    "æ": "ae",
    "œ": "oe",
    "ø": "o",
    "đ": "d",
    "ð": "d",
    "ł": "l",
    "þ": "th",
    "ı": "i",
    "ς": "σ",
}
"""what no accent can be taken from; and sigma at a word's end"""


def folded(text: pl.Expr) -> pl.Expr:
    """Small letters, no accents, one space between words."""
    plain = text.str.normalize("NFKD").str.to_lowercase().str.replace_all(r"\p{M}", "")
    return plain.str.replace_many(list(_LETTERS), list(_LETTERS.values())).str.replace_all(r"[^\S\n]+", " ")


class Names:
    """One a process; any number of threads may ask."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self._lock = Lock()
        self._erased = Counter(erased_people(log))
        self._position = 0
        self._rows = pl.DataFrame(
            schema={"journey_id": pl.String, "person": pl.String, "text": pl.String, "position": pl.UInt32}
        )

    @property
    def begun(self) -> bool:
        """Whether it has read the log once; the first time takes seconds where there are many journeys."""
        return self._position > 0

    def rows(self) -> pl.DataFrame:
        """A row each opening: journey_id and person (32 hex digits), text (lines, each between line breaks),
        position of the event.
        """
        with self._lock:
            if erasures(self.log) != self._erased.total():
                erased = Counter(erased_people(self.log))
                self._read_again([person for person in erased if erased[person] != self._erased[person]])
                self._erased = erased
            last = self.log.position()
            parts = [self._rows]
            while self._position < last:
                feed = read_feed(self.log, self._position, min(AT_ONCE, last - self._position), OPENINGS, _READ)
                self._position = min(self._position + AT_ONCE, last)
                if not feed.is_empty():
                    parts.append(self._named(feed))
            if len(parts) > 1:
                self._rows = pl.concat(parts)
            return self._rows

    def journeys_of(self, customer: UUID) -> list[UUID]:
        """Those that began with this customer, the newest first."""
        theirs = self.rows().filter(pl.col("person") == customer.hex).sort("position", descending=True)["journey_id"]
        return [UUID(hex=one) for one in theirs.unique(maintain_order=True)]

    def _read_again(self, people: Sequence[str]) -> None:
        """The journeys of these customers, 32 hex digits each: their keys and titles may be gone too."""
        theirs = self._rows.filter(pl.col("person").is_in(people))["journey_id"]
        old = pl.col("journey_id").is_in(theirs.implode())
        parts = [self._rows.filter(~old)]
        for some in chunks(self._rows.filter(old)["position"].sort().to_list(), _ASKED):
            asked = f"FROM events WHERE position IN ({', '.join('?' * len(some))}) ORDER BY position"
            with self.log.engine.connect() as connection:
                feed = read_frame(connection, _READ, asked, some)
            parts.append(self._named(upcast(self.log, feed)))
        self._rows = pl.concat(parts)

    def _named(self, feed: pl.DataFrame) -> pl.DataFrame:
        told = feed.select("position", "stream_id", pl.col("payload").str.json_decode(_PAYLOAD).alias("of")).unnest(
            "of"
        )
        told = told.with_columns(
            hexed(pl.col("title").struct.field("text_id")).alias("title"),
            hexed(pl.col("person")).alias("person"),
            hexed(pl.col("from_lead")).alias("from_lead"),
        )
        texts, people, keys = tables.texts.c, tables.people.c, tables.keys.c
        bodies = self._by_id([texts.text_id, texts.body], told["title"])
        customers = self._by_id([people.person_id, people.name, people.key, people.email, people.phone], told["person"])
        called = self._by_id([keys.stream_id, keys.key], told["stream_id"])
        found = (
            told.join(bodies, left_on="title", right_on="text_id", how="left")
            .join(called, on="stream_id", how="left")
            .join(customers, left_on="person", right_on="person_id", how="left", suffix="_of_person")
        )
        lines = [pl.col(name) for name in ("body", "key", "name", "key_of_person", "email", "phone")]
        text = folded(pl.concat_str(lines, separator="\n", ignore_nulls=True))
        return found.select(
            pl.coalesce("from_lead", "stream_id").alias("journey_id"),
            "person",
            pl.concat_str(pl.lit("\n"), text, pl.lit("\n")).alias("text"),
            pl.col("position").cast(pl.UInt32),
        )

    def _by_id(self, columns: Sequence[Column[object]], ids: pl.Series) -> pl.DataFrame:
        """The rows whose first column is one of the ids, once each."""
        wanted = ids.drop_nulls().unique().sort()
        table, key = columns[0].table, columns[0].name
        with self.log.engine.connect() as connection:
            parts = [read_frame(connection, columns, f"FROM {table} WHERE false")]
            # As the database keeps them: a UUID of Python's for each would take a third of the time.
            stored = wanted.str.decode("hex") if connection.dialect.name == SQLITE else wanted
            for some in chunks(stored.to_list(), _ASKED):
                marks = ", ".join("?" * len(some))
                parts.append(read_frame(connection, columns, f"FROM {table} WHERE {key} IN ({marks})", some))
        return pl.concat(parts)


def hexed(text: pl.Expr) -> pl.Expr:
    return text.str.replace_all("-", "", literal=True)


def chunks(ids: list[T], most: int) -> Iterable[list[T]]:
    return (ids[start : start + most] for start in range(0, len(ids), most))
