"""How an answer is given over HTTP: looked at, tagged, computed once for all who ask, told."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import BaseModel, create_model

from engine.projections.figures import Answer
from engine.stages.names import stage_names
from replay.cells.finding import one_of_each
from replay.explain import Explanation, explain
from service import metrics
from service.auth import EVERY, caller_of
from service.question import pair
from service.routes.answers import LISTS, QUESTIONS, Asked
from service.routes.asked import ExplainQuestion, Paged, Question, Worded
from service.routes.looking import Seen, looked, next_page
from service.routes.repeated import Words
from service.routes.routing import Routes, running_of
from service.routes.tags import not_modified, told, unchanged
from service.running import Running


def worded(each: Asked) -> type[BaseModel]:
    """The shape of the answer; of one that knows languages also with the stages' names."""
    if not issubclass(each.question, Worded):
        return each.answer
    names = (dict[str, str] | None, None)
    return create_model(each.answer.__name__, __base__=each.answer, __doc__=each.answer.__doc__, names=names)


def own_words(each: Asked) -> dict[str, Any]:
    """What the answer may be asked, but for the pages."""
    return {name: field for name, field in each.question.model_fields.items() if name not in Paged.model_fields}


def cell_of(each: Asked) -> type[ExplainQuestion]:
    """A cell of the answer, asked for in the answer's own words."""
    fields: dict[str, Any] = {name: (field.annotation, field) for name, field in own_words(each).items()}
    return create_model(f"Explain{each.question.__name__}", __base__=ExplainQuestion, **fields)


SHAPES = {each.name: worded(each) for each in QUESTIONS}
CELLS = {each.name: cell_of(each) for each in QUESTIONS}


def add_questions(routes: Routes) -> None:
    for each in QUESTIONS:
        routes.add(
            "GET",
            f"/v1/{each.name}",
            endpoint_of(each, words := Words()),
            name=f"get_{each.name.replace('-', '_')}",
            summary=each.summary,
            tag="answers",
            allow=EVERY,
            refusals=("not-found", "gone"),
            answers=SHAPES[each.name],
            queries=True,
            words=words,
            tagged=True,
        )
        routes.add(
            "GET",
            f"/v1/{each.name}/explain",
            explaining(each),
            name=f"explain_{each.name.replace('-', '_')}",
            summary=f"The journeys and events behind one number of {each.name}",
            tag="explanations",
            allow=EVERY,
            refusals=("not-found", "gone"),
            answers=Explanation,
            queries=True,
            tagged=True,
        )
    for each in LISTS:
        routes.add(
            "GET",
            f"/v1/{each.name}",
            endpoint_of(each, words := Words()),
            name=f"list_{each.name}",
            summary=each.summary,
            tag=each.name,
            allow=EVERY,
            refusals=("not-found", "gone"),
            answers=each.answer,
            queries=True,
            words=words,
            tagged=True,
        )


def endpoint_of(each: Asked, words: Words) -> Callable[..., Any]:
    async def endpoint(request: Request, question: Any) -> Response:
        words.learn(request, question)
        return await answered(request, each.name, question, lambda running, seen: computed(running, each, seen))

    endpoint.__annotations__["question"] = Annotated[each.question, Query()]
    return endpoint


def explaining(each: Asked) -> Callable[..., Any]:
    """The endpoint that tells what stands behind a cell of the answer."""
    own = own_words(each)

    async def endpoint(request: Request, asked: Any) -> Response:
        question = each.question.model_validate({name: getattr(asked, name) for name in own})
        return await answered(
            request, f"{each.name}/explain", question, lambda running, seen: explained(running, each, seen), asked
        )

    endpoint.__annotations__["asked"] = Annotated[CELLS[each.name], Query()]
    return endpoint


async def answered(
    request: Request,
    name: str,
    question: Question,
    compute: Callable[[Running, Seen], bytes],
    cell: ExplainQuestion | None = None,
) -> Response:
    """Looks, compares the entity tag, and computes what nobody has computed yet; alike questions at once are one.

    All of it in one go on a thread: between two, a busy process would let others in first.
    """
    running, caller = running_of(request), caller_of(request)

    def found() -> tuple[Seen, bytes | None]:
        seen = looked(running, caller, request, question, cell)
        body = running.answers.get(seen.tag)
        if body is None and not unchanged(request, seen.tag):
            body = compute(running, seen)
        return seen, body

    with metrics.answer_seconds.labels(name).time():
        whose = caller.person_id if caller.role == "rep" else None
        asked_now = (name, str(request.query_params), whose)
        seen, body = await running.sharing.fresh(asked_now, lambda: running.reading.run(found))
        if unchanged(request, seen.tag):
            return not_modified(seen.tag)
        if body is None:
            # Who asked first had it already.
            body = await running.sharing.same(seen.tag, lambda: running.reading.run(lambda: compute(running, seen)))
        return told(body, seen.tag)


def computed(running: Running, each: Asked, seen: Seen) -> bytes:
    found = each.compute(seen.look, seen.filters, **seen.question.options())
    found = continued(running, seen, found)
    if isinstance(seen.question, Worded) and seen.question.lang is not None:
        names = stage_names(seen.look.definition, seen.question.lang)
        found = SHAPES[each.name].model_construct(**dict(found), names=names)
    body = found.model_dump_json(by_alias=True).encode()
    running.answers.put(seen.tag, body)
    return body


def continued(running: Running, seen: Seen, found: Answer) -> Answer:
    """With a cursor that pins the world, where there is more."""
    following = getattr(found, "next", None)
    return found if following is None else found.model_copy(update={"next": next_page(running, seen, following)})


def explained(running: Running, each: Asked, seen: Seen) -> bytes:
    cell = seen.cell
    assert cell is not None
    options = {name: value for name, value in seen.question.options().items() if name not in Paged.model_fields}
    named = one_of_each([pair(text, "cell") for text in cell.cell])
    found = explain(seen.look, each.name, named, seen.filters, limit=cell.limit, after=cell.after, **options)
    body = continued(running, seen, found).model_dump_json().encode()
    running.answers.put(seen.tag, body)
    return body
