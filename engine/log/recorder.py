"""The eventsourcing library's recorder on SQLAlchemy Core, for SQLite and PostgreSQL.

An append takes the log's one lock, and under it stamps position and recorded_at, checks the expected versions, and
writes events, erasable rows and the command's answer in one transaction.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any
from uuid import UUID, uuid4

from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    IntegrityError,
    Notification,
    ProgrammingError,
    StoredEvent,
)
from sqlalchemy import Engine, Row, Select, func, select
from sqlalchemy.exc import IntegrityError as RefusedByDatabase

from engine.errors import Conflict
from engine.log.connect import SQLITE
from engine.log.identity import from_database, to_database
from engine.log.locked import append_lock
from engine.log.rows import Body, insert_rows
from engine.log.sides import insert_command, insert_erasable
from engine.log.stored import StoredRow
from engine.log.subscription import PollingSubscription
from engine.log.tables import events
from engine.log.writes import NOTHING, CommandRecord, Erasable
from engine.messages import Envelope


class AlreadyDone(Conflict):
    """The command was accepted before, perhaps a moment ago by another process; .record is its answer."""

    def __init__(self, record: CommandRecord) -> None:
        super().__init__(f"the command {record.command_id} was accepted before: its first answer stands")
        self.record = record


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the log gave the events of one append: the first has these, each further one 1 more (1 µs later)."""

    position: int
    recorded_at: int


class StreamRecorder(AggregateRecorder):
    """Streams of events. Events that come without an envelope are refused unless the recorder is given one for them."""

    def __init__(self, engine: Engine, unattended: Envelope | None = None) -> None:
        self.engine = engine
        self.unattended = unattended

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        self.append(self._rows(stored_events, kwargs))
        return None

    def append(
        self,
        rows: Sequence[StoredRow],
        expected: Mapping[UUID, int] | None = None,
        erasable: Erasable = NOTHING,
        command: CommandRecord | None = None,
    ) -> Stamp:
        """Writes all or nothing; expected: the version that each stream must be at.

        Raises AlreadyDone, Conflict, Busy, and the library's IntegrityError where a row clashes with another.
        """
        expected = expected or {}
        streams = list(expected)
        versions = [row.originator_version for row in rows]
        columns = list(zip(*map(_body, rows), strict=True))
        try:
            with append_lock(self.engine, streams, command.command_id if command else None) as writing:
                head = writing.head
                if command and head.command:
                    raise _repeated(command, *head.command)
                for stream, version in zip(streams, head.versions, strict=True):
                    if version != expected[stream]:
                        raise Conflict(
                            f"the stream {stream} is at version {version}, not at {expected[stream]}: "
                            "somebody else was first; read it again"
                        )
                stamp = Stamp(head.position + 1, head.next_recorded_at)
                insert_rows(writing, versions, columns)
                if erasable:
                    insert_erasable(writing, erasable)
                if command:
                    insert_command(writing, command, len(rows))
        except RefusedByDatabase as error:
            raise IntegrityError(str(error.orig)) from error
        return stamp

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
        first = self.append(self._rows(stored_events, kwargs)).position
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


def _repeated(command: CommandRecord, fingerprint: str, result: str) -> Conflict:
    known = CommandRecord(command.command_id, fingerprint, json.loads(result))
    if not known.is_of(command.fingerprint):
        return Conflict(
            f"the command id {command.command_id} was used before for another command: give each command its own id"
        )
    return AlreadyDone(known)


def _body(row: StoredRow) -> Body:
    envelope = row.envelope
    assert isinstance(row.originator_id, UUID)
    return (
        row.event_id.bytes,
        row.originator_id.bytes,
        row.topic,
        row.occurred_at,
        envelope.actor.bytes,
        envelope.command_id.bytes,
        envelope.correlation_id.bytes,
        envelope.causation_id.bytes if envelope.causation_id else None,
        envelope.origin,
        row.state.decode(),
    )


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
