"""A command's request read by hand: FastAPI's dependencies would take as long as deciding and appending do.

The route is FastAPI's in every other respect; its document is made from the endpoint's signature as for any other.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.types import Receive, Scope, Send

from service.auth import header
from service.routes.route import Route

Check = Callable[[Request], Awaitable[None]]
MISSING = {"type": "missing", "msg": "Field required", "input": None}


@dataclass(frozen=True)
class Reader:
    """What is read of a request besides its body, and how it is called in the endpoint."""

    place: str
    """header or path"""
    alias: str
    argument: str
    wanted: TypeAdapter[Any]
    needed: bool = True

    @cached_property
    def name(self) -> bytes:
        """of the header, as the server tells it"""
        return self.alias.lower().encode()

    def read(self, request: Request, into: dict[str, Any], errors: list[Any]) -> None:
        given = header(request, self.name) if self.place == "header" else request.path_params.get(self.alias)
        if given is None:
            if self.needed:
                errors.append({**MISSING, "loc": (self.place, self.alias)})
            into[self.argument] = None
            return
        try:
            into[self.argument] = self.wanted.validate_python(given)
        except ValidationError as error:
            errors += placed(error, self.place, self.alias)


def direct(
    checks: Sequence[Check], body: type[BaseModel], readers: Sequence[Reader], endpoint: Callable[..., Any]
) -> type[Route]:
    """A route that runs the checks, reads the rest, and calls the endpoint. All that is wrong is told at once."""

    async def answer(request: Request) -> Response:
        for check in checks:
            await check(request)
        told: dict[str, Any] = {}
        errors: list[Any] = []
        for reader in readers:
            reader.read(request, told, errors)
        raw = await whole_body(request) or b"{}"
        try:
            told["body"] = body.model_validate_json(raw)
            # pydantic takes the last of two; somebody on the way may have looked at the first.
            NO_DOUBLES.decode(raw.decode())
        except ValidationError as error:
            errors += placed(error, "body")
        except Doubled as error:
            errors.append({"type": "doubled", "loc": ("body", error.name), "msg": "is there twice: send it once"})
        if errors:
            raise RequestValidationError(errors)
        response: Response = await endpoint(request=request, **told)
        return response

    class DirectRoute(Route):
        async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["method"] not in (self.methods or ()):
                await super().handle(scope, receive, send)
                return
            # Without what FastAPI lays around an endpoint for dependencies that clean up: there are none.
            response = await answer(Request(scope, receive, send))
            await response(scope, receive, send)

    return DirectRoute


async def whole_body(request: Request) -> bytes:
    parts = []
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise HTTPException(400, "the body ended before it was whole")
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


class Doubled(Exception):
    """A member of a JSON object that is there more than once."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def each_once(pairs: list[tuple[str, Any]]) -> None:
    """The members of one object."""
    if len(dict(pairs)) < len(pairs):
        names = [name for name, _ in pairs]
        raise Doubled(next(name for name in names if names.count(name) > 1))


NO_DOUBLES = json.JSONDecoder(object_pairs_hook=each_once)
"""json.loads would make one for each body"""


def placed(error: ValidationError, *place: str) -> list[Any]:
    return [{**each, "loc": (*place, *each["loc"])} for each in error.errors(include_url=False)]
