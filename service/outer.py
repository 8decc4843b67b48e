"""Around every request: its id, a line in the log, a count, a limit to how long a body takes; no traceback gets out."""

import asyncio
import logging
import re
import time
from secrets import token_hex
from urllib.parse import unquote_to_bytes

from fastapi import HTTPException, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import metrics
from service.guard import HEAD_BYTES
from service.http_errors import Refused, answered, request_id
from service.slashes import STAND_IN, kept_apart, shown

GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}")
CLOSE = {"Connection": "close"}
"""the rest of the body is not read"""
QUIET = ("/livez", "/readyz", "/metrics")
log = logging.getLogger("service.requests")


def is_text(quoted: bytes) -> bool:
    """Whether what is percent-encoded is UTF-8. The framework would put U+FFFD in the place of what is not."""
    if b"%" in quoted:
        try:
            unquote_to_bytes(quoted).decode()
        except UnicodeDecodeError:
            return False
    return True


def line(scope: Scope, method: str, status: int, seconds: float) -> dict[str, object]:
    """What the log says of a request, beside its id."""
    told = {"method": method, "path": shown(scope["path"]), "status": status, "ms": round(seconds * 1000, 3)}
    caller = scope.get("state", {}).get("caller")
    return told if caller is None else {**told, "key": caller.prefix}


class Outer:
    def __init__(self, app: ASGIApp, body_seconds: float, body_bytes: int, endless: str) -> None:
        """endless: the address whose answer has no end, so that none can be told in short (HEAD)."""
        self.app = app
        self.endless = endless
        self.body_seconds = body_seconds
        self.body_bytes = body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        number = given if GIVEN.fullmatch(given) else token_hex(16)
        token = request_id.set(number)
        began, status, method = time.perf_counter(), 0, scope["method"]
        waits = b"expect" in headers
        arriving = self.bounded(receive)
        if method == "HEAD" and scope["path"] != self.endless:
            # Answered as GET would be; the server, whose own scope stays, sends the head alone.
            scope = {**scope, "method": "GET"}

        async def receiving() -> Message:
            nonlocal waits
            waits = False
            return await arriving()

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", number.encode())]
                if waits:
                    # Nobody told the client to send its body: what comes next would be taken for that.
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        try:
            self.refuse_nonsense(scope)
            scope = kept_apart(scope)
            await self.app(scope, receiving, sending)
        except Exception as error:
            if status:
                # Half an answer is out: the connection ends, and the log knows why.
                log.exception("broken off")
                raise
            await (await answered(Request(scope), error))(scope, receive, sending)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            metrics.count_request(method, route, status)
            level = logging.DEBUG if scope["path"] in QUIET else logging.INFO
            if log.isEnabledFor(level):
                log.log(level, "request", extra=line(scope, method, status, time.perf_counter() - began))
            request_id.reset(token)

    def refuse_nonsense(self, scope: Scope) -> None:
        """What no route takes, refused before anything is read."""
        if "\0" in scope["path"] or b"%00" in scope["query_string"]:
            raise Refused("malformed", "the address holds a NUL character: remove it")
        if STAND_IN in scope["path"]:
            raise Refused("malformed", "the address holds U+FDD0, which is no character: remove it")
        if not (is_text(scope["raw_path"]) and is_text(scope["query_string"])):
            raise Refused("malformed", "the address is not UTF-8: encode it as that, and then by percent signs")
        size, length, hosts = len(scope["raw_path"]) + len(scope["query_string"]), b"0", 0
        for name, value in scope["headers"]:
            size += len(name) + len(value)
            if name == b"content-length":
                length = value
            elif name == b"host":
                hosts += 1
            elif name == b"transfer-encoding" and value.lower() != b"chunked":
                said = "Transfer-Encoding: nothing but chunked is taken here"
                raise Refused("malformed", said, headers=CLOSE)
        if hosts > 1 or (not hosts and scope["http_version"] == "1.1"):
            raise Refused("malformed", "say once in the head for which Host it is", headers=CLOSE)
        if size > HEAD_BYTES:
            raise Refused("head-too-large", f"address and headers are {size:,} bytes: send at most {HEAD_BYTES:,}")
        if length.isdigit() and int(length) > self.body_bytes:
            raise self.too_large()

    def too_large(self) -> HTTPException:
        return HTTPException(413, f"the body is larger than {self.body_bytes:,} bytes: send less", CLOSE)

    def bounded(self, receive: Receive) -> Receive:
        """The body arrives before the deadline and is not too large, else the request is refused.

        FastAPI passes on an HTTPException from here, and no other. What comes after the body may take its time.
        """
        deadline = time.monotonic() + self.body_seconds
        complete, size = False, 0

        async def received() -> Message:
            nonlocal complete, size
            if complete:
                return await receive()
            try:
                async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                    message = await receive()
            except TimeoutError:
                said = f"the body did not arrive within {self.body_seconds:g} seconds"
                raise HTTPException(408, said, CLOSE) from None
            size += len(message.get("body", b""))
            if size > self.body_bytes:
                raise self.too_large()
            complete = not message.get("more_body", False)
            return message

        return received
