"""Every refusal over HTTP is problem+json (RFC 9457), and which refusal is which status stands here alone."""

import logging
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from functools import cache
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from pydantic_core import ErrorDetails
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from engine.errors import Conflict, DealtrailError, NotFound, Rejected
from engine.log.history import OtherHistory
from engine.log.locked import Busy
from engine.log.read_only import takes_no_writes
from engine.wording import without_echoes, wording
from service.question import Unclear, shown
from service.seldom import Seldom
from service.work import Overloaded, Unanswered

LONGEST = 1_500
"""characters of a detail; a value in it may be of any size"""
MOST_ERRORS = 20
"""fields that are named; who sent thousands of wrong ones learns nothing from the others"""
RETRY_SECONDS = "1"
request_id: ContextVar[str] = ContextVar("request_id", default="-")

KINDS: Mapping[str, tuple[int, str]] = {
    "malformed": (400, "The request can't be read"),
    "idempotency-key-missing": (400, "A command needs an Idempotency-Key"),
    "unauthenticated": (401, "No valid API key"),
    "forbidden": (403, "Not allowed with this key"),
    "not-found": (404, "Not found"),
    "method-not-allowed": (405, "Not done this way"),
    "too-slow": (408, "The request took too long to arrive"),
    "rejected": (409, "A rule refuses it; nothing was written"),
    "gone": (410, "No longer to be had"),
    "changed": (412, "Somebody else was first; nothing was written"),
    "too-large": (413, "The request is too large"),
    "not-json": (415, "The body is not JSON"),
    "invalid": (422, "A field is wrong; nothing was written"),
    "idempotency-key-reused": (422, "The Idempotency-Key belongs to another command"),
    "version-needed": (428, "Say which version you saw"),
    "head-too-large": (431, "Address and headers are too large"),
    "bug": (500, "A bug of dealtrail"),
    "busy": (503, "Too busy; nothing was done"),
    "unreachable": (503, "The database does not answer"),
}
"""type (after urn:dealtrail:problem:) -> status and title; clients may rely on these"""


class FieldProblem(BaseModel):
    field: str = Field(description="Where: body.…, query.…, header.… or path.…")
    problem: str = Field(description="What would be right")
    given: str | None = Field(None, description="The value as given, shortened")


class ProblemDetails(BaseModel):
    """application/problem+json"""

    type: str = Field(examples=["urn:dealtrail:problem:rejected"])
    title: str
    status: int
    detail: str = Field(description="What was wrong and what would be right")
    errors: list[FieldProblem] = []
    request_id: str = Field(description="Also in X-Request-ID; the log has the same")


