"""What leads and deals are called in the systems they came from. The table is erasable."""

from collections.abc import Iterable
from uuid import UUID

import polars as pl
from sqlalchemy import select

from engine.errors import NotFound, Rejected
from engine.log.application import Log
from engine.log.frames import read_frame
from engine.log.identity import from_database, to_database
from engine.log.tables import events, keys


def find_stream(log: Log, named: str) -> UUID:
    """The stream of an id of ours, of a key ("173688") or of a key with its source ("bpic2012:173688").

    NotFound where nothing is called so; Rejected where two sources have the key.
    """
    with log.engine.connect() as connection:
        known = select(keys.c.source, keys.c.stream_id)
        found = connection.execute(known.where(keys.c.key == named)).all()
        source, colon, key = named.partition(":")
        if not found and colon:
            found = connection.execute(known.where(keys.c.source == source, keys.c.key == key)).all()
        if len(found) > 1:
            choices = " or ".join(f"{row.source}:{named}" for row in found)
            raise Rejected(f"{len(found)} sources have the key {named!r}: say which, as {choices}")
        if found:
            return from_database(found[0].stream_id)
        stream = _uuid(named)
        if stream:
            asked = select(events.c.position).where(events.c.stream_id == to_database(connection, stream)).limit(1)
            if connection.execute(asked).first():
                return stream
    raise unknown(named)


def unknown(named: str) -> NotFound:
    """The one answer about what is not there, and about what the asker must not know is there."""
    return NotFound(f"no lead or deal is called {named!r}: give its id, or its key in the system it came from")


def keys_frame(log: Log) -> pl.DataFrame:
    """All of them: stream_id (32 hex digits), source, key."""
    with log.engine.connect() as connection:
        return read_frame(connection, [keys.c.stream_id, keys.c.source, keys.c.key], "FROM keys ORDER BY stream_id")


def keys_of(log: Log, streams: Iterable[UUID]) -> dict[UUID, str]:
    """What these streams are called in the system they came from, where they came from one."""
    wanted, found = list(streams), {}
    with log.engine.connect() as connection:
        for start in range(0, len(wanted), _ASKED):
            some = [to_database(connection, stream) for stream in wanted[start : start + _ASKED]]
            for row in connection.execute(select(keys.c.stream_id, keys.c.key).where(keys.c.stream_id.in_(some))):
                found[from_database(row.stream_id)] = row.key
    return found


_ASKED = 500


def _uuid(named: str) -> UUID | None:
    try:
        return UUID(named)
    except ValueError:
        return None
