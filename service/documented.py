"""How refusals stand in the OpenAPI document: of each status the kinds, an example, and the headers that go along."""

from http import HTTPStatus
from typing import Any

from service.http_errors import KINDS


def documented(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """The refusals of a route for OpenAPI."""
    by_status: dict[int, list[str]] = {}
    for kind in (*kinds, "busy", "bug"):
        by_status.setdefault(KINDS[kind][0], []).append(kind)
    return {
        status: {
            "description": f"{HTTPStatus(status).phrase}: {', '.join(names)}",
            "headers": {name: {"description": HEADERS[name], "schema": {"type": "string"}} for name in TELLING[status]}
            if status in TELLING
            else {},
            "content": {
                "application/problem+json": {
                    "schema": {"$ref": "#/components/schemas/ProblemDetails"},
                    "examples": {name: {"value": example(name)} for name in names},
                }
            },
        }
        for status, names in by_status.items()
    }


HEADERS = {
    "Retry-After": "Seconds to wait; a command is sent again with the same Idempotency-Key",
    "WWW-Authenticate": "Bearer",
}
TELLING = {401: ("WWW-Authenticate",), 503: ("Retry-After",)}
"""headers of refusals"""


def example(kind: str) -> dict[str, Any]:
    status, title = KINDS[kind]
    detail = DETAILS.get(kind, title)
    type_ = f"urn:dealtrail:problem:{kind}"
    return {"type": type_, "title": title, "status": status, "detail": detail, "errors": [], "request_id": "7f562cd0"}


DETAILS = {
    "rejected": "a deal is won only with evidence: pass the signed document's reference",
    "changed": "the stream is at version 7, not 6: somebody else was first; read again",
    "invalid": "query.tz: 'Mars/Olympus' is no time zone: use a name such as Europe/Madrid or UTC",
    "not-found": "no lead or deal is called 'C-999': give its id, or its key in the system it came from",
    "version-needed": "If-Match: say which version you saw (the ETag of GET /v1/deals/{deal}), or * for any",
    "busy": "too many requests at once: try again in a moment",
}
"""of the examples in the documentation"""
