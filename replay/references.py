"""What the references of events stand for: people and texts, as far as they are not erased."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Column, select

from engine.log.application import Log
from engine.log.identity import from_database, to_database
from engine.log.tables import people as people_table
from engine.log.tables import texts as texts_table
from engine.log.texts import digest
from engine.messages import AnyRecorded
from engine.values import TextRef

_ASKED = 500


@dataclass(frozen=True)
class Named:
    """key: the id in the source system; of an erased person key and label are the person_id."""

    key: str
    label: str


def people_of(log: Log, history: Sequence[AnyRecorded]) -> dict[UUID, Named]:
    """Everybody whom the events name: who acted, owners, customers, managers."""
    asked = {entry.envelope.actor for entry in history}
    for entry in history:
        asked |= {value for _, value in entry.event if isinstance(value, UUID)}
    table = people_table
    rows = _rows(log, [table.c.person_id, table.c.key, table.c.name], sorted(asked, key=str))
    return {from_database(person_id): Named(key, name or key) for person_id, key, name in rows}


def text_refs(value: Any) -> Iterator[TextRef]:
    """All text references in an event, however deep."""
    if isinstance(value, TextRef):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from text_refs(item)
    elif hasattr(value, "model_fields_set"):
        for _, item in value:
            yield from text_refs(item)


def resolved(log: Log, history: Sequence[AnyRecorded]) -> dict[str, dict[str, Any]]:
    """By text_id what is shown in a reference's place: the text (None: erased), and whether its hash holds."""
    refs = {ref.text_id: ref for entry in history for ref in text_refs(entry.event)}
    table = texts_table
    kept = {
        from_database(text_id): (body, salt)
        for text_id, body, salt in _rows(log, [table.c.text_id, table.c.body, table.c.salt], list(refs))
    }
    found: dict[str, dict[str, Any]] = {}
    for text_id, ref in refs.items():
        body, salt = kept.get(text_id, (None, b""))
        intact = None if body is None else digest(bytes(salt), body) == ref.hash
        found[str(text_id)] = {"text_id": str(text_id), "hash": ref.hash, "text": body, "intact": intact}
    return found


def with_texts(data: Any, found: dict[str, dict[str, Any]]) -> Any:
    """A payload with every text reference replaced by what `resolved` found."""
    if isinstance(data, dict):
        if set(data) == {"text_id", "hash"}:
            return found[data["text_id"]]
        return {name: with_texts(value, found) for name, value in data.items()}
    if isinstance(data, list):
        return [with_texts(item, found) for item in data]
    return data


def _rows(log: Log, columns: list[Column[Any]], ids: Sequence[UUID]) -> Iterator[Sequence[Any]]:
    """Rows by ids of the first column, some at a time: a statement holds only so many."""
    with log.engine.connect() as connection:
        for start in range(0, len(ids), _ASKED):
            some = [to_database(connection, value) for value in ids[start : start + _ASKED]]
            yield from connection.execute(select(*columns).where(columns[0].in_(some)))
