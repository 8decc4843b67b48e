"""People: who is who behind the ids of events; correcting and erasing what is kept of one, which change no number."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Self
from uuid import UUID, uuid5

from fastapi import Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from engine.aggregates.inputs import Name
from engine.errors import Conflict
from engine.log.correction import DETAILS, correct_person
from engine.log.erasure import erase_person
from engine.log.people import find_person
from engine.projections.everybody import everybody
from service import metrics
from service.auth import ADMIN, KEEPERS, WHOLE, caller_of
from service.http_errors import key_reused
from service.keys import revoke_keys_of
from service.routes.asked import Cursor, Text
from service.routes.bodies import Printable
from service.routes.commands import Address, IdempotencyKey
from service.routes.direct import Reader, direct
from service.routes.pages import no_cursor
from service.routes.routing import Routes, running_of
from service.routes.tags import REPLAYED, not_modified, tag_of, told, unchanged

ONE = "/v1/people/{person}"
Named = Annotated[Address, Path(alias="person", description="Our id of the person, the key, or source:key")]


class PeopleQuestion(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Annotated[Text | None, Field(description="The system that knows them")] = None
    key: Annotated[Text | None, Field(description="Their id there")] = None
    q: Annotated[
        Text | None,
        Field(description="Words of a name, key, email or phone; all must be there, case and accents do not count"),
    ] = None
    after: Annotated[Cursor | None, Field(description="`next` of the page before")] = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class Somebody(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    person_id: UUID
    role: str
    source: str
    key: str
    name: str | None
    email: str | None
    phone: str | None


class People(BaseModel):
    people: list[Somebody]
    next: str | None


class CorrectPerson(Printable):
    """What is sent changes, null takes it away, and what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    name: Name | None = None
    email: Name | None = None
    phone: Name | None = None

    @model_validator(mode="after")
    def says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("send what is to be corrected: name, email or phone; null takes it away")
        return self


class Corrected(BaseModel):
    """By ids and fields, without the values. The same Idempotency-Key gives it again (Idempotent-Replayed: true)."""

    person_id: UUID
    changed: list[str]
    """fields that are others now; none when there was nothing to do"""
    position: int
    """of the log then: a correction adds no event"""


class Erased(BaseModel):
    rows: int
    """that were deleted: the person, and the texts and keys of what they were the customer of"""


def add_people(routes: Routes) -> None:
    routes.add(
        "GET",
        "/v1/people",
        list_endpoint,
        name="list_people",
        summary="Everybody, by source and key",
        tag="people",
        allow=WHOLE,
        answers=People,
        tagged=True,
        queries=True,
    )
    routes.add(
        "GET",
        ONE,
        one_endpoint,
        name="get_person",
        summary="Who it is",
        tag="people",
        allow=WHOLE,
        refusals=("not-found",),
        answers=Somebody,
        tagged=True,
    )
    routes.add(
        "POST",
        f"{ONE}/correct",
        correct_endpoint,
        name="correct_person",
        summary="Correct a name, an email or a phone: every answer tells the new one from then on",
        tag="people",
        allow=KEEPERS,
        refusals=("not-found", "idempotency-key-missing", "rejected", "too-large", "not-json", "too-slow"),
        answers=Corrected,
        headers=REPLAYED,
        direct=partial(
            direct,
            body=CorrectPerson,
            readers=[
                Reader("header", "Idempotency-Key", "idempotency_key", TypeAdapter(IdempotencyKey)),
                Reader("path", "person", "person", TypeAdapter(Address)),
            ],
            endpoint=correct_endpoint,
        ),
    )
    routes.add(
        "DELETE",
        ONE,
        erase_endpoint,
        name="erase_person",
        summary="Erase a person: names and texts go, events and numbers stay",
        tag="people",
        allow=ADMIN,
        refusals=("not-found", "rejected"),
        answers=Erased,
    )


async def list_endpoint(request: Request, question: Annotated[PeopleQuestion, Query()]) -> Response:
    running = running_of(request)

    def work() -> Response:
        page = everybody(
            running.log,
            source=question.source,
            key=question.key,
            words=question.q,
            after=None if question.after is None else resumed(question.after),
            limit=question.limit,
        )
        people = [Somebody.model_validate(each) for each in page.people]
        return answered(request, People(people=people, next=page.next and cursor(*page.next)))

    return await running.reading.run(work)


def cursor(source: str, key: str) -> str:
    return urlsafe_b64encode(json.dumps([source, key]).encode()).decode().rstrip("=")


def resumed(after: str) -> tuple[str, str]:
    """Source and key that the page before ended with."""
    try:
        source, key = json.loads(urlsafe_b64decode(after + "=" * (-len(after) % 4)))
    except (ValueError, TypeError):
        source = key = None
    if not isinstance(source, str) or not isinstance(key, str):
        raise no_cursor()
    return source, key


async def one_endpoint(request: Request, person: Named) -> Response:
    running = running_of(request)

    def work() -> Response:
        return answered(request, Somebody.model_validate(find_person(running.log, person)))

    return await running.reading.run(work)


def answered(request: Request, answer: BaseModel) -> Response:
    body = answer.model_dump_json()
    tag = tag_of(running_of(request), caller_of(request), request, body)
    return not_modified(tag) if unchanged(request, tag) else told(body.encode(), tag)


async def correct_endpoint(
    request: Request, person: Named, body: CorrectPerson, idempotency_key: IdempotencyKey
) -> Response:
    running, caller = running_of(request), caller_of(request)
    details: dict[str, Any] = {name: getattr(body, name) for name in DETAILS if name in body.model_fields_set}
    command_id = uuid5(caller.person_id, idempotency_key)

    def work() -> Response:
        with metrics.counted(CorrectPerson.__name__):
            try:
                done = correct_person(running.log, person, details, actor=caller.person_id, command_id=command_id)
            except Conflict as error:
                raise key_reused() from error
        answer = told(Corrected(person_id=done.person_id, changed=list(done.changed), position=done.position))
        if done.repeated:
            answer.headers["Idempotent-Replayed"] = "true"
        return answer

    return await running.changing.run(work)


async def erase_endpoint(request: Request, person: Named) -> Response:
    running, caller = running_of(request), caller_of(request)

    def work() -> Response:
        erased = find_person(running.log, person).person_id
        rows = erase_person(running.log, erased, caller.person_id)
        revoke_keys_of(running.log, erased, datetime.now(UTC))
        return told(Erased(rows=rows))

    return await running.changing.run(work)
