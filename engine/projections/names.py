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
from sqlalchemy import Column, func, select

from engine.log import tables
from engine.log.connect import SQLITE
from engine.log.frames import read_frame
from engine.log.people import erased_people, erasures
from engine.projections.columns import POSITION, Columns
from engine.projections.views import Views

T = TypeVar("T")
SCHEMA: Final = pl.Schema({"journey": pl.UInt32, "position": POSITION, "text": pl.String})
WHOLE: Final = 4
"""A table of at most so many times the rows that are asked for is read as it lies: to look each up takes five times as
long as to pass it by."""
_ASKED: Final = 5_000
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

    def __init__(self, views: Views) -> None:
        self._views, self._log = views, views.log
        self._lock = Lock()
        self._erased = Counter(erased_people(self._log))
        self._position = 0
        self._rows = pl.DataFrame(schema=SCHEMA)

    @property
    def begun(self) -> bool:
        """Whether it has read the names once; the first time takes a second or two where there are many journeys."""
        return self._position > 0

    def rows(self) -> pl.DataFrame:
        """A row each opening: journey (its code), position of the event, text (lines, each between line breaks)."""
        with self._lock:
            columns = self._views.all_columns()
            openings = columns.sides["openings"]
            if erasures(self._log) != self._erased.total():
                erased = Counter(erased_people(self._log))
                changed = [person for person in erased if erased[person] != self._erased[person]]
                # Their keys and titles may be gone too.
                theirs = began_with(columns, changed)["journey"].unique().sort()
                others = self._rows.filter(~pl.col("journey").is_in(theirs.implode()))
                again = openings.of(theirs).filter(pl.col("position") <= self._position)
                self._rows = pl.concat([others, self._named(again, columns)])
                self._erased = erased
            if columns.position > self._position:
                fresh = openings.where(pl.col("position") > self._position)
                if not fresh.is_empty():
                    self._rows = pl.concat([self._rows, self._named(fresh, columns)])
                self._position = columns.position
            return self._rows

    def journeys_of(self, customer: UUID) -> list[UUID]:
        """Those that began with this customer, the newest first."""
        columns = self._views.all_columns()
        theirs = began_with(columns, [customer.hex]).sort("position", descending=True)["journey"]
        return [UUID(hex=one) for one in columns.streams.ids(theirs.unique(maintain_order=True))]

    def _named(self, openings: pl.DataFrame, columns: Columns) -> pl.DataFrame:
        """SCHEMA, of openings (columns.SIDES)."""
        theirs = columns.sides["customers"].of(openings["journey"].unique().sort()).select("position", "person")
        texts, people, keys = tables.texts.c, tables.people.c, tables.keys.c
        bodies = self._by_id([texts.text_id, texts.body], openings["title"])
        customers = self._by_id(
            [people.person_id, people.name, people.key, people.email, people.phone], theirs["person"]
        )
        called = self._by_id([keys.stream_id, keys.key], openings["stream"])
        found = (
            openings.lazy()
            .select("journey", "position", "stream", "title")
            .join(theirs.lazy(), on="position", how="left")
            .join(bodies.lazy(), left_on="title", right_on="text_id", how="left")
            .join(called.lazy(), left_on="stream", right_on="stream_id", how="left")
            .join(customers.lazy(), left_on="person", right_on="person_id", how="left", suffix="_of_person")
        )
        lines = [pl.col(name) for name in ("body", "key", "name", "key_of_person", "email", "phone")]
        text = folded(pl.concat_str(lines, separator="\n", ignore_nulls=True))
        return found.select(
            "journey", "position", pl.concat_str(pl.lit("\n"), text, pl.lit("\n")).alias("text")
        ).collect()

    def _by_id(self, columns: Sequence[Column[object]], ids: pl.Series) -> pl.DataFrame:
        """The rows whose first column is one of the ids, once each, and where it is quicker others."""
        wanted = ids.drop_nulls().unique()
        table, key = columns[0].table, columns[0].name
        with self._log.engine.connect() as connection:
            height: int = connection.execute(select(func.count()).select_from(table)).scalar_one()
            if height <= WHOLE * len(wanted):
                return read_frame(connection, columns, f"FROM {table}")
            parts = [read_frame(connection, columns, f"FROM {table} WHERE false")]
            # As the database keeps them: a UUID of Python's for each would take a third of the time.
            wanted = wanted.sort()
            stored = wanted.str.decode("hex") if connection.dialect.name == SQLITE else wanted
            for some in chunks(stored.to_list(), _ASKED):
                marks = ", ".join("?" * len(some))
                parts.append(read_frame(connection, columns, f"FROM {table} WHERE {key} IN ({marks})", some))
        return pl.concat(parts)


def began_with(columns: Columns, customers: Sequence[str]) -> pl.DataFrame:
    """The rows of columns.SIDES that name one of the customers (32 hex digits)."""
    return columns.sides["customers"].where(pl.col("person").is_in(customers))


def chunks(ids: list[T], most: int) -> Iterable[list[T]]:
    return (ids[start : start + most] for start in range(0, len(ids), most))
