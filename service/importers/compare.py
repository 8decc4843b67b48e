"""What the log knows already: which facts are there, which of them the file tells otherwise now."""

import json
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import polars as pl

from service.importers.ids import revision_hex
from service.importers.kinds import KINDS


@dataclass
class Known:
    """The events the log holds on the streams of a batch."""

    events: dict[str, tuple[str, int, str]]
    """type, occurred_at, payload by event_id in hex"""
    versions: dict[str, int]
    """of the streams that are there"""
    marks: pl.DataFrame
    """of the unretracted ones: event_id, stream, at, kind, payload"""
    corrected: set[str] = field(default_factory=set)
    """streams with retractions: only there a fact can have revisions"""
    retracted: set[str] = field(default_factory=set)

    @property
    def streams(self) -> Set[str]:
        return self.versions.keys()

    def current(self, stream: str, fact: str, first: str) -> tuple[str, int]:
        """event_id and number of the latest revision of a fact that is known."""
        number, event_id = 1, first
        while stream in self.corrected and (later := revision_hex(stream, fact, number + 1)) in self.events:
            number, event_id = number + 1, later
        return event_id, number

    def text_ids(self, event_id: str) -> list[UUID]:
        """The texts an event refers to."""
        held = self.events.get(event_id)
        fields = json.loads(held[2]).values() if held is not None and '"text_id"' in held[2] else ()
        return [UUID(value["text_id"]) for value in fields if isinstance(value, dict) and "text_id" in value]


def known_of(existing: pl.DataFrame) -> Known:
    """existing: as engine.log.bulk.existing_events gives it."""
    columns = existing.select("event_id", "type", "occurred_at", "payload")
    retractions = existing.filter(pl.col("type").str.contains(".entry_retracted.", literal=True))
    retracted = {UUID(json.loads(payload)["event_id"]).hex for payload in retractions["payload"]}
    kinds = {model.TOPIC: kind.name for kind in KINDS.values() for model in kind.models.values()}
    kind = pl.col("type").replace_strict(kinds, default="other", return_dtype=pl.String)
    marks = existing.filter(~pl.col("event_id").is_in(list(retracted))).select(
        "event_id",
        pl.col("stream_id").alias("stream"),
        pl.col("occurred_at").alias("at"),
        kind.alias("kind"),
        "payload",
    )
    return Known(
        events={event_id: (tag, at, payload) for event_id, tag, at, payload in columns.iter_rows()},
        versions=dict(existing.group_by("stream_id").agg(pl.col("version").max()).iter_rows()),
        marks=marks,
        corrected=set(retractions["stream_id"]),
        retracted=retracted,
    )


@dataclass(frozen=True)
class Told:
    """A fact as the file tells it now."""

    kind: str
    tag: str
    at: int
    payload: str
    bodies: dict[str, str]


def differences(
    told: Told, held: tuple[str, int, str], texts: Callable[[UUID], str | None], people: set[str]
) -> list[str]:
    """The fields in which the log's event differs; a text or person erased since is no difference."""
    tag, at, payload = held
    found = []
    if tag != told.tag:
        return ["event"]
    if at != told.at:
        found.append("occurred_at")
    if payload == told.payload:
        return found
    new, old = json.loads(told.payload), json.loads(payload)
    slots = KINDS[told.kind].slots
    for name in slots:
        if slots[name] == "text":
            same = same_text(told.bodies.get(name), old.get(name), texts)
        elif slots[name] == "person":
            same = new.get(name) == old.get(name) or (name in new and name in old and erased(old[name], people))
        else:
            same = new.get(name) == old.get(name)
        if not same:
            found.append(name)
    return found


def same_text(body: str | None, ref: dict[str, Any] | None, texts: Callable[[UUID], str | None]) -> bool:
    if body is None or ref is None:
        return (body is None) == (ref is None)
    kept = texts(UUID(ref["text_id"]))
    return kept is None or kept == body


def erased(person: str, people: set[str]) -> bool:
    return UUID(person).hex not in people
