"""Events to append, in a word or two."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from engine.aggregates.deal.events import DealOpened, SignalRecorded
from engine.log.application import CommandRecord, Log, StreamWrite
from engine.messages import AnyRecorded, Envelope, Event, Recorded

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OPENED = DealOpened(pipeline="sales")


def signal(name: str) -> SignalRecorded:
    return SignalRecorded(signal=name)


def entry(event: Event, stream: UUID, version: int, envelope: Envelope | None = None) -> AnyRecorded:
    return Recorded(event, stream, version, uuid4(), NOON, envelope or envelope_of(uuid4()))


def envelope_of(actor: UUID, causation: UUID | None = None) -> Envelope:
    return Envelope(actor, command_id=uuid4(), correlation_id=uuid4(), causation_id=causation, origin="api")


def write(stream: UUID, after: int, *events: Event) -> StreamWrite:
    """The events as the versions after `after` of the stream."""
    return StreamWrite(
        stream, after, [entry(event, stream, version) for version, event in enumerate(events, after + 1)]
    )


def command(body: str = "a", command_id: UUID | None = None, **result: object) -> CommandRecord:
    return CommandRecord(command_id or uuid4(), (body * 64)[:64], result)


def rows_of(log: Log) -> list[tuple[object, ...]]:
    """The whole table events, as the database keeps it."""
    with log.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql("SELECT * FROM events ORDER BY position")]
