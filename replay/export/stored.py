"""The events as the log holds them, batch by batch: every column, nothing upcast, nothing renamed."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl
from polars._typing import PolarsDataType
from sqlalchemy import select

from engine.aggregates.deal.events import DealOpened
from engine.log.application import Log
from engine.log.frames import read_frame
from engine.log.tables import events
from replay.export.shown import MOMENT, dashed, moment

BATCH: Final = 20_000
IDS: Final = ("event_id", "stream_id", "actor", "command_id", "correlation_id", "causation_id")
TIMES: Final = ("occurred_at", "recorded_at")
STORED: Final[dict[str, PolarsDataType]] = {
    "position": pl.Int64,
    "event_id": pl.String,
    "stream_id": pl.String,
    "version": pl.Int32,
    "type": pl.String,
    "occurred_at": MOMENT,
    "recorded_at": MOMENT,
    "actor": pl.String,
    "command_id": pl.String,
    "correlation_id": pl.String,
    "causation_id": pl.String,
    "origin": pl.String,
    "payload": pl.String,
}
"""columns of the log's table of events, and what they are in an export"""
SCHEMA: Final[dict[str, PolarsDataType]] = {**STORED, "journey": pl.String}
"""journey: stream_id of the lead, where the deal came from one; null for what is no lead's and no deal's"""
STORY: Final = ("position", "event_id", "stream_id", "type", "occurred_at", "recorded_at", "actor", "origin", "payload")
"""what formats that tell stories need"""
_FROM_LEAD: Final = r'"from_lead":"([0-9a-f-]{36})"'

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Scope:
    """Which events: those up to a position, that occurred by as_of (microseconds), of some journeys (32 hex digits)."""

    position: int
    as_of: int | None = None
    journeys: pl.Series | None = None

    @property
    def whole(self) -> bool:
        """Whether it is every event up to its position."""
        return self.as_of is None and self.journeys is None


def silent(done: int, total: int | None) -> None:
    """No progress shown."""


def position_at(log: Log, known_at: int | None) -> int:
    """The position of the last event recorded by then (microseconds); None: by now."""
    last = log.position()
    if known_at is None:
        return last
    with log.engine.connect() as connection:
        # Times of recording increase with positions.
        asked = select(events.c.recorded_at)
        return bisect_right(
            range(1, last + 1),
            known_at,
            key=lambda position: connection.execute(asked.where(events.c.position == position)).scalar_one(),
        )


def stored_events(
    log: Log, scope: Scope, progress: Progress = silent, columns: Sequence[str] = tuple(STORED)
) -> Iterator[pl.DataFrame]:
    """Batches of SCHEMA, in the order of positions; at least one, which may be empty.

    columns: of STORED, those of STORY among them.
    """
    asked = [events.c[name] for name in columns]
    origins = pl.DataFrame(schema={"stream_id": pl.String, "lead": pl.String})
    for after in range(0, max(scope.position, 1), BATCH):
        until = min(after + BATCH, scope.position)
        with log.engine.connect() as connection:
            rows = read_frame(
                connection,
                asked,
                "FROM events WHERE position > ? AND position <= ? ORDER BY position",
                (after, until),
            )
        origins = pl.concat([origins, from_leads(rows)])
        rows = rows.join(origins, on="stream_id", how="left", maintain_order="left").with_columns(
            journey=pl.when(pl.col("type").str.contains("^(lead|deal)[.]")).then(pl.coalesce("lead", "stream_id"))
        )
        if scope.as_of is not None:
            rows = rows.filter(pl.col("occurred_at") <= scope.as_of)
        if scope.journeys is not None:
            rows = rows.filter(pl.col("journey").is_in(scope.journeys.implode()))
        progress(until, scope.position)
        if after == 0 or not rows.is_empty():
            ids = [name for name in IDS if name in columns]
            yield rows.select(*columns, "journey").with_columns(*map(dashed, (*ids, "journey")), *map(moment, TIMES))


def from_leads(rows: pl.DataFrame) -> pl.DataFrame:
    """Which streams are of deals that continue a lead's journey."""
    opened = rows.filter(pl.col("type") == DealOpened.TOPIC, pl.col("payload").str.contains(_FROM_LEAD))
    lead = pl.col("payload").str.extract(_FROM_LEAD).str.replace_all("-", "", literal=True)
    return opened.select("stream_id", lead=lead)
