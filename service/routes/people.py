"""People: who is who behind the ids of events, a page at a time; and erasing one of them, which changes no number."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select, tuple_

from engine.log.erasure import erase_person
from engine.log.identity import from_database
from engine.log.tables import people
from service.auth import ADMIN, WHOLE, caller_of
from service.keys import revoke_keys_of
from service.question import Problem, Unclear
from service.routes.asked import Cursor
from service.routes.routing import Routes, running_of
from service.routes.tags import told
from service.running import Running


class PeopleQuestion(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    after: Annotated[Cursor | None, Field(description="`next` of the page before")] = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class Somebody(BaseModel):
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
        queries=True,
    )
    routes.add(
        "DELETE",
        "/v1/people/{person}",
        erase_endpoint,
        name="erase_person",
        summary="Erase a person: names and texts go, events and numbers stay",
        tag="people",
        allow=ADMIN,
        refusals=("not-found",),
        answers=Erased,
    )


async def list_endpoint(request: Request, question: Annotated[PeopleQuestion, Query()]) -> Response:
    running = running_of(request)
    return await running.reading.run(lambda: told(page(running, question)))


async def erase_endpoint(request: Request, person: Annotated[UUID, Path()]) -> Response:
    running, caller = running_of(request), caller_of(request)

    def work() -> Response:
        rows = erase_person(running.log, person, caller.person_id)
        revoke_keys_of(running.log, person, datetime.now(UTC))
        return told(Erased(rows=rows))

    return await running.changing.run(work)


def page(running: Running, question: PeopleQuestion) -> People:
    asked = select(people).order_by(people.c.source, people.c.key).limit(question.limit + 1)
    if question.after is not None:
        source, colon, key = question.after.partition("\x1f")
        if not colon:
            raise Unclear([Problem("after", "this is no cursor: use `next` of the page before, or leave it out")])
        asked = asked.where(tuple_(people.c.source, people.c.key) > (source, key))
    with running.log.engine.connect() as connection:
        rows = connection.execute(asked).all()
    found = [
        Somebody(
            person_id=from_database(row.person_id),
            role=row.role,
            source=row.source,
            key=row.key,
            name=row.name,
            email=row.email,
            phone=row.phone,
        )
        for row in rows[: question.limit]
    ]
    more = len(rows) > question.limit
    return People(people=found, next=f"{found[-1].source}\x1f{found[-1].key}" if more else None)
