"""What was written last, as whoever wrote it knows it, so that the next command need not read and fold it again.

It may be old: another process may have written since. Whoever decides on it finds out at the append, which takes the
version that was decided on, and reads the stream then.
"""

from collections import OrderedDict
from collections.abc import Callable
from itertools import islice
from threading import Lock
from typing import Any
from uuid import UUID

EVENTS = 50_000
"""of all streams together, at some 1.5 KB; what was written least recently is forgotten"""


class Memory:
    """By stream. Any thread may ask."""

    def __init__(self) -> None:
        self._kept: OrderedDict[UUID, tuple[Any, int]] = OrderedDict()
        self._events = 0
        self._unfolded: dict[UUID, Callable[[], Any]] = {}
        self._lock = Lock()

    def get(self, stream_id: UUID) -> Any | None:
        """The stream as of some time; None where it is not remembered."""
        with self._lock:
            if stream_id in self._unfolded:
                self._fold(stream_id)
            return self._kept.get(stream_id, _UNKNOWN)[0]

    def put(self, stream_id: UUID, folding: Callable[[], Any], events: int) -> None:
        """folding: tells the stream; done by whoever asks first, or settles. events: that the stream has."""
        with self._lock:
            self._events += events - self._kept.pop(stream_id, _UNKNOWN)[1]
            self._kept[stream_id] = None, events
            # Anew at the end: settle begins with what came last.
            self._unfolded.pop(stream_id, None)
            self._unfolded[stream_id] = folding
            while self._events > EVENTS:
                forgotten, (_, held) = self._kept.popitem(last=False)
                self._events -= held
                self._unfolded.pop(forgotten, None)

    def settle(self, most: int) -> None:
        """Folds so many of those put last, which would else be left to who asks next."""
        with self._lock:
            for stream_id in list(islice(reversed(self._unfolded), most)):
                self._fold(stream_id)

    def _fold(self, stream_id: UUID) -> None:
        self._kept[stream_id] = self._unfolded.pop(stream_id)(), self._kept[stream_id][1]


_UNKNOWN = None, 0
