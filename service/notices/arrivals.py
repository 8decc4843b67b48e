"""What is new in the log for a webhook: the next stretch of the feed, and of it the events that are wanted."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import polars as pl
from sqlalchemy import select

from engine.aggregates.deal.events import DealOpened, PipelineChanged
from engine.aggregates.lead.events import LeadCaptured
from engine.aggregates.pipeline.events import PipelineCreated
from engine.aggregates.target.events import TargetSet
from engine.log.application import Log
from engine.log.feed import read_feed
from engine.log.identity import from_database, to_database
from engine.log.tables import events
from service.notices.wanted import Wanted

STRETCH = 5_000
"""positions that are looked through at once"""
MOST = 500
"""notices that are taken up at once"""
_ASKED = 500
_NAME_A_PIPELINE: Final = tuple(
    event.TOPIC for event in (LeadCaptured, DealOpened, PipelineChanged, PipelineCreated, TargetSet)
)


@dataclass(frozen=True, slots=True)
class Arrivals:
    """wanted: rows of the feed, each with its journey; until: the position looked through to."""

    wanted: Sequence[tuple[dict[str, Any], UUID]]
    until: int


def arrivals(log: Log, wanted: Wanted, after: int) -> Arrivals:
    """At most MOST, of at most STRETCH positions. Nothing wanted and until == after: that was all."""
    found = read_feed(log, after, STRETCH)
    if found.is_empty():
        return Arrivals((), after)
    until = int(found["position"][-1])
    of_type = found.filter(pl.col("type").is_in(wanted.tags()))
    origins = [origin for origin in of_type["origin"].unique() if wanted.from_there(origin)]
    rows = of_type.filter(pl.col("origin").is_in(origins))
    if rows.height > MOST:
        rows = rows.head(MOST)
        until = int(rows["position"][-1])
    listed = list(rows.iter_rows(named=True))
    if wanted.pipelines:
        listed = [row for row in listed if pipeline_of(log, row) in wanted.pipelines]
    journeys = journeys_of(log, (row["stream_id"] for row in listed))
    return Arrivals([(row, journeys[row["stream_id"]]) for row in listed], until)


def journeys_of(log: Log, streams: Iterable[str]) -> dict[str, UUID]:
    """The journey of each stream (32 hex digits): of a deal that came from a lead the lead's, else its own."""
    found = {stream: UUID(hex=stream) for stream in streams}
    ids = list(found.values())
    with log.engine.connect() as connection:
        for start in range(0, len(ids), _ASKED):
            some = [to_database(connection, stream) for stream in ids[start : start + _ASKED]]
            asked = select(events.c.stream_id, events.c.payload).where(
                events.c.stream_id.in_(some), events.c.version == 1, events.c.type == DealOpened.TOPIC
            )
            for row in connection.execute(asked):
                lead = json.loads(row.payload).get("from_lead")
                if lead is not None:
                    found[from_database(row.stream_id).hex] = UUID(lead)
    return found


def pipeline_of(log: Log, row: dict[str, Any]) -> str | None:
    """The pipeline an event is of: the one its lead or deal was in then, its target is of, or itself; None: of none."""
    with log.engine.connect() as connection:
        asked = (
            select(events.c.payload)
            .where(
                events.c.stream_id == to_database(connection, UUID(hex=row["stream_id"])),
                events.c.version <= row["version"],
                events.c.type.in_(_NAME_A_PIPELINE),
            )
            .order_by(events.c.version.desc())
            .limit(1)
        )
        found = connection.execute(asked).scalar_one_or_none()
    named = {} if found is None else json.loads(found)
    told: str | None = named.get("pipeline") or named.get("key")
    return told


def one(log: Log, position: int) -> dict[str, Any]:
    """The row of the feed at the position."""
    return read_feed(log, position - 1, 1).row(0, named=True)
