"""The log as the rest of the engine uses it: read a stream, append, ask for a command's answer."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.persistence import ApplicationRecorder, InfrastructureFactory, IntegrityError, Mapper
from eventsourcing.utils import Environment, EnvType
from sqlalchemy import Engine

from engine.errors import Conflict, DealtrailError
from engine.log.connect import SQLITE
from engine.log.factory import DATABASE, LogFactory
from engine.log.identity import to_database
from engine.log.mapper import TagMapper
from engine.log.memory import Memory
from engine.log.recorder import LogRecorder
from engine.log.remembered import Remembered
from engine.log.repeats import AlreadyDone
from engine.log.schema import require_current
from engine.log.together import Append, Refused, Stamp, append_all
from engine.log.writes import NOTHING, CommandRecord, Erasable, Person, StreamKey, StreamWrite, Text
from engine.messages import AnyRecorded
from engine.values import from_micros

__all__ = ["AlreadyDone", "CommandRecord", "Erasable", "Log", "Person", "StreamKey", "StreamWrite", "Text"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What shall be written together or not at all."""

    writes: Sequence[StreamWrite]
    erasable: Erasable = NOTHING
    command: CommandRecord | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What one append wrote."""

    events: list[AnyRecorded]
    """as stamped, in order"""
    position: int
    """of the log afterwards"""


class Log(Application[UUID]):
    """The eventsourcing library's application on our recorder. Threads may share one; processes open their own."""

    def __init__(self, url: str) -> None:
        """Opens sqlite:///FILE or postgresql+psycopg2://...; Rejected where there is no log of the newest schema."""
        self.url = url
        self.log_id = require_current(url)
        self.memory = Memory()
        self.remembered = Remembered()
        super().__init__()

    def construct_env(self, name: str, env: EnvType | None = None) -> Environment:  # noqa: ARG002 (the library's name)
        # Not the process's environment: no stray variable may change how history is stored.
        return Environment(name, {DATABASE: self.url})

    def construct_factory(self, env: Environment) -> InfrastructureFactory:
        self._factory = LogFactory(env)
        return self._factory

    def construct_mapper(self) -> Mapper[UUID]:
        self.tag_mapper = TagMapper(self.construct_transcoder())
        return self.tag_mapper

    def construct_recorder(self) -> ApplicationRecorder:
        self.log_recorder: LogRecorder = self._factory.application_recorder()
        return self.log_recorder

    @property
    def engine(self) -> Engine:
        return self._factory.engine

    def stream(self, stream_id: UUID) -> list[AnyRecorded]:
        """The stream's events in version order, upcast; [] where there is none."""
        return [self.tag_mapper.to_domain_event(row) for row in self.log_recorder.stream(stream_id)]

    def position(self) -> int:
        """The position of the last event, 0 when the log is empty."""
        return self.log_recorder.max_notification_id() or 0

    def command(self, command_id: UUID) -> CommandRecord | None:
        """The answer of a command that was accepted; None where it was not, or not yet."""
        with self.engine.connect() as connection:
            mark = "?" if connection.dialect.name == SQLITE else "%s"
            found = connection.exec_driver_sql(_COMMAND + mark, (to_database(connection, command_id),)).one_or_none()
        if found is None:
            return None
        fingerprint, result = tuple(found)
        return CommandRecord(command_id, fingerprint, json.loads(result))

    def append(
        self, writes: Sequence[StreamWrite], erasable: Erasable = NOTHING, command: CommandRecord | None = None
    ) -> list[AnyRecorded]:
        """As write, of which it returns the events."""
        return self.write(Wanted(writes, erasable, command)).events

    def write(self, wanted: Wanted) -> Written:
        """Writes everything in one transaction, or nothing.

        Raises Conflict where a stream is not at its expected version, where a person, text or key exists already, or
        where the command id was used for another body; AlreadyDone (a Conflict, with the first's answer in .record)
        where the same command was accepted before, also a moment ago by another process; Busy where the log is.
        """
        (done,) = self.write_all([wanted])
        if isinstance(done, DealtrailError):
            raise done
        return done

    def write_all(self, wanted: Sequence[Wanted]) -> list[Written | DealtrailError]:
        """As write, of several in one transaction: what is refused writes nothing, and the others are written.

        Raises Busy, and what the database itself says.
        """
        appends = [self._append_of(each) for each in wanted]
        stamps = append_all(self.engine, appends)
        return [_written(each, stamp) for each, stamp in zip(wanted, stamps, strict=True)]

    def _append_of(self, wanted: Wanted) -> Append:
        expected = {write.stream_id: write.expected_version for write in wanted.writes}
        _refuse_gaps(wanted.writes, expected)
        rows = [self.tag_mapper.to_stored_event(event) for write in wanted.writes for event in write.events]
        return Append(rows, expected, wanted.erasable, wanted.command)


def _written(wanted: Wanted, stamp: Stamp | Refused) -> Written | DealtrailError:
    if isinstance(stamp, IntegrityError):
        conflict = Conflict(f"somebody else wrote the same row first: read again and decide anew ({stamp})")
        conflict.__cause__ = stamp
        return conflict
    if isinstance(stamp, DealtrailError):
        return stamp
    recorded = [event for write in wanted.writes for event in write.events]
    stamped = [
        event.stamped(stamp.position + n, from_micros(stamp.recorded_at + n)) for n, event in enumerate(recorded)
    ]
    return Written(stamped, stamp.position + len(stamped) - 1)


_COMMAND = "SELECT fingerprint, result FROM commands WHERE command_id = "


def _refuse_gaps(writes: Sequence[StreamWrite], expected: dict[UUID, int]) -> None:
    if len(expected) != len(writes):
        raise ValueError("a stream is written once an append: join its events into one StreamWrite")
    for write in writes:
        for n, event in enumerate(write.events, write.expected_version + 1):
            if (event.stream_id, event.version) != (write.stream_id, n):
                raise ValueError(
                    f"version {event.version} of stream {event.stream_id} can't be written as {n} of {write.stream_id}"
                )
