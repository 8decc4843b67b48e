"""Drafts of the stages, and two definitions side by side over all history. Commands (table.py) draft and publish."""

from dataclasses import replace
from typing import Annotated

from fastapi import Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from engine.errors import Rejected
from engine.projections.filters import Filters
from engine.projections.lens import choice_of
from engine.projections.look import Look
from engine.stages.definition import Definition
from replay import preview
from replay.beside import looks, of_both, sharing
from replay.stage_figures import Side, side
from service.auth import EVERY, LEADERS, Caller, caller_of
from service.http_errors import FieldProblem, Refused
from service.own_words import in_own_words
from service.policy_effects import policy_rows
from service.question import Problem, Unclear
from service.rights import narrowed
from service.routes.asked import Question, Text
from service.routes.bodies import Defining
from service.routes.looking import pin_of
from service.routes.routing import Routes, running_of
from service.routes.tags import not_modified, tag_of, told, unchanged
from service.running import Running
from service.versions import Draft, drafts_told, waits

MOST = 1_000
Key = Annotated[str, Path(min_length=1, max_length=64, description="Its key")]


class Drafts(BaseModel):
    drafts: list[Draft]
    position: int


class Which(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    everything: Annotated[bool, Field(alias="all", description="Also those published or discarded")] = False


class SideBySide(Question):
    """Question.definition is the one looked at; the pipeline is named by the address."""

    pipeline: None = None
    against: Annotated[Text, Field(description="What it is set beside: now, then, version N, or draft:N")] = "now"
    limit: Annotated[int, Field(ge=0, le=MOST, description="Journeys that each list names")] = preview.LISTED


class Stages(Defining):
    definition: Definition


def add_drafts(routes: Routes) -> None:
    routes.add(
        "GET",
        "/v1/pipelines/{pipeline}/drafts",
        list_endpoint,
        name="list_drafts",
        summary="Drafts of its stages",
        tag="pipelines",
        allow=EVERY,
        refusals=("not-found",),
        answers=Drafts,
        queries=True,
        tagged=True,
    )
    routes.add(
        "GET",
        "/v1/pipelines/{pipeline}/compare",
        compare_endpoint,
        name="compare_definitions",
        summary="Two versions or drafts side by side, over all history",
        tag="pipelines",
        allow=EVERY,
        refusals=("not-found",),
        answers=preview.Preview,
        queries=True,
        tagged=True,
    )
    routes.add(
        "POST",
        "/v1/pipelines/{pipeline}/preview",
        preview_endpoint,
        name="preview_definition",
        summary="Stages that nobody drafted yet beside those in force; writes nothing",
        tag="pipelines",
        allow=LEADERS,
        refusals=("not-found", "too-large", "not-json", "too-slow"),
        answers=preview.Preview,
        queries=True,
    )


async def list_endpoint(request: Request, pipeline: Key, which: Annotated[Which, Query()]) -> Response:
    running, caller = running_of(request), caller_of(request)

    def work() -> Response:
        running.views.catch_up()
        definitions, position = running.views.definitions, running.views.position
        tag = tag_of(running, caller, request, position)
        if unchanged(request, tag):
            return not_modified(tag)
        known = definitions.drafts(definitions.key(pipeline))
        drafts = drafts_told(running.log, definitions, [each for each in known if which.everything or waits(each)])
        return told(Drafts(drafts=drafts, position=position), tag)

    return await running.reading.run(work)


async def compare_endpoint(request: Request, pipeline: Key, question: Annotated[SideBySide, Query()]) -> Response:
    running, caller = running_of(request), caller_of(request)
    return await running.reading.run(lambda: compared(running, caller, request, pipeline, question))


async def preview_endpoint(
    request: Request, pipeline: Key, question: Annotated[SideBySide, Query()], stages: Stages
) -> Response:
    running, caller = running_of(request), caller_of(request)
    if question.definition != "now":
        raise Unclear([Problem("definition", "what to preview is in the body: leave it out, or use compare")])
    try:
        return await running.reading.run(
            lambda: compared(running, caller, request, pipeline, question, stages.definition)
        )
    except Rejected as error:
        # Nothing is asked to be written: what is refused is the question.
        raise Refused("invalid", str(error), [FieldProblem(field="body.definition", problem=str(error))]) from None


def compared(
    running: Running,
    caller: Caller,
    request: Request,
    pipeline: str,
    question: SideBySide,
    unpublished: Definition | None = None,
) -> Response:
    lens, filters = question.lens(), narrowed(running.log, caller, question.filters())
    try:
        before = replace(lens, definition=choice_of(question.against))
    except Rejected as error:
        raise Unclear([Problem("against", str(error).removeprefix("definition "))]) from None
    old, new = looks(running.views, pipeline, before, unpublished or lens)
    filters = in_own_words(new, caller, filters, by=None)
    tag = None
    if unpublished is None:
        tag = tag_of(
            running, caller, request, filters, 0 if old is None else old.version, *pin_of(new), erased=new.erased
        )
        if unchanged(request, tag):
            return not_modified(tag)
    known, changed = sharing(
        *of_both(old, new, lambda look: side(new, filters) if look is new else side_of(running, look, filters))
    )
    policies = policy_rows(running.views, known, changed)
    return told(preview.preview(known, changed, policies=policies, listed=question.limit), tag)


def side_of(running: Running, look: Look, filters: Filters) -> Side:
    """One draft after the other is set beside the same version: what that tells is told once."""
    pin = (pin_of(look), filters)
    known = running.sides.get(pin) or side(look, filters)
    running.sides.put(pin, known._replace(look=known.look.for_later()))
    return known
