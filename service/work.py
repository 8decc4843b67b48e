"""Blocking work (the database, Polars) on threads with a bounded queue: an overload is said, never waited out."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")


class Overloaded(Exception):
    """Too much is waiting, or this has waited too long. It was not begun: trying again is safe."""


class Pool:
    """Runs so many at once, lets so many more wait, and refuses the rest at once."""

    def __init__(self, name: str, threads: int, waiting: int, patience_seconds: float) -> None:
        self.name = name
        self.most = threads + waiting
        self.patience_seconds = patience_seconds
        self.inside = 0
        """running or waiting; touched by the event loop alone"""
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def run(self, work: Callable[[], T]) -> T:
        if self.inside >= self.most:
            raise Overloaded
        asked, context = time.monotonic(), copy_context()

        def begun() -> T:
            if time.monotonic() - asked > self.patience_seconds:
                raise Overloaded
            return context.run(work)

        self.inside += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, begun)
        finally:
            self.inside -= 1

    def close(self) -> None:
        """Waits for what is running."""
        self._threads.shutdown(wait=True, cancel_futures=True)
