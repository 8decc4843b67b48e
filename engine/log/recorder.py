"""The eventsourcing library's recorder on SQLAlchemy Core, for SQLite and PostgreSQL.

What it writes goes through together.py: the log's one lock, and under it position, recorded_at and expected versions.
"""

import time
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any
from uuid import UUID, uuid4

from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    Notification,
    ProgrammingError,
    StoredEvent,
)
from sqlalchemy import Engine, Row, Select, func, select

from engine.log.connect import SQLITE
from engine.log.identity import from_database, to_database
from engine.log.stored import StoredRow
from engine.log.subscription import PollingSubscription
from engine.log.tables import events
from engine.log.together import Append, Stamp, append_all
from engine.messages import Envelope


class StreamRecorder(AggregateRecorder):
    """Streams of events. Events that come without an envelope are refused unless the recorder is given one for them."""

    def __init__(self, engine: Engine, unattended: Envelope | None = None) -> None:
        self.engine = engine
        self.unattended = unattended

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        self.append(Append(self._rows(stored_events, kwargs), {}))
        return None

    def append(self, append: Append) -> Stamp:
        """Writes all or nothing. Raises AlreadyDone, Conflict, Rejected, Busy, and the library's IntegrityError."""
        (done,) = append_all(self.engine, [append])
        if isinstance(done, Exception):
            raise done
        return done

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredRow]:
        stream = originator_id if isinstance(originator_id, UUID) else UUID(originator_id)
        asked = select(events).where(events.c.stream_id == to_database(self.engine, stream))
        if gt is not None:
            asked = asked.where(events.c.version > gt)
        if lte is not None:
            asked = asked.where(events.c.version <= lte)
        asked = asked.order_by(events.c.version.desc() if desc else events.c.version).limit(limit)
        return [_stored(row) for row in self._read(asked)]

    def stream(self, stream_id: UUID) -> list[StoredRow]:
        """All its events in version order: select_events without the time SQLAlchemy takes to compose a statement."""
        with self.engine.connect() as connection:
            sqlite = connection.dialect.name == SQLITE
            found = connection.exec_driver_sql(
                _STREAM + ("?" if sqlite else "%s"), (to_database(connection, stream_id),)
            )
            rows = [_stored(row) for row in found]
        return sorted(rows, key=_version)

    def _read(self, asked: Select[Any]) -> Sequence[Row[Any]]:
        with self.engine.connect() as connection:
            return connection.execute(asked).all()

    def _rows(self, stored_events: Sequence[StoredEvent], asked: Mapping[str, Any]) -> list[StoredRow]:
        if any(value is not None for value in asked.values()):
            raise ProgrammingError(f"the log does not keep {', '.join(asked)}")
        return [event if isinstance(event, StoredRow) else self._enveloped(event) for event in stored_events]

    def _enveloped(self, event: StoredEvent) -> StoredRow:
        if self.unattended is None:
            raise ProgrammingError("every write has an actor: store Recorded events, which carry an envelope")
        stream = event.originator_id if isinstance(event.originator_id, UUID) else UUID(event.originator_id)
        return StoredRow(
            stream,
            event.originator_version,
            event.topic,
            event.state,
            event_id=uuid4(),
            occurred_at=time.time_ns() // 1000,
            envelope=self.unattended,
        )


class LogRecorder(StreamRecorder, ApplicationRecorder):
    """Streams, and all of them together in the order of their positions, which the library calls notification ids."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        first = self.append(Append(self._rows(stored_events, kwargs), {})).position
        return list(range(first, first + len(stored_events)))

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        asked = select(events).order_by(events.c.position).limit(limit)
        if start is not None:
            asked = asked.where(events.c.position >= start if inclusive_of_start else events.c.position > start)
        if stop is not None:
            asked = asked.where(events.c.position <= stop)
        if topics:
            asked = asked.where(events.c.type.in_(topics))
        return [
            Notification(
                originator_id=from_database(row.stream_id),
                originator_version=row.version,
                topic=row.type,
                state=row.payload.encode(),
                id=row.position,
            )
            for row in self._read(asked)
        ]

    def max_notification_id(self) -> int | None:
        with self.engine.connect() as connection:
            return connection.execute(select(func.max(events.c.position))).scalar()

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> PollingSubscription:
        return PollingSubscription(self, gt, topics)


_STREAM = f"SELECT {', '.join(events.columns.keys())} FROM events WHERE stream_id = "
_version = attrgetter("originator_version")


def _stored(row: Row[Any]) -> StoredRow:
    position, event, stream, version, tag, occurred, recorded, *ids, origin, payload = tuple(row)
    actor, command, correlation, cause = ids
    return StoredRow(
        from_database(stream),
        version,
        tag,
        payload.encode(),
        event_id=from_database(event),
        occurred_at=occurred,
        envelope=Envelope(
            actor=from_database(actor),
            command_id=from_database(command),
            correlation_id=from_database(correlation),
            causation_id=None if cause is None else from_database(cause),
            origin=origin,
        ),
        position=position,
        recorded_at=recorded,
    )
