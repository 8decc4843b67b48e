"""Commands on the one thread that writes: those that wait are decided one by one and written in one transaction.

A commit takes longer than what it commits. While one is under way others come, and share the next: the more wait, the
less each costs. docs/adr/0009-one-commit-for-many.md.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Generator, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final, TypeVar

from engine.log.application import Log, Wanted, Written
from engine.log.dialogue import Dialogue, together
from service import metrics
from service.work import Bounds, Overloaded, Unanswered

T = TypeVar("T")
Work = Dialogue[Any]
STREAMS: Final = 2
"""that a command writes to at most: a conversion, the lead and the deal"""


class Writer:
    """One a process. Any number wait up to a bound, beyond which it refuses at once."""

    name = "writing"

    def __init__(self, log: Log, most: int, bounds: Bounds) -> None:
        """most: commands in one transaction."""
        self.log = log
        self.most = most
        self.bounds = bounds
        self.inside = 0
        """under way or waiting; touched by the event loop alone"""
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name=self.name)
        self._begun = False

    async def run(self, kind: str, begin: Callable[[], Dialogue[T]]) -> T:
        """What the dialogue returns or raises. It is gone through on the thread, in the caller's context.

        kind: of the command, for the metrics.
        """
        if self.inside >= self.most + self.bounds.waiting:
            raise Overloaded
        if not self._begun:
            self._begun = True
            self._thread.start()
        loop = asyncio.get_running_loop()
        told: asyncio.Future[T] = loop.create_future()
        self.inside += 1
        late = loop.call_later(self.bounds.answer_seconds, _give_up, told)
        try:
            self._queue.put(_Waiting(kind, begin, copy_context(), time.monotonic(), loop, told))
            return await told
        finally:
            late.cancel()
            self.inside -= 1

    def close(self) -> None:
        """Waits for what is under way."""
        if self._begun:
            self._queue.put(None)
            self._thread.join()

    def _work(self) -> None:
        while (first := self._queue.get()) is not None:
            began = time.perf_counter()
            waiting = [first, *self._others()]
            ends = together(self.log, [self._dialogue(each) for each in waiting])
            # All requests of a process are on one event loop: it is woken once.
            first.loop.call_soon_threadsafe(_tell, waiting, ends)
            self._after(waiting, ends, time.perf_counter() - began)

    def _after(self, waiting: Sequence["_Waiting"], ends: Sequence[Any], seconds: float) -> None:
        """What nobody waits for, while the loop wakes up."""
        try:
            for each, end in zip(waiting, ends, strict=True):
                metrics.count(each.kind, end, seconds)
            metrics.catch_up()
            self.log.memory.settle(STREAMS * len(waiting))
        except Exception:
            logging.getLogger(__name__).exception("after an answer")

    def _others(self) -> list["_Waiting"]:
        found: list[_Waiting] = []
        while len(found) < self.most - 1:
            try:
                another = self._queue.get_nowait()
            except Empty:
                break
            if another is None:
                self._queue.put(None)
                break
            found.append(another)
        return found

    def _dialogue(self, waiting: "_Waiting") -> Work:
        def begin() -> Work:
            if time.monotonic() - waiting.since > self.bounds.patience_seconds:
                raise Overloaded
            return (yield from waiting.begin())

        return _Within(waiting.context, begin())


@dataclass(frozen=True, slots=True)
class _Waiting:
    kind: str
    begin: Callable[[], Dialogue[Any]]
    context: Context
    since: float
    loop: asyncio.AbstractEventLoop
    told: "asyncio.Future[Any]"


class _Within(Generator[Wanted, Written, Any]):
    """A dialogue whose every step is taken in its own context, whatever others do in between."""

    def __init__(self, context: Context, dialogue: Dialogue[Any]) -> None:
        self._context = context
        self._dialogue = dialogue

    def send(self, value: Any) -> Wanted:
        return self._context.run(self._dialogue.send, value)

    def throw(self, *error: Any) -> Wanted:
        return self._context.run(self._dialogue.throw, *error)


def _give_up(told: "asyncio.Future[Any]") -> None:
    if not told.done():
        told.set_exception(Unanswered())


def _tell(waiting: Sequence[_Waiting], ends: Sequence[Any]) -> None:
    for each, end in zip(waiting, ends, strict=True):
        if each.told.done():
            # Who asked has gone.
            continue
        if isinstance(end, Exception):
            each.told.set_exception(end)
        else:
            each.told.set_result(end)
