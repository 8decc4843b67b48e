"""Around every request: its id, a line in the log, a count, a limit to how long a body takes; no traceback gets out."""

import asyncio
import logging
import re
import time
from uuid import uuid4

from fastapi import HTTPException, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import metrics
from service.http_errors import answered, request_id

GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}")
QUIET = ("/livez", "/readyz", "/metrics")
log = logging.getLogger("service.requests")


class Outer:
    def __init__(self, app: ASGIApp, body_seconds: float) -> None:
        self.app = app
        self.body_seconds = body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"x-request-id"), "")
        number = given if GIVEN.fullmatch(given) else uuid4().hex
        token = request_id.set(number)
        began, status = time.perf_counter(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", number.encode())]
            await send(message)

        try:
            await self.app(scope, self.in_time(receive), sending)
        except Exception as error:
            if status:
                # Half an answer is out: the connection ends, and the log knows why.
                log.exception("broken off")
                raise
            await (await answered(Request(scope), error))(scope, receive, sending)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            metrics.requests.labels(scope["method"], route, status).inc()
            told = {"method": scope["method"], "path": scope["path"], "status": status}
            told["ms"] = round((time.perf_counter() - began) * 1000, 3)
            caller = scope.get("state", {}).get("caller")
            if caller is not None:
                told["key"] = caller.prefix
            log.log(logging.DEBUG if scope["path"] in QUIET else logging.INFO, "request", extra=told)
            request_id.reset(token)

    def in_time(self, receive: Receive) -> Receive:
        """The body arrives before the deadline, else the request is refused. What comes after it may take its time."""
        deadline = time.monotonic() + self.body_seconds
        complete = False

        async def received() -> Message:
            nonlocal complete
            if complete:
                return await receive()
            try:
                async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, f"the body did not arrive within {self.body_seconds:g} seconds") from None
            complete = not message.get("more_body", False)
            return message

        return received
