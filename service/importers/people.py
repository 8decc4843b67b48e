"""Who is who in an import: the people of the source system, by their ids there."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from engine.log.application import Log
from engine.log.people import people_frame
from engine.log.writes import Person

NOBODY = UUID(int=0)
"""Stands for a person the log does not know, while old events are compared: they may have been erased."""


@dataclass
class Cast:
    """People by (source, key). A person is new until the first event that names them is written."""

    known: dict[tuple[str, str], UUID] = field(default_factory=dict)
    details: dict[tuple[str, str], tuple[str | None, str | None, str | None]] = field(default_factory=dict)
    """name, email, phone, as the file tells them"""
    roles: dict[tuple[str, str], str] = field(default_factory=dict)
    unwritten: dict[UUID, tuple[str, str]] = field(default_factory=dict)

    def find(self, source: str, key: str) -> UUID:
        return self.known.get((source, key), NOBODY)

    def meet(self, source: str, key: str, role: str) -> UUID:
        """The person's id; a new random one for a person not met before (an id made from the key would betray it)."""
        who = (source, key)
        if who not in self.known:
            self.known[who] = uuid4()
            self.unwritten[self.known[who]] = who
            self.roles[who] = role
        elif self.known[who] in self.unwritten and role != "actor":
            self.roles[who] = role
        return self.known[who]

    def describe(self, source: str, key: str, name: str | None, email: str | None, phone: str | None) -> None:
        before = self.details.get((source, key), (None, None, None))
        self.details[source, key] = (before[0] or name, before[1] or email, before[2] or phone)

    def take(self, ids: Iterable[UUID]) -> list[Person]:
        """The rows to write for those of these people who are not written yet; they count as written from here on."""
        rows = []
        for person_id in ids:
            who = self.unwritten.pop(person_id, None)
            if who is not None:
                name, email, phone = self.details.get(who, (None, None, None))
                rows.append(Person(person_id, self.roles[who], *who, name, email, phone))
        return rows

    def renew(self, log: Log) -> None:
        """Takes over the people that somebody else wrote in the meantime; who is not written is forgotten."""
        self.known, self.unwritten = people_of(log), {}


def cast_of(log: Log) -> Cast:
    """The people the log knows now."""
    return Cast(people_of(log))


def people_of(log: Log) -> dict[tuple[str, str], UUID]:
    frame = people_frame(log).select("source", "key", "person_id")
    return {(source, key): UUID(hex=person) for source, key, person in frame.iter_rows()}
