"""What one append writes in one transaction: events, the erasable rows they refer to, and the command's answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from engine.messages import AnyRecorded


@dataclass(frozen=True, slots=True)
class StreamWrite:
    """Events to go on with a stream, versions expected_version + 1 and on; position and recorded_at not set yet."""

    stream_id: UUID
    expected_version: int
    """version of the stream's last event as the writer knows it; 0 = the stream is new"""
    events: Sequence[AnyRecorded]


FORGOTTEN = ""
"""Fingerprint of a command that spoke of an erased person: a hash of a body can be guessed, and so confirm a name."""
CORRECTION = "correction:"
"""How the fingerprint of a person's correction begins, and all that is left of it once the person is erased."""


@dataclass(frozen=True, slots=True)
class CommandRecord:
    """An accepted command. The result speaks in ids only: it is kept for ever."""

    command_id: UUID
    fingerprint: str
    """sha256 of the body, in hex: the same id with another body is somebody's mistake; FORGOTTEN after an erasure"""
    result: Mapping[str, Any]

    def is_of(self, fingerprint: str) -> bool:
        """Whether a body of this fingerprint repeats the command; of a forgotten one the id alone must tell."""
        return self.fingerprint in (fingerprint, FORGOTTEN)


@dataclass(frozen=True, slots=True)
class Person:
    """Who an id in an event stands for, until erased."""

    person_id: UUID
    role: str
    """rep | customer | actor"""
    source: str
    key: str
    """id in the source system, unique there"""
    name: str | None = None
    email: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """A free text that an event refers to, until erased."""

    text_id: UUID
    stream_id: UUID
    body: str
    salt: bytes


@dataclass(frozen=True, slots=True)
class StreamKey:
    """What a lead or deal is called in the system it came from."""

    stream_id: UUID
    source: str
    key: str


@dataclass(frozen=True, slots=True)
class Erasable:
    """Rows with personal data that are written with the events that refer to them."""

    people: Sequence[Person] = ()
    texts: Sequence[Text] = ()
    keys: Sequence[StreamKey] = ()

    def __bool__(self) -> bool:
        return bool(self.people or self.texts or self.keys)

    def __add__(self, other: "Erasable") -> "Erasable":
        return Erasable((*self.people, *other.people), (*self.texts, *other.texts), (*self.keys, *other.keys))


NOTHING = Erasable()