class Refused(Exception):
    """A refusal of the service itself, by its kind (KINDS)."""

    def __init__(
        self, kind: str, detail: str, errors: Sequence[FieldProblem] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.kind, self.detail, self.errors, self.headers = kind, detail, errors, dict(headers or {})


def key_reused() -> Refused:
    """The Idempotency-Key was accepted before, with something else."""
    said = "this Idempotency-Key was used for another command: give each command its own, a retry the same"
    return Refused("idempotency-key-reused", said, [FieldProblem(field="header.Idempotency-Key", problem=said)])


def problem(refused: Refused) -> Response:
    status, title = KINDS[refused.kind]
    detail = refused.detail if len(refused.detail) <= LONGEST else f"{refused.detail[:LONGEST]} ..."
    body = ProblemDetails(
        type=f"urn:dealtrail:problem:{refused.kind}",
        title=title,
        status=status,
        detail=detail,
        errors=list(refused.errors[:MOST_ERRORS]),
        request_id=request_id.get(),
    )
    return Response(body.model_dump_json(), status, refused.headers, "application/problem+json")


def refusal(error: Exception, *, question: bool, path: Collection[str] = ()) -> Refused | None:
    """The one table from what went wrong to what is answered; None: a bug. question: nothing was to be written.
    path: what the address names.
    """
    match error:
        case Refused():
            return error
        case Unclear():
            return Refused(
                "invalid", str(error), [of_query(each.field, each.why, each.given) for each in error.problems]
            )
        case RequestValidationError():
            return of_validation(error)
        case Busy() | Overloaded() | NoConnectionLeft():
            said = str(error) if isinstance(error, Busy) else "too many requests at once: try again in a moment"
            return Refused("busy", said, headers={"Retry-After": RETRY_SECONDS})
        case DBAPIError() | Unanswered() | OtherHistory():
            said = f"{away(error)}; try again in a moment (a command with the same Idempotency-Key)"
            return Refused("unreachable", said, headers={"Retry-After": RETRY_SECONDS})
        case NotFound():
            return Refused("not-found", str(error), named_in(error, path) if question else ())
        case Conflict():
            return Refused("changed", str(error))
        case Rejected():
            # A question collides with nothing: it names what is not there, or asks for what makes no sense.
            return Refused("invalid" if question else "rejected", str(error), named_in(error, path) if question else ())
        case HTTPException():
            return of_framework(error)
        case _:
            return None


def away(error: Exception) -> str:
    if isinstance(error, OtherHistory):
        return "the database is another than it was, and the service begins anew"
    if takes_no_writes(error):
        return "the database takes no writes: it is read-only, a standby perhaps"
    return "the database does not answer"


def of_query(field: str, why: str, given: str | None) -> FieldProblem:
    return FieldProblem(field=f"query.{field}" if field else "query", problem=why, given=given)


def named_in(error: DealtrailError, path: Collection[str]) -> list[FieldProblem]:
    """The field that a question's refusal is about, where it is one."""
    if error.field is None:
        return []
    if error.field in path:
        return [FieldProblem(field=f"path.{error.field}", problem=str(error))]
    return [of_query(error.field, str(error), None)]


UNKNOWN = "is not known here: leave it out, or look at /docs"


def of_validation(error: RequestValidationError) -> Refused:
    errors = error.errors()
    if any(item["type"] == "json_invalid" for item in errors):
        return Refused("malformed", f"the body is not JSON: {errors[0].get('ctx', {}).get('error', '')}")
    problems = [
        FieldProblem(
            field=".".join(str(part) for part in item["loc"]),
            problem=UNKNOWN if item["type"] == "extra_forbidden" else wording(item),
            given=None if item["type"] in ("missing", "doubled", HAS_NUL) else shown(item.get("input")),
        )
        for item in as_written(without_echoes(errors))
    ]
    if any(each.field == "header.Idempotency-Key" and each.given is None for each in problems):
        said = "send an Idempotency-Key, new for every command and the same for its retries, such as a UUID"
        return Refused("idempotency-key-missing", said, problems)
    detail = "; ".join(f"{each.field}: {each.problem}" for each in problems)
    return Refused("invalid", detail, problems)


HAS_NUL: Final = "has_nul"
"""of an error of a body as a whole; its context says at which place"""
PERSON: Final = ("uuid", "PersonRef")
"""what pydantic calls the two ways to name somebody (engine/aggregates/inputs.py)"""
WRITE_A_PERSON: Final = 'write who it is: {"source": "crm", "key": "rep-03"}, or an id, a UUID'


def as_written(errors: Iterable[ErrorDetails]) -> Iterator[ErrorDetails]:
    """Each at the field it is about. Of two ways to name a person the errors of the one that was written."""
    for item in errors:
        if item["type"] == HAS_NUL:
            yield {**item, "loc": (*item["loc"], *filter(None, [item["ctx"]["place"]]))}
            continue
        way = next((step for step in item["loc"] if step in PERSON), None)
        if way is None:
            yield item
            continue
        place = item["loc"].index(way)
        inside = item["loc"][place + 1 :]
        if inside:
            yield {**item, "loc": (*item["loc"][:place], *inside)}
        elif way == "uuid" and not isinstance(item["input"], dict):
            yield {**item, "loc": item["loc"][:place], "type": "person", "msg": WRITE_A_PERSON}


FRAMEWORK = {400: "malformed", 404: "not-found", 405: "method-not-allowed", 408: "too-slow", 413: "too-large"}


def of_framework(error: HTTPException) -> Refused | None:
    """What Starlette and FastAPI refuse by themselves."""
    said = {
        404: "there is nothing at this address: /docs lists what there is",
        405: "this address takes another method: /docs lists what there is",
    }
    kind = FRAMEWORK.get(error.status_code)
    if kind is None:
        return None
    detail = said.get(error.status_code, error.detail)
    if detail == "There was an error parsing the body":
        detail = "the body is not JSON, or too deep, or holds a number too large to be one"
    return Refused(kind, detail, headers=error.headers)


unreachable = Seldom()


async def answered(request: Request, error: Exception) -> Response:
    """Any exception of a request as its answer; what is nobody's mistake is logged with the request's id."""
    refused = refusal(error, question=request.method in ("GET", "HEAD"), path=request.path_params)
    if refused is None:
        logging.getLogger(__name__).error("bug", exc_info=error)
        number = request_id.get()
        refused = Refused("bug", f"this is a bug of dealtrail: please report it with the request id {number}")
    elif refused.kind == "method-not-allowed":
        refused = Refused(refused.kind, refused.detail, headers={"Allow": ", ".join(methods_of(request))})
    elif refused.kind == "unreachable":
        unreachable.tell(logging.getLogger(__name__), "database", error)
    return problem(refused)


def methods_of(request: Request) -> list[str]:
    """What the address takes. Of several routes at one address the framework would name the first one's alone."""
    known: Mapping[tuple[str, str], object] = request.app.state.access
    path = request.url.path
    found = {method for method, template in known if pattern(template).match(path)} or {"GET"}
    return sorted(found | {"HEAD"} if "GET" in found and path != request.app.state.endless else found)


@cache
def pattern(template: str) -> re.Pattern[str]:
    return compile_path(template)[0]


def handle_errors(app: FastAPI) -> None:
    kinds: Sequence[type[Exception]] = (
        Refused,
        Unclear,
        RequestValidationError,
        DealtrailError,
        Overloaded,
        Unanswered,
        DBAPIError,
        NoConnectionLeft,
        HTTPException,
    )
    for kind in kinds:
        app.add_exception_handler(kind, answered)
