"""The whole log read event by event in plain Python: the slow way that `check` holds the fast answers against."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import select

from engine.log.application import Log
from engine.log.feed import read_feed
from engine.log.identity import from_database
from engine.log.mapper import UnknownEvent
from engine.log.tables import texts
from engine.log.texts import digest
from engine.messages import Event
from engine.stages.facts import OPENINGS, Fact
from engine.stages.reading import details_of
from engine.values import TextRef

BATCH = 50_000

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Difference:
    """Something that is not as it should be."""

    what: str
    where: str
    expected: str
    found: str


@dataclass
class PlainLog:
    """Every journey's facts by journey id (32 hex digits), and what is wrong with the log itself."""

    journeys: dict[str, list[Fact]] = field(default_factory=dict)
    position: int = 0
    differences: list[Difference] = field(default_factory=list)
    hashes: dict[UUID, str] = field(default_factory=dict)
    """the hash of every text that an event refers to, by text_id"""

    def differ(self, what: str, where: str, expected: object, found: object) -> None:
        self.differences.append(Difference(what, where, str(expected), str(found)))


def read_plain(log: Log, progress: Progress) -> PlainLog:
    """Read the log from its beginning: every event once, checked as it goes by.

    Checked: positions without a gap, recorded_at increasing, nothing recorded before it occurred, versions of a stream
    without a gap, every payload readable and stored as its event writes it, every retraction of an entry that is there.
    """
    plain = PlainLog()
    versions: dict[str, int] = {}
    journey_of: dict[str, str] = {}
    positions: dict[str, dict[UUID, int]] = {}
    recorded_at = 0
    last = log.position()
    for row in rows(log, last):
        position, where = row["position"], f"position {row['position']}"
        if position != plain.position + 1:
            plain.differ("position", where, plain.position + 1, position)
        if row["recorded_at"] <= recorded_at:
            plain.differ("recorded_at", where, f"more than {recorded_at}", row["recorded_at"])
        if row["occurred_at"] > row["recorded_at"]:
            plain.differ("occurred_at", where, f"at most {row['recorded_at']}", row["occurred_at"])
        stream = row["stream_id"]
        version = versions.get(stream, 0) + 1
        if row["version"] != version:
            plain.differ("version", f"{where}, stream {stream}", version, row["version"])
        plain.position, recorded_at, versions[stream] = position, row["recorded_at"], row["version"]
        progress(position, last)
        try:
            event = log.tag_mapper.event(row["type"], row["payload"])
        except UnknownEvent as error:
            plain.differ("payload", where, "an event that can be read", error)
            continue
        if event.payload() != row["payload"]:
            plain.differ("payload", where, event.payload(), row["payload"])
        if '"text_id"' in row["payload"]:
            plain.hashes.update((ref.text_id, ref.hash) for _, ref in event if isinstance(ref, TextRef))
        if row["type"].split(".")[0] not in ("lead", "deal"):
            continue
        journey = journey_of.setdefault(stream, origin_of(event, stream))
        known = positions.setdefault(journey, {})
        known[UUID(hex=row["event_id"])] = position
        details = details_of(event, known)
        if "retracts" in details and details["retracts"] is None:
            plain.differ("retraction", where, "an entry of the same journey", row["payload"])
        fact = Fact(position, row["occurred_at"], row["recorded_at"], type(event).__name__, **details)
        plain.journeys.setdefault(journey, []).append(fact)
    check_texts(log, plain)
    return plain


def check_texts(log: Log, plain: PlainLog) -> None:
    """Every text that is kept must still be the one its event refers to; an erased one proves nothing any more."""
    with log.engine.connect() as connection:
        for row in connection.execute(select(texts.c.text_id, texts.c.body, texts.c.salt)):
            text_id = from_database(row.text_id)
            expected, found = plain.hashes.get(text_id), digest(row.salt, row.body)
            if expected != found:
                plain.differ("text", f"text {text_id}", expected, found)


def rows(log: Log, last: int) -> Iterator[dict[str, Any]]:
    after = 0
    while after < last:
        feed = read_feed(log, after, min(BATCH, last - after))
        if feed.is_empty():
            return
        yield from feed.iter_rows(named=True)
        after = feed["position"][-1]


def origin_of(event: Event, stream: str) -> str:
    """The journey a stream belongs to, told by its first event: the lead's, where the deal came from one."""
    origin = getattr(event, "from_lead", None) if type(event).__name__ in OPENINGS else None
    return stream if origin is None else origin.hex
