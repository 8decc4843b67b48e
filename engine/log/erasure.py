"""Erasing a person: rows go, events stay as they are, and no number changes."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Connection, Table, func, or_, select, true
from sqlalchemy.sql.elements import ColumnElement

from engine.errors import NotFound
from engine.log import tables
from engine.log.application import Log
from engine.log.connect import SQLITE
from engine.log.identity import from_database, to_database
from engine.log.locked import Writing, append_lock
from engine.log.tables import events, people
from engine.log.writes import CORRECTION, FORGOTTEN


def erase_person(log: Log, person_id: UUID, actor: UUID) -> int:
    """Deletes the person, and the texts and keys of all leads and deals of which the person is the customer.

    The fingerprints of the commands that named or corrected the person or wrote those texts go too: a guess could be
    held to them.

    Returns how many rows went. What remains is that person_id was erased, when and by whom (table erasures). The
    person's own row is the only one of a rep or an actor. NotFound where nobody has the id (any more).
    """
    # Looking through the events takes long in a long log: it is done before the lock, under it only for what is new.
    seen = log.position()
    with log.engine.connect() as connection:
        streams = _of_customer(connection, person_id, events.c.position <= seen)
    with append_lock(log.engine) as writing:
        connection = writing.connection
        streams |= _of_customer(connection, person_id, events.c.position > seen)
        gone = _delete(connection, people, "person_id", [person_id])
        if not gone:
            raise NotFound(f"there is no person {person_id}: the id is wrong, or the person has been erased before")
        for table in (tables.texts, tables.keys):
            gone += _delete(connection, table, "stream_id", streams)
        _forget_commands(connection, person_id, streams)
        _forget_corrections(connection, person_id)
        note_erasure(writing, person_id, actor)
    _forget_deleted(log)
    return gone


def note_erasure(writing: Writing, person_id: UUID, actor: UUID) -> int:
    """Notes that what was kept of the person was erased, all of it or to be corrected; the moment, in microseconds.

    Every process looks how many such notes there are, and then forgets what it read before.
    """
    connection = writing.connection
    erasures = tables.erasures.c
    same = erasures.person_id == to_database(connection, person_id)
    last: int | None = connection.execute(select(func.max(erasures.erased_at)).where(same)).scalar_one()
    # The database's clock may have gone back since.
    at = writing.head.next_recorded_at if last is None else max(writing.head.next_recorded_at, last + 1)
    row = (person_id, at, actor)
    writing.insert(
        "erasures (person_id, erased_at, actor)",
        [tuple(to_database(connection, value) if isinstance(value, UUID) else value for value in row)],
    )
    return at


def _of_customer(connection: Connection, person_id: UUID, where: ColumnElement[bool]) -> set[UUID]:
    """Streams that were opened with this customer, and the deals that came from such leads."""
    found = _naming(connection, "person", person_id, where)
    for lead in list(found):
        found |= _naming(connection, "from_lead", lead, true())
    return found


def _naming(connection: Connection, field: str, named: UUID, where: ColumnElement[bool]) -> set[UUID]:
    asked = select(events.c.stream_id).where(events.c.payload.contains(f'"{field}":"{named}"'), where)
    return {from_database(row.stream_id) for row in connection.execute(asked)}


def _forget_commands(connection: Connection, person_id: UUID, streams: Iterable[UUID]) -> None:
    of_streams = [to_database(connection, stream) for stream in streams]
    named = or_(events.c.payload.contains(str(person_id)), events.c.stream_id.in_(of_streams))
    commands = tables.commands
    connection.execute(
        commands.update()
        .where(commands.c.command_id.in_(select(events.c.command_id).where(named)))
        .values(fingerprint=FORGOTTEN)
    )


def _forget_corrections(connection: Connection, person_id: UUID) -> None:
    """No event leads to them: the answers tell whom they are about."""
    commands = tables.commands
    connection.execute(
        commands.update()
        .where(commands.c.fingerprint.startswith(CORRECTION), commands.c.result.contains(f'"{person_id}"'))
        .values(fingerprint=CORRECTION)
    )


def _delete(connection: Connection, table: Table, column: str, ids: Iterable[UUID]) -> int:
    gone = 0
    for one in ids:
        gone += connection.execute(table.delete().where(table.c[column] == to_database(connection, one))).rowcount
    return gone


def _forget_deleted(log: Log) -> None:
    """What was deleted also leaves the database's own leftovers, as far as no transaction still reads them."""
    with log.engine.connect() as connection:
        if connection.dialect.name == SQLITE:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            connection.exec_driver_sql("VACUUM people, texts, keys, commands")
