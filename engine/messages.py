"""What goes in and what is kept: commands, events, and an event with its envelope."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic
from uuid import UUID

from typing_extensions import TypeVar

from engine.values import Value


class Event(Value):
    """An immutable fact, named in the past tense. No personal data, no free text: those are references.

    TOPIC is the permanent type tag the log stores ("deal.won.v1"); it outlives renamed classes and moved files.
    A published event is never edited: a new shape gets the next version's tag and an upcaster.
    """

    TOPIC: ClassVar[str]

    def payload(self) -> str:
        """The stored form: compact JSON, fields in declared order, absent where null."""
        return self.model_dump_json(exclude_none=True)


class Command(Value):
    """A wish, named in the imperative. It may be refused; what comes of it are events."""


E = TypeVar("E", bound=Event, default=Event, covariant=True)


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who and why, the same for all events one command brings about."""

    actor: UUID
    """The person (engine.log.people) or the machine that acts; every write has one."""
    command_id: UUID
    correlation_id: UUID
    causation_id: UUID | None
    """The event_id of what caused it, where an event did."""
    origin: str
    """api | cli | import:NAME | policy:NAME"""


@dataclass(frozen=True, slots=True)
class Recorded(Generic[E]):
    """An event as the log holds it. It is what the eventsourcing library calls a domain event."""

    event: E
    stream_id: UUID
    version: int
    """Place in its stream, from 1."""
    event_id: UUID
    occurred_at: datetime
    envelope: Envelope
    position: int = 0
    """Place in the whole log, from 1, without gaps; 0 until the log has stamped it."""
    recorded_at: datetime | None = None
    """When the log learned of it; strictly increasing with position; None until stamped."""

    def stamped(self, position: int, recorded_at: datetime) -> "Recorded[E]":
        """The same as the log holds it from now on: it happened by then, whatever the clock of who told it says."""
        return Recorded(
            self.event,
            self.stream_id,
            self.version,
            self.event_id,
            min(self.occurred_at, recorded_at),
            self.envelope,
            position,
            recorded_at,
        )

    @property
    def originator_id(self) -> UUID:
        return self.stream_id

    @property
    def originator_version(self) -> int:
        return self.version

    @property
    def order(self) -> tuple[datetime, int]:
        """Derivation order: when it happened, then when it was written down."""
        return (self.occurred_at, self.position)


AnyRecorded = Recorded[Any]
