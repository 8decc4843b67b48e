"""What was written last, as whoever wrote it knows it, so that the next command need not read and fold it again.

It may be old: another process may have written since. Whoever decides on it finds out at the append, which takes the
version that was decided on, and reads the stream then.
"""

from collections import OrderedDict
from threading import Lock
from typing import Any
from uuid import UUID

STREAMS = 1_000


class Memory:
    """By stream. Any thread may ask."""

    def __init__(self) -> None:
        self._kept: OrderedDict[UUID, Any] = OrderedDict()
        self._lock = Lock()

    def get(self, stream_id: UUID) -> Any | None:
        """The stream as of some time; None where it is not remembered."""
        with self._lock:
            return self._kept.get(stream_id)

    def put(self, stream_id: UUID, known: Any) -> None:
        with self._lock:
            self._kept[stream_id] = known
            self._kept.move_to_end(stream_id)
            if len(self._kept) > STREAMS:
                self._kept.popitem(last=False)

    def forget(self, stream_id: UUID) -> None:
        with self._lock:
            self._kept.pop(stream_id, None)
