"""What a webhook has still to deliver: of each journey one notice at a time, in the order of their positions.

A journey whose first notice waits to be tried again keeps its later ones behind it; the other journeys go on. Held in
memory by the one sender of the webhook, which keeps the table webhook_notices equal to it (storing.py).
"""

import heapq
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Notice:
    """An event to be told. Times in microseconds."""

    position: int
    journey: UUID
    queued_at: int
    due_at: int
    attempts: int = 0
    """that failed"""
    problem: str | None = None
    """of the last"""


class Queue:
    """Notices are added in the order of their positions within each journey."""

    def __init__(self, notices: Iterable[Notice] = ()) -> None:
        self._of: dict[UUID, deque[Notice]] = {}
        self._ready: list[tuple[int, UUID]] = []
        """first notices that are due, by position"""
        self._later: list[tuple[int, int, UUID]] = []
        """first notices that wait, by the time they are due"""
        self._out: dict[UUID, Notice] = {}
        """being sent"""
        self._size = 0
        for notice in sorted(notices, key=lambda each: each.position):
            self.add(notice)

    def __len__(self) -> int:
        return self._size

    @property
    def ready(self) -> int:
        """How many could be sent at once; call due() first."""
        return len(self._ready)

    def add(self, notice: Notice) -> None:
        waiting = self._of.setdefault(notice.journey, deque())
        waiting.append(notice)
        self._size += 1
        if len(waiting) == 1:
            self._wait(notice)

    def due(self, now: int) -> int | None:
        """Looks at the clock; returns when the next one is due that is not yet, None where there is none."""
        while self._later and self._later[0][0] <= now:
            _, position, journey = heapq.heappop(self._later)
            heapq.heappush(self._ready, (position, journey))
        return self._later[0][0] if self._later else None

    def take(self) -> Notice | None:
        """The first that is due; its journey waits until it is done or put off."""
        if not self._ready:
            return None
        _, journey = heapq.heappop(self._ready)
        notice = self._of[journey][0]
        self._out[journey] = notice
        return notice

    def done(self, notice: Notice) -> None:
        """It was delivered or given up: the next of the journey has its turn."""
        del self._out[notice.journey]
        waiting = self._of[notice.journey]
        waiting.popleft()
        self._size -= 1
        if waiting:
            self._wait(waiting[0])
        else:
            del self._of[notice.journey]

    def put_off(self, notice: Notice) -> None:
        """It failed, and is as given now, with the time of its next attempt."""
        del self._out[notice.journey]
        self._of[notice.journey][0] = notice
        self._wait(notice)

    def _wait(self, first: Notice) -> None:
        heapq.heappush(self._later, (first.due_at, first.position, first.journey))
