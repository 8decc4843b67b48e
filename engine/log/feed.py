"""The feed: all events in the order of their positions, in batches, for whoever derives something from them."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import polars as pl
from sqlalchemy import Column, Connection

from engine.log.application import Log
from engine.log.connect import SQLITE
from engine.log.frames import read_frame, schema_of
from engine.log.history import require_version
from engine.log.identity import to_database
from engine.log.tables import events

FEED: list[Column[object]] = [
    events.c.position,
    events.c.event_id,
    events.c.stream_id,
    events.c.version,
    events.c.type,
    events.c.occurred_at,
    events.c.recorded_at,
    events.c.actor,
    events.c.origin,
    events.c.payload,
]


def read_feed(
    log: Log,
    after: int,
    limit: int | None = None,
    types: Sequence[str] = (),
    columns: Sequence[Column[object]] = FEED,
) -> pl.DataFrame:
    """The events with a position greater than `after`, in order, upcast; at most `limit`.

    types: of the next `limit` events those of these newest type tags alone. columns: of FEED, position, type and
    payload among them.

    Columns: position, event_id, stream_id (32 hex digits), version, type, occurred_at, recorded_at (Int64
    microseconds), actor (hex), origin, payload (JSON text). Positions have no holes: the last one read, given as the
    next `after`, misses nothing.
    """
    # The end is named: else PostgreSQL would plan for a third of the table, whatever is asked for.
    last = log.position() if limit is None else after + limit
    tags = [*types, *(old for old, (new, _) in log.tag_mapper.upcasters.items() if types and new in types)]
    chosen = f"AND type IN ({', '.join('?' * len(tags))})" if tags else ""
    asked = f"FROM events WHERE position > ? AND position <= ? {chosen} ORDER BY position"
    with log.engine.connect() as connection:
        found = read_frame(connection, columns, asked, (after, last, *tags))
    return upcast(log, found)


class FeedRow(NamedTuple):
    """A row of the feed, with the columns of read_feed."""

    position: int
    event_id: str
    stream_id: str
    version: int
    type: str
    occurred_at: int
    recorded_at: int
    actor: str
    origin: str
    payload: str


def read_few(log: Log, after: int, limit: int) -> list[FeedRow]:
    """What read_feed reads, as plain rows: several times as fast for a few events.

    OtherHistory where the schema is another by now.
    """
    with log.engine.connect() as connection:
        asked = _FEW_SQLITE if connection.dialect.name == SQLITE else _prepared(connection)
        found = connection.exec_driver_sql(asked, (after, after + limit)).all()
    if found:
        require_version(found[0][-1])
    return [_plain(log, *row[:-1]) for row in found]


_FEW = f"""SELECT {", ".join(c.name for c in FEED)}, (SELECT schema_version FROM meta)
FROM events WHERE position > $1 AND position <= $2 ORDER BY 1"""
_FEW_SQLITE = _FEW.replace("$1", "?").replace("$2", "?")


def _prepared(connection: Connection) -> str:
    """PostgreSQL would plan it for half as long as it runs, each time."""
    if _PREPARED not in connection.info:
        connection.exec_driver_sql(f"PREPARE few_of_feed (bigint, bigint) AS {_FEW}")
        connection.info[_PREPARED] = True
    return "EXECUTE few_of_feed (%s, %s)"


_PREPARED = "dealtrail few_of_feed"


def _plain(
    log: Log,
    position: int,
    event_id: UUID | bytes,
    stream_id: UUID | bytes,
    version: int,
    tag: str,
    occurred_at: int,
    recorded_at: int,
    actor: UUID | bytes,
    origin: str,
    payload: str,
) -> FeedRow:
    event, stream, by = (each.hex() if isinstance(each, bytes) else each.hex for each in (event_id, stream_id, actor))
    newest, text = log.tag_mapper.upcast(tag, payload)
    return FeedRow(position, event, stream, version, newest, occurred_at, recorded_at, by, origin, str(text))


def feed_of(rows: Sequence[FeedRow]) -> pl.DataFrame:
    """The rows as read_feed gives them."""
    schema: Any = schema_of(FEED)
    return pl.DataFrame(rows, schema=schema, orient="row")


def position_of(log: Log, stream_id: str, event_id: str) -> int | None:
    """The position of an event of a stream (both 32 hex digits); None: the stream has none such."""
    with log.engine.connect() as connection:
        asked = _ONE_SQLITE if connection.dialect.name == SQLITE else _ONE_POSTGRESQL
        ids = tuple(to_database(connection, UUID(hex=each)) for each in (stream_id, event_id))
        found: int | None = connection.exec_driver_sql(asked, ids).scalar_one_or_none()
    return found


_ONE_SQLITE = "SELECT position FROM events WHERE stream_id = ? AND event_id = ?"
_ONE_POSTGRESQL = _ONE_SQLITE.replace("?", "%s")


def upcast(log: Log, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with type and payload of old events as the newest shapes have them."""
    old = list(log.tag_mapper.upcasters)
    if not old or not frame.select(pl.col("type").is_in(old).any()).item():
        return frame
    newest = [log.tag_mapper.upcast(tag, payload) for tag, payload in frame.select("type", "payload").iter_rows()]
    tags, payloads = zip(*newest, strict=True)
    return frame.with_columns(pl.Series("type", tags, pl.String), pl.Series("payload", payloads, pl.String))
