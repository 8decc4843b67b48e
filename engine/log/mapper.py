"""Between events as the engine speaks of them and rows as the log keeps them; old payloads are upcast on the way."""

import json
from collections.abc import Mapping
from uuid import UUID

from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, MapperDeserialisationError, StoredEvent
from pydantic import ValidationError

from engine.errors import DealtrailError
from engine.log.registry import TAGS, UPCASTERS, Upcaster
from engine.log.stored import StoredRow
from engine.messages import AnyRecorded, Event, Recorded
from engine.values import from_micros, to_micros


class UnknownEvent(DealtrailError, MapperDeserialisationError):
    """The log holds an event that this program does not know or can't read: a newer dealtrail wrote it."""


class TagMapper(Mapper[UUID]):
    """The type tag (Event.TOPIC) names an event's shape, never a Python path: code may move, history stays."""

    tags: Mapping[str, type[Event]] = TAGS
    upcasters: Mapping[str, tuple[str, Upcaster]] = UPCASTERS

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredRow:
        if not isinstance(domain_event, Recorded):
            raise TypeError(f"the log keeps Recorded events, not {type(domain_event).__name__}")
        event: Event = domain_event.event
        if self.tags.get(event.TOPIC) is not type(event):
            raise UnknownEvent(f"{type(event).__name__} is not in engine.log.registry: add its union there")
        return StoredRow(
            originator_id=domain_event.stream_id,
            originator_version=domain_event.version,
            topic=event.TOPIC,
            state=event.payload().encode(),
            event_id=domain_event.event_id,
            occurred_at=to_micros(domain_event.occurred_at),
            envelope=domain_event.envelope,
        )

    def to_domain_event(self, stored_event: StoredEvent) -> AnyRecorded:
        if not isinstance(stored_event, StoredRow) or not isinstance(stored_event.originator_id, UUID):
            raise MapperDeserialisationError(f"not a row of table events: {stored_event}")
        return Recorded(
            event=self.event(stored_event.topic, stored_event.state),
            stream_id=stored_event.originator_id,
            version=stored_event.originator_version,
            event_id=stored_event.event_id,
            occurred_at=from_micros(stored_event.occurred_at),
            envelope=stored_event.envelope,
            position=stored_event.position,
            recorded_at=from_micros(stored_event.recorded_at),
        )

    def event(self, tag: str, payload: bytes | str) -> Event:
        """The event of a stored type tag and payload; UnknownEvent where the tag or the payload makes no sense."""
        current, text = self.upcast(tag, payload)
        if current not in self.tags:
            raise UnknownEvent(
                f"the log holds an event of type {current!r}, unknown to this program: install a newer dealtrail"
            )
        try:
            return self.tags[current].model_validate_json(text)
        except ValidationError as error:
            raise UnknownEvent(f"an event of type {tag!r} can't be read: {error}") from error

    def upcast(self, tag: str, payload: bytes | str) -> tuple[str, bytes | str]:
        """The newest type tag and payload of an old event; of a current one what was given."""
        if tag not in self.upcasters:
            return tag, payload
        fields = json.loads(payload)
        while tag in self.upcasters:
            tag, upcaster = self.upcasters[tag]
            fields = upcaster(fields)
        return tag, json.dumps(fields, separators=(",", ":"), ensure_ascii=False)
