"""Sends what one webhook wants to be told, while it holds the lease: reads the feed, posts, keeps what came of it."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Self
from uuid import UUID

from engine.errors import Rejected
from engine.log.application import Log
from service.notices.addresses import networks
from service.notices.arrivals import Arrivals, arrivals, one
from service.notices.backoff import DAY, Backoff
from service.notices.cloud_event import CONTENT_TYPE, cloud_event
from service.notices.kept_secrets import unsealed
from service.notices.lease import LEASE_SECONDS, RENEW_SECONDS, Lease, check, release
from service.notices.posting import Answer, Poster
from service.notices.queue import Notice, Queue
from service.notices.signing import signed
from service.notices.storing import News, Standing, Taken, store, take_up
from service.settings import Serving

FEW_READY = 100
"""notices that could be sent at once; when there are fewer, more are read"""


@dataclass(frozen=True)
class Sending:
    """How a process sends."""

    poster: Poster = field(default_factory=Poster)
    backoff: Backoff = field(default_factory=Backoff)
    at_once: int = 8
    """requests to one receiver, each of another journey"""
    look_seconds: float = 0.5
    """how often the log is asked what is new"""
    told: Callable[[Answer], None] = lambda _: None
    """hears of every attempt"""

    @classmethod
    def of(cls, serving: Serving, told: Callable[[Answer], None] = lambda _: None) -> Self:
        """As the settings say; Rejected where they make no sense."""
        poster = Poster(networks(serving.webhook_networks), serving.webhook_seconds)
        backoff = Backoff(give_up=serving.webhook_days * DAY)
        return cls(poster, backoff, max(serving.senders, 1), told=told)


class Sender:
    """Runs in one task; nothing else touches it. What it knows is what the tables say plus what `news` holds."""

    def __init__(self, log: Log, lease: Lease, sending: Sending) -> None:
        self.log = log
        self.lease = lease
        self.sending = sending
        self.news = News()
        self.rows: dict[int, dict[str, Any]] = {}
        """of the feed, for notices that have not been tried yet"""
        self.posts: dict[asyncio.Task[Answer], Notice] = {}
        self.problem: str | None = None
        self.next_attempt = 0.0
        """monotonic; not before, at a receiver that fails at everything"""
        self.stored = time.monotonic()
        self.paused = False

    async def run(self, stop: asyncio.Event, *, until_idle: bool = False) -> None:
        """Until it is stopped or has nothing left to do; Lost where somebody else is sending. Gives the lease back."""
        await self._begin(await asyncio.to_thread(take_up, self.log.engine, self.lease))
        try:
            while not (stop.is_set() or self.paused):
                await asyncio.to_thread(check, self.log.engine, self.lease)
                idle = not await self._read()
                self._start()
                if until_idle and idle and not self.posts and not self.queue.ready:
                    break
                await self._wait(stop, idle)
                self._finish()
                await self._store()
            await self._settle()
        finally:
            for post in self.posts:
                post.cancel()
            await asyncio.gather(*self.posts, return_exceptions=True)
        await asyncio.to_thread(release, self.log.engine, self.lease)

    async def _begin(self, taken: Taken) -> None:
        self.url, self.wanted = taken.url, taken.wanted
        self.position, self.failures = taken.position, taken.failures
        self.answered_at = None if taken.answered_at is None else min(taken.answered_at, taken.now)
        self.ahead = taken.now - time.monotonic_ns() // 1000
        self.queue = Queue(self._sane(notice, taken.now) for notice in taken.notices)
        self.kept_position = self.position
        try:
            self.secrets = unsealed(self.log.url, taken.secrets)
        except Rejected as refused:
            # Told by the list of webhooks, and looked at again when the lease has run out.
            standing = Standing(self.position, self.failures + 1, str(refused), self.answered_at)
            await asyncio.to_thread(store, self.log.engine, self.lease, News(), standing)
            raise

    def _now(self) -> int:
        """Microseconds by the database's clock as it was when this began: a clock that jumps moves no attempt."""
        return self.ahead + time.monotonic_ns() // 1000

    def _sane(self, notice: Notice, now: int) -> Notice:
        """As it would be if the clock had never been ahead of now."""
        latest = now + round(self.sending.backoff.most * 1_000_000)
        return replace(notice, queued_at=min(notice.queued_at, now), due_at=min(notice.due_at, latest))

    async def _read(self) -> bool:
        """Takes up what is new; False where there is nothing."""
        self.queue.due(self._now())
        if self.queue.ready >= FEW_READY or (self.queue.ready and self._cautious):
            return True
        found: Arrivals = await asyncio.to_thread(arrivals, self.log, self.wanted, self.position)
        if found.until == self.position:
            return False
        self.position = found.until
        at = self._now()
        for row, journey in found.wanted:
            notice = Notice(row["position"], journey, at, at)
            self.rows[notice.position] = row
            self.queue.add(notice)
            self.news.queued.append(notice)
        self.queue.due(at)
        return True

    @property
    def _cautious(self) -> bool:
        return self.failures >= self.sending.backoff.cautious_after

    def _start(self) -> None:
        """Begins as many posts as may run."""
        most = 1 if self._cautious else self.sending.at_once
        room = most - len(self.posts) if time.monotonic() >= self.next_attempt else 0
        for notice in islice(iter(self.queue.take, None), max(room, 0)):
            self.posts[asyncio.create_task(self._post(notice))] = notice

    async def _post(self, notice: Notice) -> Answer:
        row = self.rows.pop(notice.position, None)
        if row is None:
            row = await asyncio.to_thread(one, self.log, notice.position)
        body = cloud_event(self.log.log_id, row, notice.journey)
        headers = signed(self.secrets, str(UUID(hex=row["event_id"])), now(), body)
        headers |= {"Content-Type": CONTENT_TYPE, "dealtrail-fence": str(self.lease.fence)}
        return await self.sending.poster.post(self.url, headers, body)

    async def _wait(self, stop: asyncio.Event, idle: bool) -> None:
        """Until a post ends, a notice is due, or it is time to look at the log again."""
        next_due = self.queue.due(self._now())
        seconds = self.sending.look_seconds
        if next_due is not None:
            seconds = min(seconds, max(0.0, (next_due - self._now()) / 1_000_000))
        if not idle and not self.posts and time.monotonic() >= self.next_attempt:
            # There is more to read, and nothing to wait for.
            return
        if not self.posts:
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), seconds)
            return
        await asyncio.wait(self.posts, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)

    def _finish(self) -> None:
        """What came of the posts that have ended."""
        for post in [post for post in self.posts if post.done()]:
            notice, answer = self.posts.pop(post), post.result()
            self.sending.told(answer)
            if answer.accepted:
                self.failures, self.problem, self.answered_at = 0, None, self._now()
                self.next_attempt = 0.0
                self.queue.done(notice)
                self.news.done.append(notice.position)
            else:
                self._failed(notice, answer)

    def _failed(self, notice: Notice, answer: Answer) -> None:
        backoff, at = self.sending.backoff, self._now()
        self.failures += 1
        self.problem = answer.problem or ""
        self.next_attempt = time.monotonic() + backoff.pause(self.failures)
        delay = backoff.delay(notice.attempts + 1, answer.retry_after)
        again = replace(
            notice, attempts=notice.attempts + 1, due_at=at + round(delay * 1_000_000), problem=self.problem
        )
        late = at - notice.queued_at > backoff.give_up * 1_000_000
        if late and not answer.gone and self.answered_at is not None and self.answered_at > notice.queued_at:
            self.queue.done(notice)
            self.news.parked.append(again)
            return
        self.queue.put_off(again)
        self.news.put_off.append(again)
        if answer.gone:
            self.news.paused_because = "the receiver wants no more (410 Gone)"
        elif late:
            # Not this notice is at fault: nothing is given up, all of it waits for somebody to look.
            days = backoff.give_up / 86_400
            self.news.paused_because = f"nothing was accepted for {days:g} days: {self.problem}"

    async def _store(self) -> None:
        """When there is something to keep, and now and then to keep the lease."""
        since = time.monotonic() - self.stored
        looked = self.position != self.kept_position and since > 1
        if not self.news and not looked and since < RENEW_SECONDS:
            return
        news, self.news = self.news, News()
        standing = Standing(self.position, self.failures, self.problem, self.answered_at)
        await asyncio.to_thread(store, self.log.engine, self.lease, news, standing)
        self.stored, self.kept_position = time.monotonic(), self.position
        self.paused = self.paused or news.paused_because is not None

    async def _settle(self) -> None:
        """Waits for what is being sent, as long as the lease is sure to hold, and keeps what came of it."""
        if self.posts:
            await asyncio.wait(self.posts, timeout=LEASE_SECONDS - RENEW_SECONDS)
            self._finish()
        self.stored = 0.0
        await self._store()


def now() -> int:
    """Microseconds by this machine's clock, by which a receiver judges how old a signature is."""
    return time.time_ns() // 1000
