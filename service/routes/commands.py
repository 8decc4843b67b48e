"""Commands over HTTP: every row of the table is a route, all handled the same way."""

import inspect
import re
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any
from uuid import UUID, uuid5

from fastapi import Header, Path, Request, Response
from pydantic import Field, TypeAdapter, ValidationError

from engine.aggregates.inputs import Who
from engine.aggregates.target.commands import SetTarget
from engine.errors import Conflict, NotFound, Rejected
from engine.handle import Outcome, handling
from engine.log.dialogue import Dialogue
from engine.log.identity import uuid_of
from engine.log.keys import find_stream
from engine.streams import LEAD, load
from service.auth import Caller, caller_of
from service.http_errors import FieldProblem, Refused, key_reused
from service.membership import must_be_a_team
from service.question import problems_of
from service.rights import identity_of, is_asked, may_name, may_write, opening_of, reads
from service.routes.accepted import Accepted, accepted, address_of
from service.routes.addressed import ADDRESSES, known_rep, target_named
from service.routes.bodies import Body, body_of, command_of
from service.routes.direct import Reader, direct
from service.routes.routing import Routes, running_of
from service.routes.table import GIVEN, JOURNEYS, Given
from service.routes.tags import BEGUN, REPLAYED, shown
from service.running import Running

ORIGIN = "api"
Handling = Dialogue[Outcome]
Answering = Dialogue[Response]

IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Yours, new for every command, the same for its retries: a UUID, say.",
    ),
]
NAMED = re.compile(r"{(\w+)}")
Address = Annotated[str, Field(min_length=1, max_length=300)]
ETAG = r'^("[0-9]{1,9}(\.[0-9a-f]*)?"|\*)$'
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=100,
        description='The ETag you saw, such as "12", or * for any.',
        json_schema_extra={"pattern": ETAG},
    ),
]

HEADERS = shown({"ETag": "The version of the stream now: the next If-Match"}) | REPLAYED


def add_commands(routes: Routes) -> None:
    # Routes are tried in their order: what comes most often comes first.
    for given in sorted(GIVEN, key=lambda given: not given.path.startswith(JOURNEYS)):
        begins = "{" not in given.path
        refusals = ["idempotency-key-missing", "rejected", "changed", "too-large", "not-json", "too-slow", "not-found"]
        if given.version_needed:
            refusals.append("version-needed")
        endpoint = endpoint_of(given)
        body, readers = body_of(given.command, given.path), readers_of(given)
        routes.add(
            "POST",
            given.path,
            endpoint,
            name=given.name,
            summary=given.summary,
            tag=given.path.split("/")[2],
            allow=given.roles,
            refusals=tuple(refusals),
            answers=Accepted,
            status=201 if begins else 200,
            headers=HEADERS | BEGUN if begins else HEADERS,
            direct=partial(direct, body=body, readers=readers, endpoint=endpoint),
        )


KEY = Reader("header", "Idempotency-Key", "idempotency_key", TypeAdapter(IdempotencyKey))
MATCH = Reader("header", "If-Match", "if_match", TypeAdapter(IfMatch), needed=False)
ADDRESS: TypeAdapter[str] = TypeAdapter(Address)


def readers_of(given: Given) -> list[Reader]:
    """What its signature says, for direct.py."""
    named = NAMED.search(given.path)
    return [KEY, MATCH, Reader("path", named[1], "name", ADDRESS)] if named else [KEY, MATCH]


def endpoint_of(given: Given) -> Callable[..., Any]:
    """The endpoint, with the signature that FastAPI reads: body, headers, and what the address names."""
    named = NAMED.search(given.path)
    kind = given.command.__name__

    async def endpoint(
        request: Request, body: Body, idempotency_key: str, if_match: str | None, name: str = ""
    ) -> Response:
        caller, running = caller_of(request), running_of(request)
        if caller.role == "rep":
            await customer_looked_up(running, getattr(body, "person", None))
        if given.command is SetTarget:
            await team_looked_up(running, getattr(body, "team", None))

        def work() -> Answering:
            with running.tracing.span(kind):
                asking = asked(running, given, caller, body, idempotency_key, if_match, name)
                outcome = yield from running.tracing.appending(asking)
                return accepted(running, outcome, None if named else address_of(given.path, outcome))

        return await running.writing.run(kind, work)

    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter("request", keyword, annotation=Request),
        inspect.Parameter("body", keyword, annotation=body_of(given.command, given.path)),
        inspect.Parameter("idempotency_key", keyword, annotation=IdempotencyKey),
        inspect.Parameter("if_match", keyword, annotation=IfMatch, default=None),
    ]
    if named:
        address = Annotated[Address, Path(alias=named[1], description=ADDRESSES[named[1]])]
        parameters.append(inspect.Parameter("name", keyword, annotation=address))
    endpoint.__dict__["__signature__"] = inspect.Signature(parameters)
    return endpoint


