"""Entity tags of answers: made of everything an answer depends on, so that it need not be computed to be compared."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel

from service.auth import Caller
from service.running import Running


def shown(headers: Mapping[str, str], *, always: bool = True) -> dict[str, Any]:
    """Headers of an answer for OpenAPI, by name with what each says. always: it is there every time."""
    same = {"required": always, "schema": {"type": "string"}}
    return {name: {"description": said, **same} for name, said in headers.items()}


TAG = shown({"ETag": "What the answer was made of; sent as If-None-Match it saves asking twice"})
REPLAYED = shown({"Idempotent-Replayed": "true: this is the first answer again, and nothing was done"}, always=False)
BEGUN = shown({"Location": "The address of what it began"})
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "ETags of answers that the client has, or * for any: if one is still right, there is no body (304)",
    "schema": {"type": "string"},
}
UNCHANGED = {"description": "Not Modified: the client has it", "headers": TAG}
FRESH = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}


def tag_of(running: Running, caller: Caller, request: Request, *seen: object, erased: int | None = None) -> str:
    """seen: pipeline, definition, as_of, known_at, position: what the lens showed. erased: erasures there were when the
    names were read, or before; else they are read after this.
    """
    asked = sorted(request.query_params.multi_items())
    whose = caller.person_id if caller.role == "rep" else ""
    told = (running.log.log_id, running.erased() if erased is None else erased, whose, request.url.path, asked, *seen)
    return sha256(repr(told).encode()).hexdigest()[:32]


def unchanged(request: Request, tag: str) -> bool:
    """Whether the client has it already (If-None-Match, compared weakly as RFC 9110 says)."""
    given = request.headers.get("if-none-match", "")
    return given.strip() == "*" or f'"{tag}"' in [each.strip().removeprefix("W/") for each in given.split(",")]


def not_modified(tag: str) -> Response:
    return Response(status_code=304, headers={**FRESH, "ETag": f'"{tag}"'})


def told(answer: BaseModel | bytes, tag: str | None = None) -> Response:
    body = answer if isinstance(answer, bytes) else answer.model_dump_json(by_alias=True)
    headers = FRESH if tag is None else {**FRESH, "ETag": f'"{tag}"'}
    return Response(body, headers=headers, media_type="application/json")
