"""How every route is added: with the roles it allows, or openly said to be open to all. There is no other way in."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse

from service.auth import allowed, header
from service.documented import documented
from service.http_errors import FieldProblem, Refused
from service.keys import Role
from service.routes.direct import Check
from service.routes.repeated import Words
from service.routes.route import Route
from service.routes.tags import IF_NONE_MATCH, TAG, UNCHANGED
from service.running import Running
from service.slashes import put_back

JSON = re.compile(r"\s*application/json\s*(;.*)?", re.IGNORECASE)
REPEATED = frozenset({"attr", "cell", "horizon", "type", "without_reason"})
"""query parameters that are lists, a value each time"""
Access = Mapping[tuple[str, str], frozenset[Role] | None]
"""by method and path; None: open to everybody"""


class Routes:
    """Adds routes to the application and notes their roles.

    To the application itself, not to a router of their own: a nested router is looked through twice for every request.
    """

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.access: dict[tuple[str, str], frozenset[Role] | None] = {}

    def add(
        self,
        method: str,
        path: str,
        endpoint: Callable[..., Any],
        *,
        name: str,
        summary: str,
        tag: str,
        allow: frozenset[Role] | None,
        refusals: tuple[str, ...] = (),
        answers: Any = None,
        status: int = 200,
        queries: bool = False,
        words: Words | None = None,
        tagged: bool = False,
        headers: Mapping[str, Any] | None = None,
        media: type[Response] = JSONResponse,
        direct: Callable[[Sequence[Check]], type[Route]] | None = None,
        though_away: bool = False,
    ) -> None:
        """name: the operation id, for ever. queries: the endpoint reads the query itself, by a model that is strict.
        words: those that it knows (repeated.py). tagged: its answers have an entity tag, and If-None-Match is looked at
        (tags.py). headers: of its answers, as OpenAPI says them. media: what it answers with. direct: makes a route
        that runs the checks itself (direct.py). though_away: it is answered while the database is not reached, to who
        was known before.
        """
        checks: list[Check] = [] if allow is None else [allowed(allow, though_away=though_away)]
        checks.append(once_each if queries else no_query)
        if "{" in path:
            checks.append(put_back)
        if method == "POST":
            checks.append(json_alone)
        keyed: tuple[str, ...] = () if allow is None else ("unauthenticated", "forbidden")
        responses = documented("malformed", "invalid", *keyed, *refusals)
        extra: dict[str, Any] = {} if allow is None else {"security": [{"key": []}]}
        if headers:
            responses[status] = {"headers": headers}
        if tagged:
            responses |= {status: {"headers": TAG}, 304: UNCHANGED}
            extra["parameters"] = [IF_NONE_MATCH]
        self.access[method, path] = allow
        self.app.router.add_api_route(
            path,
            endpoint,
            methods=[method],
            operation_id=name,
            name=name,
            summary=summary,
            tags=[tag],
            dependencies=[] if direct else [Depends(check) for check in checks],
            route_class_override=direct(checks) if direct else words.route(checks[0], endpoint) if words else Route,
            response_model=answers,
            response_class=media,
            status_code=status,
            responses=responses,
            openapi_extra=extra,
        )


async def no_query(request: Request) -> None:
    if not request.scope["query_string"]:
        return
    unknown = list(request.query_params)
    if unknown:
        problems = [FieldProblem(field=f"query.{name}", problem="is not known here: leave it out") for name in unknown]
        raise Refused("invalid", f"unknown query parameters: {', '.join(unknown)}", problems)


async def once_each(request: Request) -> None:
    """Of two values somebody on the way, or a reader of the log, may take the other one."""
    given = [name for name, _ in request.query_params.multi_items()]
    twice = sorted({name for name in given if given.count(name) > 1} - REPEATED) if len(set(given)) < len(given) else []
    if twice:
        problems = [
            FieldProblem(field=f"query.{name}", problem="is there more than once: send it once") for name in twice
        ]
        raise Refused("invalid", f"query parameters sent more than once: {', '.join(twice)}", problems)


async def json_alone(request: Request) -> None:
    if header(request, b"content-length") in (None, "0") and header(request, b"transfer-encoding") is None:
        # No body: read as {}, it is for the command to say what it lacks.
        return
    encoding = header(request, b"content-encoding")
    if encoding is not None and encoding.lower() != "identity":
        raise Refused("not-json", "send the body as it is: no Content-Encoding is taken here")
    if not JSON.fullmatch(header(request, b"content-type") or ""):
        raise Refused("not-json", "send the body as Content-Type: application/json")


def running_of(request: Request) -> Running:
    running: Running = request.app.state.running
    return running