async def customer_looked_up(running: Running, who: Who | None) -> None:
    """What tells whether a rep may name somebody who is known here: the journeys of all customers, in memory.

    Reading them takes seconds the first time where there are many: before the command's turn, for others write too.
    """
    if who is not None and await running.reading.run(lambda: identity_of(running.log, who)) is not None:
        await running.sharing.same("names", lambda: running.reading.run(running.names.rows))


async def team_looked_up(running: Running, team: str | None) -> None:
    """The teams there are, the views tell: they may have to read what is new first."""
    if team is not None:
        await running.reading.run(lambda: must_be_a_team(running.views, team))


def asked(
    running: Running, given: Given, caller: Caller, body: Body, key: str, if_match: str | None, name: str
) -> Handling:
    """The one way from a request to the engine."""
    expected = version_of(if_match)
    if expected is None and if_match is None and given.version_needed:
        said = f"If-Match: say which version you saw (the ETag of GET {given.path.rpartition('/')[0]}), or * for any"
        raise Refused("version-needed", said)
    # Scoped by who calls: a new key of the same person continues, another person's same words are another command.
    command_id = uuid5(caller.person_id, key)
    log = running.log
    addressed: dict[str, Any] = {}
    if "{pipeline}" in given.path:
        addressed["pipeline"] = name
    elif "{rep}" in given.path:
        addressed["rep"] = known_rep(running, name)
    try:
        command = opening_of(log, caller, command_of(given.command, body, **addressed))
    except ValidationError as error:
        problems = [FieldProblem(field=f"path.{each.field}", problem=each.why) for each in problems_of(error)]
        raise Refused("invalid", "; ".join(f"{each.field}: {each.problem}" for each in problems), problems) from None

    def counts(stream: UUID) -> bool:
        return reads(log, caller, stream) or is_asked(log, caller, stream, command)

    def handled(on: UUID | None) -> Handling:
        def may() -> None:
            if caller.role == "rep" and log.command(command_id) is None:
                if on is not None and not is_asked(log, caller, on, command):
                    may_write(log, caller, on, name)
                may_name(log, running.names, caller, command)

        return handling(
            log,
            command,
            actor=caller.person_id,
            origin=ORIGIN,
            on=on,
            command_id=command_id,
            occurred_at=body.occurred_at,
            expected_version=expected,
            may=may,
        )

    try:
        if "{target}" in given.path:
            return (yield from handled(target_named(name)))
        if not name or addressed:
            return (yield from handled(None))
        return (yield from on_journey(running, name, counts, handled))
    except Conflict as error:
        if log.command(command_id) is not None:
            raise key_reused() from error
        raise


def on_journey(
    running: Running, name: str, counts: Callable[[UUID], bool], handled: Callable[[UUID | None], Handling]
) -> Handling:
    """Of the stream that is called so, or, where it is a lead that became a deal, of the deal if the lead refuses.

    An id of ours is tried as it is: only what fails costs another look.
    """
    on = uuid_of(name) or find_stream(running.log, name, counts)
    try:
        return (yield from handled(on))
    except NotFound:
        other = find_stream(running.log, name, counts)
        if other == on:
            raise
        return (yield from handled(other))
    except (Rejected, Conflict):
        lead = load(running.log, on)
        if lead is None or lead.kind is not LEAD or lead.state.converted_to is None:
            raise
        return (yield from handled(lead.state.converted_to))


def version_of(if_match: str | None) -> int | None:
    """The version an entity tag begins with ("12" or "12.9f3c"); None for any."""
    if if_match is None or if_match.strip() == "*":
        return None
    found = re.search(r"[0-9]+", if_match)
    if found is None or not re.match(ETAG, if_match.strip()):
        said = f'If-Match {if_match}: send the ETag as you got it, such as "12", one of them, or *'
        raise Refused("invalid", said, [FieldProblem(field="header.If-Match", problem=said, given=if_match)])
    return int(found[0])
