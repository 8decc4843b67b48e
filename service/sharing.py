"""Work that several requests want at once is done once: many who watch the same board cost as much as one."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Sharing:
    """Lives on the event loop alone."""

    def __init__(self) -> None:
        self._begun: dict[Hashable, asyncio.Task[Any]] = {}
        self._next: dict[Hashable, asyncio.Task[Any]] = {}

    async def same(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """What is under way for the key, whenever it began; for what can't change meanwhile."""
        if key not in self._begun:
            self._begun[key] = asyncio.create_task(self._now(key, work))
        found: T = await asyncio.shield(self._begun[key])
        return found

    async def fresh(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """What begins after the call, shared with all who call before it begins: it sees what was written before."""
        if key not in self._next:
            self._next[key] = asyncio.create_task(self._after(key, work))
        found: T = await asyncio.shield(self._next[key])
        return found

    async def _after(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        before = self._begun.get(key)
        if before is not None:
            await asyncio.wait([before])
        mine = self._next.pop(key)
        self._begun[key] = mine
        try:
            return await work()
        finally:
            if self._begun.get(key) is mine:
                del self._begun[key]

    async def _now(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        try:
            return await work()
        finally:
            del self._begun[key]
