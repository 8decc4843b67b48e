"""An event as a row: what the eventsourcing library calls a stored event, with the envelope beside the payload."""

from dataclasses import dataclass
from uuid import UUID

from eventsourcing.persistence import StoredEvent

from engine.messages import Envelope


@dataclass(frozen=True, eq=False, kw_only=True)
class StoredRow(StoredEvent):
    """A stored event with the columns of table events. Times in microseconds since the epoch UTC."""

    event_id: UUID
    occurred_at: int
    envelope: Envelope
    position: int = 0
    recorded_at: int = 0
    """both 0 until the log has stamped it"""

    def __eq__(self, other: object) -> bool:
        """The same stored event: equal in what the library knows of it, whatever the other has beside."""
        if not isinstance(other, StoredEvent):
            return NotImplemented
        return (self.originator_id, self.originator_version, self.topic, self.state) == (
            other.originator_id,
            other.originator_version,
            other.topic,
            other.state,
        )

    def __hash__(self) -> int:
        return hash((self.originator_id, self.originator_version))
