"""What was written last, as whoever wrote it knows it, so that the next command need not read and fold it again.

It may be old: another process may have written since. Whoever decides on it finds out at the append, which takes the
version that was decided on, and reads the stream then.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from threading import Lock
from typing import Any
from uuid import UUID

EVENTS = 50_000
"""of all streams together, at some 1.5 KB; what was written least recently is forgotten"""
UNFOLDED = 256
"""that settle knows of: who writes settles after each answer"""


class Memory:
    """By stream. Any thread may ask."""

    def __init__(self) -> None:
        self._kept: OrderedDict[UUID, _Known] = OrderedDict()
        self._events = 0
        self._unfolded: deque[_Known] = deque(maxlen=UNFOLDED)
        self._lock = Lock()

    def get(self, stream_id: UUID) -> Any | None:
        """The stream as of some time; None where it is not remembered."""
        with self._lock:
            known = self._kept.get(stream_id)
            if known is None:
                return None
            known.fold()
            return known.stream

    def put(self, stream_id: UUID, folding: Callable[[], Any], events: int) -> None:
        """folding: tells the stream; done by whoever asks first, or settles. events: that the stream has."""
        known = _Known(folding, events)
        with self._lock:
            before = self._kept.pop(stream_id, None)
            self._kept[stream_id] = known
            self._events += events - (before.let_go() if before else 0)
            self._unfolded.append(known)
            while self._events > EVENTS:
                self._events -= self._kept.popitem(last=False)[1].let_go()

    def settle(self, most: int) -> None:
        """Folds so many of those put last, which would else be left to who asks next."""
        with self._lock:
            while most and self._unfolded:
                most -= self._unfolded.pop().fold()


class _Known:
    """A stream, folded when somebody wants it."""

    __slots__ = ("_folding", "events", "stream")

    def __init__(self, folding: Callable[[], Any], events: int) -> None:
        self.events = events
        self._folding: Callable[[], Any] | None = folding
        self.stream: Any = None
        """None until it is folded, and where it can't be"""

    def fold(self) -> bool:
        """False where it is folded."""
        if self._folding is None:
            return False
        folding, self._folding = self._folding, None
        self.stream = folding()
        return True

    def let_go(self) -> int:
        """Of what nobody will ask for: settle may still come upon it. Returns its events."""
        self._folding = self.stream = None
        return self.events
