"""The feed as server-sent events: everything from a position on, as it comes, for as long as the client listens.

One task a process watches the log's position and wakes the clients; what several of them read is read once.
"""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Header, Query, Request, Response
from fastapi.security.utils import get_authorization_scheme_param
from fastapi.sse import format_sse_event
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import DBAPIError
from starlette.types import Receive, Scope, Send

from service.auth import WHOLE, Callers
from service.http_errors import RETRY_SECONDS, Refused
from service.routes.feed import FeedQuestion, Stretch, Types, as_json, must_be_of_this_log, stretch, tags_of
from service.routes.routing import Routes, running_of
from service.running import Running
from service.work import Overloaded, Unanswered

STREAM = "/v1/stream"
POLL_SECONDS = 0.1
HEARTBEAT_SECONDS = 15.0
"""of silence, after which a comment shows that the stream lives, and says how far it has looked"""
SLOW_SECONDS = 10.0
"""how long a client may take to take what it was sent; then it is dropped"""
AT_ONCE = 500
RETRY_MS = 2_000
"""after which a client that lost the stream comes back"""
AWAY = (DBAPIError, Overloaded, Unanswered)
"""what passes: the database hangs, or is away, or others have so much to ask"""
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
log = logging.getLogger(__name__)


class StreamQuestion(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    after: Annotated[
        int | None, Field(ge=0, lt=2**62, description="The position read last; without it, what comes from now on")
    ] = None
    type: Types = []


LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        pattern="^[0-9]{1,18}$",
        description="`id` of the last event that arrived; it goes before `after`. Browsers send it by themselves.",
    ),
]


class Streams:
    """The listening clients of one process. Lives on the event loop alone."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.clients = 0
        self.position = 0
        self._moved = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None

    def join(self) -> None:
        """Refused where there are as many as may be."""
        if self.clients >= self.running.serving.streams:
            said = f"{self.clients} clients listen already: try again later, or read /v1/events"
            raise Refused("busy", said, headers={"Retry-After": RETRY_SECONDS})
        self.clients += 1
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())

    def leave(self) -> None:
        self.clients -= 1

    async def _watch(self) -> None:
        while self.clients:
            try:
                position = await self.running.access.run(self.running.log.position)
            except AWAY:
                # It may be away for a while; whoever reads is told, who listens waits.
                position = self.position
            if position > self.position or stopping():
                self.position = position
                self._moved.set()
                self._moved = asyncio.Event()
            await asyncio.sleep(POLL_SECONDS)

    async def moved(self, beyond: int) -> bool:
        """Waits for something beyond the position; False where nothing came for a heartbeat."""
        if self.position > beyond:
            return True
        try:
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                await self._moved.wait()
        except TimeoutError:
            return False
        return True

    async def read(self, after: int, types: tuple[str, ...]) -> tuple[list[bytes], Stretch]:
        """The next events, ready to be sent; waits while the database is busy or away."""
        question = FeedQuestion(after=after, limit=AT_ONCE, type=list(types))

        def work() -> tuple[list[bytes], Stretch]:
            found = stretch(self.running, question)
            return [told(event) for event in found.events], found

        while True:
            try:
                return await self.running.sharing.same(("stream", after, types), lambda: self.running.reading.run(work))
            except AWAY:
                await asyncio.sleep(1)


def told(event: dict[str, Any]) -> bytes:
    return format_sse_event(id=str(event["position"]), event=event["type"], data_str=as_json(event))


def stopping() -> bool:
    """Whether the server was asked to end: it waits for its connections, so a stream must end by itself.

    It tells nobody; but it is the one that listens for the signal.
    """
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return bool(getattr(server, "should_exit", False))


def add_stream(routes: Routes) -> None:
    routes.app.state.streams = Streams(routes.app.state.running)
    routes.add(
        "GET",
        STREAM,
        endpoint,
        name="stream_events",
        summary="The feed as server-sent events; Last-Event-ID resumes",
        tag="events",
        allow=WHOLE,
        refusals=("gone",),
        queries=True,
        media=EventStream,
    )


async def endpoint(
    request: Request, question: Annotated[StreamQuestion, Query()], last_event_id: LastEventId = None
) -> Response:
    running, streams = running_of(request), streams_of(request)
    types = tuple(tags_of(question.type))
    last = await running.reading.run(running.log.position)
    after = question.after if last_event_id is None else int(last_event_id)
    must_be_of_this_log(last if after is None else after, last)
    streams.join()
    return EventStream(streams, events(request, streams, last if after is None else after, types))


def streams_of(request: Request) -> Streams:
    streams: Streams = request.app.state.streams
    return streams


async def events(request: Request, streams: Streams, after: int, types: tuple[str, ...]) -> AsyncIterator[bytes]:
    yield format_sse_event(retry=RETRY_MS)
    while not stopping() and await still_allowed(request):
        found, looked = await streams.read(after, types)
        after = looked.next
        for piece in found:
            yield piece
        if looked.next >= looked.position and not await streams.moved(after):
            # The id alone: where a filter lets little through, a client resumes from here.
            yield format_sse_event(comment="still here", id=str(after))


async def still_allowed(request: Request) -> bool:
    """Whether the key or token still lets its owner in; a stream outlives a revocation by no more than a heartbeat."""
    running, callers = running_of(request), request.app.state.callers
    assert isinstance(callers, Callers)
    _, text = get_authorization_scheme_param(request.headers.get("authorization"))
    try:
        caller = callers.remembered(text)
        if caller is None:
            caller = await running.access.run(lambda: callers.look_up(text))
    except Refused as refused:
        return refused.kind not in ("unauthenticated", "forbidden")
    except AWAY:
        return True
    return caller.role in WHOLE


class EventStream(Response):
    """Sends the pieces until they end, the client goes, or it takes too long."""

    media_type = "text/event-stream"

    def __init__(self, streams: Streams, pieces: AsyncIterator[bytes]) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self.streams = streams
        self.pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        tasks = {asyncio.create_task(each) for each in (self._pump(scope, send), gone(receive))}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self.streams.leave()
            for task in tasks:
                task.cancel()

    async def _pump(self, scope: Scope, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        try:
            async for piece in self.pieces:
                async with asyncio.timeout(SLOW_SECONDS):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        except TimeoutError:
            # Left unfinished: the server closes the connection, and the client comes back when it can.
            log.warning("a slow client was dropped", extra={"path": scope["path"]})
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
