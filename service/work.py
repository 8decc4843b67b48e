"""Blocking work (the database, Polars) on threads with a bounded queue: an overload is said, never waited out."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


class Overloaded(Exception):
    """Too much is waiting, or this has waited too long. It was not begun: trying again is safe."""


class Unanswered(Exception):
    """It was begun and did not end in time: the database hangs, say. Whether it was done is not known."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What may wait, and how long."""

    waiting: int
    patience_seconds: float
    """to be begun"""
    answer_seconds: float
    """for all of it"""


class Pool:
    """Runs so many at once, lets so many more wait, and refuses the rest at once."""

    def __init__(self, name: str, threads: int, bounds: Bounds) -> None:
        self.name = name
        self.most = threads + bounds.waiting
        self.bounds = bounds
        self.inside = 0
        """running or waiting, also for who has given up; touched by the event loop alone"""
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def run(self, work: Callable[[], T]) -> T:
        if self.inside >= self.most:
            raise Overloaded
        asked, context = time.monotonic(), copy_context()
        begun = False

        def begin() -> T:
            nonlocal begun
            if time.monotonic() - asked >= self.bounds.patience_seconds:
                raise Overloaded
            begun = True
            return context.run(work)

        self.inside += 1
        answer = asyncio.get_running_loop().run_in_executor(self._threads, begin)
        answer.add_done_callback(self._ended)
        patience = self.bounds.patience_seconds
        if await ended(answer, patience) or (begun and await ended(answer, self.bounds.answer_seconds - patience)):
            return answer.result()
        # A thread can't be stopped: it goes on, and its place is taken for as long.
        raise Unanswered if begun else Overloaded

    def _ended(self, answer: "asyncio.Future[Any]") -> None:
        self.inside -= 1
        if not answer.cancelled():
            # Where nobody waits any more, nobody else looks at what it raised.
            answer.exception()

    def close(self) -> None:
        """Waits for what is running."""
        self._threads.shutdown(wait=True, cancel_futures=True)


async def ended(answer: "asyncio.Future[Any]", seconds: float) -> bool:
    """Whether it ended so soon. Who goes away meanwhile leaves it to go on."""
    done, _ = await asyncio.wait((answer,), timeout=seconds)
    return bool(done)
