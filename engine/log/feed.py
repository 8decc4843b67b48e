"""The feed: all events in the order of their positions, in batches, for whoever derives something from them."""

from collections.abc import Sequence

import polars as pl
from sqlalchemy import Column

from engine.log.application import Log
from engine.log.frames import read_frame
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


def upcast(log: Log, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with type and payload of old events as the newest shapes have them."""
    old = list(log.tag_mapper.upcasters)
    if not old or not frame.select(pl.col("type").is_in(old).any()).item():
        return frame
    newest = [log.tag_mapper.upcast(tag, payload) for tag, payload in frame.select("type", "payload").iter_rows()]
    tags, payloads = zip(*newest, strict=True)
    return frame.with_columns(pl.Series("type", tags, pl.String), pl.Series("payload", payloads, pl.String))
