"""People behind the ids of events: customers, reps, actors. The table is erasable, events know only person_id."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import polars as pl
from sqlalchemy import Connection, Row, and_, or_, select

from engine.errors import NotFound, Rejected
from engine.log.application import Log
from engine.log.frames import read_frame
from engine.log.identity import from_database, to_database, uuid_of
from engine.log.locked import append_lock
from engine.log.sides import insert_erasable
from engine.log.tables import erasures as erased
from engine.log.tables import people
from engine.log.writes import Erasable, Person

PersonKey = tuple[str, str]
"""source and key"""


class Named(NamedTuple):
    """A person as a source knows them; a plain tuple in this order does as well."""

    role: str
    """rep | customer | actor"""
    source: str
    key: str
    name: str | None = None
    email: str | None = None
    phone: str | None = None


def person(log: Log, source: str, key: str) -> Person | None:
    with log.engine.connect() as connection:
        return _known(connection, [(source, key)]).get((source, key))


def called_so(log: Log, named: str) -> dict[UUID, str]:
    """Who has this key ("rep-03") or this source and key ("crm:rep-03"): person_id and source:key of each."""
    source, _, key = named.partition(":")
    asked = select(people.c.person_id, people.c.source, people.c.key).where(
        or_(people.c.key == named, and_(people.c.source == source, people.c.key == key))
    )
    with log.engine.connect() as connection:
        rows = connection.execute(asked).all()
    return {from_database(row.person_id): f"{row.source}:{row.key}" for row in rows}


def find_person(log: Log, named: str) -> Person:
    """Who has this id of ours, this key, or this source and key.

    NotFound where nobody is called so; Rejected where several sources have the key.
    """
    identity = uuid_of(named)
    found = None if identity is None else person_by_id(log, identity)
    if found is None:
        called = called_so(log, named)
        if len(called) > 1:
            raise Rejected(f"{len(called)} people have the key {named!r}: say which, as {' or '.join(called.values())}")
        found = next((person_by_id(log, each) for each in called), None)
    if found is None:
        raise NotFound(f"there is no person {named}: give the id, the key or source:key; who was erased has none")
    return found


def person_by_id(log: Log, person_id: UUID) -> Person | None:
    with log.engine.connect() as connection:
        asked = select(people).where(people.c.person_id == to_database(connection, person_id))
        row = connection.execute(asked).one_or_none()
    return None if row is None else person_of(row)


def person_of(row: Row[Any]) -> Person:
    """Of a row of all columns."""
    return Person(from_database(row.person_id), row.role, row.source, row.key, row.name, row.email, row.phone)


def ensure_people(log: Log, asked: Iterable[tuple[str | None, ...]]) -> dict[PersonKey, Person]:
    """The people of the given role, source, key and perhaps name, email, phone (Named), by source and key.

    Who is not there yet is added, with an id drawn at random: one derived from the key could be guessed after an
    erasure. Who is there stays as they are. Two processes that add the same person get the same one.
    """
    wanted = {(named.source, named.key): named for named in (Named(*given) for given in asked)}  # type: ignore[arg-type]  # None is for name, email, phone
    with log.engine.connect() as connection:
        found = _known(connection, list(wanted))
    if len(found) < len(wanted):
        with append_lock(log.engine) as writing:
            found = _known(writing.connection, list(wanted))
            new = {key: Person(uuid4(), *named) for key, named in wanted.items() if key not in found}
            insert_erasable(writing, Erasable(people=list(new.values())))
        found |= new
    return found


def people_frame(log: Log, *, customers: bool = True) -> pl.DataFrame:
    """Everybody: person_id (32 hex digits), role, source, key, name. Without customers it stays small in any log."""
    columns = [people.c[name] for name in ("person_id", "role", "source", "key", "name")]
    some = "" if customers else "WHERE role <> 'customer'"
    with log.engine.connect() as connection:
        return read_frame(connection, columns, f"FROM people {some} ORDER BY source, key")


def erasures(log: Log) -> int:
    """How many there were: a number that has grown says that somebody, or what somebody was called, is forgotten."""
    with log.engine.connect() as connection:
        found: int = connection.exec_driver_sql("SELECT count(*) FROM erasures").scalar_one()
    return found


def erased_people(log: Log) -> list[str]:
    """Who was erased or corrected, as 32 hex digits, as often as that was."""
    with log.engine.connect() as connection:
        return read_frame(connection, [erased.c.person_id], "FROM erasures")["person_id"].to_list()


_ASKED = 500


def _known(connection: Connection, wanted: Sequence[PersonKey]) -> dict[PersonKey, Person]:
    found = {}
    for source, group in groupby(sorted(wanted), key=lambda pair: pair[0]):
        keys = [key for _, key in group]
        for start in range(0, len(keys), _ASKED):
            some = people.c.key.in_(keys[start : start + _ASKED])
            for row in connection.execute(select(people).where(people.c.source == source, some)):
                found[row.source, row.key] = person_of(row)
    return found
