"""What leads and deals are called in the systems they came from. The table is erasable."""

from collections.abc import Callable, Iterable
from uuid import UUID

import polars as pl
from sqlalchemy import and_, or_, select

from engine.errors import NotFound, Rejected
from engine.log.application import Log
from engine.log.frames import read_frame
from engine.log.identity import from_database, to_database, uuid_of
from engine.log.tables import events, keys


def find_stream(log: Log, named: str, sees: Callable[[UUID], bool] | None = None) -> UUID:
    """The stream of an id of ours, of a key ("173688") or of a key with its source ("bpic2012:173688").

    sees: which streams the asker may know of: where several are called so the others do not count, nor are they told.
    NotFound where nothing is called so; Rejected where two sources have the key.
    """
    ways = _called(log, named)
    if sees is not None and sum(map(len, ways)) > 1:
        ways = [{stream: source for stream, source in way.items() if sees(stream)} for way in ways]
    found = next(filter(None, ways), {})
    if not found:
        raise unknown(named)
    if len(found) > 1:
        choices = " or ".join(f"{source}:{named}" for source in found.values())
        raise Rejected(f"{len(found)} sources have the key {named!r}: say which, as {choices}")
    return next(iter(found))


def _called(log: Log, named: str) -> list[dict[UUID, str]]:
    """Streams with their sources: by key, by source and key, by our id; who is called so in one way comes first."""
    source, colon, key = named.partition(":")
    fits = keys.c.key == named
    if colon:
        fits = or_(fits, and_(keys.c.source == source, keys.c.key == key))
    stream = uuid_of(named)
    with log.engine.connect() as connection:
        rows = connection.execute(select(keys).where(fits)).all()
        ways = [
            {from_database(row.stream_id): row.source for row in rows if (row.key == named) is by_key}
            for by_key in (True, False)
        ]
        if stream is not None:
            asked = select(events.c.position).where(events.c.stream_id == to_database(connection, stream)).limit(1)
            ways.append({stream: ""} if connection.execute(asked).first() else {})
    return ways


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
