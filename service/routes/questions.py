"""How an answer is given over HTTP: looked at, tagged, computed once for all who ask, told."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import BaseModel, create_model

from engine.projections.filters import Filters
from engine.projections.views import Look
from engine.stages.names import stage_names
from service import metrics
from service.auth import EVERY, Caller, caller_of
from service.rights import narrowed
from service.routes.answers import QUESTIONS, Asked
from service.routes.asked import Paged, Question, Worded
from service.routes.pages import cursor, resumed
from service.routes.routing import Routes, running_of
from service.routes.tags import not_modified, tag_of, told, unchanged
from service.running import Pinned, Running


def worded(each: Asked) -> type[BaseModel]:
    """The shape of the answer; of one that knows languages also with the stages' names."""
    if not issubclass(each.question, Worded):
        return each.answer
    names = (dict[str, str] | None, None)
    return create_model(each.answer.__name__, __base__=each.answer, __doc__=each.answer.__doc__, names=names)


SHAPES = {each.name: worded(each) for each in QUESTIONS}


def add_questions(routes: Routes) -> None:
    for each in QUESTIONS:
        routes.add(
            "GET",
            f"/v1/{each.name}",
            endpoint_of(each),
            name=f"get_{each.name.replace('-', '_')}",
            summary=each.summary,
            tag="answers",
            allow=EVERY,
            refusals=("not-found", "gone"),
            answers=SHAPES[each.name],
            queries=True,
        )


def endpoint_of(each: Asked) -> Callable[..., Any]:
    async def endpoint(request: Request, question: Any) -> Response:
        running, caller = running_of(request), caller_of(request)
        with metrics.answer_seconds.labels(each.name).time():
            whose = caller.person_id if caller.role == "rep" else None
            asked_now = (each.name, question.model_dump_json(), whose)
            seen = await running.sharing.fresh(
                asked_now, lambda: running.reading.run(lambda: looked(running, caller, request, question))
            )
            if unchanged(request, seen.tag):
                return not_modified(seen.tag)
            body = running.answers.get(seen.tag)
            if body is None:
                body = await running.sharing.same(
                    seen.tag, lambda: running.reading.run(lambda: computed(running, each, seen))
                )
            return told(body, seen.tag)

    endpoint.__annotations__["question"] = Annotated[each.question, Query()]
    return endpoint


@dataclass(frozen=True, slots=True)
class Seen:
    """A question, and the world it is about."""

    look: Look
    filters: Filters
    question: Question
    same: str
    """what its pages have in common"""
    tag: str


def looked(running: Running, caller: Caller, request: Request, question: Question) -> Seen:
    lens, filters = question.lens(), narrowed(running.log, caller, question.filters())
    # Everything but where a page begins and how long it is.
    same = repr((filters, question.model_dump(exclude={"after", "limit"})))
    if isinstance(question, Paged) and question.after is not None:
        look, following = resumed(running, question.after, same)
        question = question.model_copy(update={"after": following})
    else:
        look = running.look(question.pipeline, lens)
    tag = tag_of(running, caller, request, filters, *pin_of(look))
    return Seen(look, filters, question, same, tag)


def computed(running: Running, each: Asked, seen: Seen) -> bytes:
    found = each.compute(seen.look, seen.filters, **seen.question.options())
    following = getattr(found, "next", None)
    if following is not None:
        running.looks.put(pin_of(seen.look), seen.look)
        found = found.model_copy(update={"next": cursor(running.log, seen.look, seen.same, following)})
    if isinstance(seen.question, Worded) and seen.question.lang is not None:
        names = stage_names(seen.look.definition, seen.question.lang)
        found = SHAPES[each.name].model_construct(**dict(found), names=names)
    body = found.model_dump_json(by_alias=True).encode()
    running.answers.put(seen.tag, body)
    return body


def pin_of(look: Look) -> Pinned:
    return (look.pipeline, look.version, look.as_of, look.known_at, look.position)
