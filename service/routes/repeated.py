"""A question in words that were read before: FastAPI's reading of them takes as long as a third of the answer.

Dashboards ask the same again and again. Who may ask is looked at every time.
"""

from collections.abc import Callable
from typing import Any, Final

from fastapi import Request
from starlette.types import Receive, Scope, Send

from engine.lately import Lately
from service.routes.direct import Check
from service.routes.route import Route

MOST: Final = 64
"""questions of a route"""
LENGTH: Final = 1_000
"""bytes of a query string; a longer one is read each time"""


class Words:
    """What query strings mean, of one route."""

    def __init__(self) -> None:
        self._known: Lately[bytes, Any] = Lately(MOST)

    def learn(self, request: Request, question: Any) -> None:
        """question: what FastAPI read, valid, of this request."""
        said = request.scope["query_string"]
        if len(said) <= LENGTH:
            self._known.put(said, question)

    def route(self, access: Check, endpoint: Callable[..., Any]) -> type[Route]:
        """A route that calls the endpoint itself where it knows the words; all other checks are of these."""
        known = self._known

        class RepeatedRoute(Route):
            async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
                question = known.get(scope["query_string"]) if scope["method"] in (self.methods or ()) else None
                if question is None:
                    await super().handle(scope, receive, send)
                    return
                request = Request(scope, receive, send)
                await access(request)
                response = await endpoint(request=request, question=question)
                await response(scope, receive, send)

        return RepeatedRoute
