"""Search over HTTP: what is called so, in every pipeline; of a rep what the rep may see."""

from typing import Annotated

from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from engine.projections.filters import Filters
from engine.projections.lens import Lens
from engine.projections.search import LONGEST, MOST, Search, search
from service.auth import EVERY, caller_of
from service.rights import narrowed
from service.routes.asked import Text
from service.routes.routing import Routes, running_of
from service.routes.tags import told


class SearchQuestion(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    q: Annotated[
        str,
        Field(
            min_length=1,
            max_length=LONGEST,
            description="Title, customer or key; case and accents do not count",
            examples=["coffee"],
        ),
    ]
    pipeline: Annotated[Text | None, Field(description="Key; without it all")] = None
    limit: Annotated[int, Field(ge=1, le=MOST)] = 20


def add_search(routes: Routes) -> None:
    routes.add(
        "GET",
        "/v1/search",
        endpoint,
        name="search",
        summary="Leads and deals by title, customer or key, best first",
        tag="journeys",
        allow=EVERY,
        refusals=("not-found",),
        answers=Search,
        queries=True,
    )


async def endpoint(request: Request, question: Annotated[SearchQuestion, Query()]) -> Response:
    running, caller = running_of(request), caller_of(request)
    names = running.names

    def work() -> Response:
        running.views.catch_up()
        asked = running.views.pipelines() if question.pipeline is None else [question.pipeline]
        looks = [running.look(pipeline, Lens.of()) for pipeline in asked]
        filters = narrowed(running.log, caller, Filters())
        return told(search(looks, names, question.q, filters, limit=question.limit))

    if not names.begun:
        # One thread reads for all who search meanwhile; the others go on answering.
        await running.sharing.same("names", lambda: running.reading.run(names.rows))
    return await running.reading.run(work)
