"""What the streams that were written last hold, so that the next command on one need not read it again.

It may be old: another process may have written since. Whoever decides on it finds out at the append, which takes the
version that was decided on, and reads the stream then.
"""

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from uuid import UUID

from engine.messages import AnyRecorded

STREAMS = 1_000
LONGEST = 200
"""events; a longer stream is read each time"""


class Memory:
    """Any thread may ask."""

    def __init__(self) -> None:
        self._kept: OrderedDict[UUID, Sequence[AnyRecorded]] = OrderedDict()
        self._lock = Lock()

    def get(self, stream_id: UUID) -> Sequence[AnyRecorded]:
        """The stream's events in version order, as of some time; none where it is not remembered."""
        with self._lock:
            return self._kept.get(stream_id, ())

    def put(self, stream_id: UUID, events: Sequence[AnyRecorded]) -> None:
        with self._lock:
            self._kept.pop(stream_id, None)
            if len(events) <= LONGEST:
                self._kept[stream_id] = events
            if len(self._kept) > STREAMS:
                self._kept.popitem(last=False)
