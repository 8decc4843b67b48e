"""What was asked for lately, ready to be asked for again: the last few, and none that nobody asked for in a while."""

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Lately(Generic[K, V]):
    """Any thread may ask."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._kept: OrderedDict[K, tuple[V, float]] = OrderedDict()
        """with when it was asked for, the oldest first"""
        self._lock = Lock()

    def get(self, key: K) -> V | None:
        with self._lock:
            if key not in self._kept:
                return None
            value, _ = self._kept.pop(key)
            self._kept[key] = value, self._clock()
            return value

    def put(self, key: K, value: V, most: int | None = None) -> None:
        """most: how many may be kept from now on, where that is fewer than ever."""
        with self._lock:
            self._kept.pop(key, None)
            self._kept[key] = value, self._clock()
            while len(self._kept) > (self._most if most is None else min(most, self._most)):
                self._kept.popitem(last=False)

    def let_go(self, seconds: float) -> None:
        """Of what nobody asked for in so many seconds."""
        with self._lock:
            before = self._clock() - seconds
            while self._kept and next(iter(self._kept.values()))[1] < before:
                self._kept.popitem(last=False)

    def __len__(self) -> int:
        return len(self._kept)
