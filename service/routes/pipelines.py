"""Pipelines and their stages, by version."""

from typing import Annotated

from fastapi import Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from engine.aggregates.pipeline.state import pipeline_stream
from engine.stages.definition import Definition
from service.auth import EVERY, caller_of
from service.question import lens_of
from service.routes.routing import Routes, running_of
from service.routes.tags import not_modified, tag_of, told, unchanged
from service.running import Running
from service.versions import Version, versions_told


class Pipelines(BaseModel):
    pipelines: list[Version]
    """the version in force of each"""
    position: int


class PipelineVersion(Version):
    versions: list[Version]
    definition: Definition


class Which(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    definition: Annotated[str, Field(max_length=20, description="now, the number of a version, or draft:N")] = "now"


def add_pipelines(routes: Routes) -> None:
    routes.add(
        "GET",
        "/v1/pipelines",
        list_endpoint,
        name="list_pipelines",
        summary="All pipelines with the version in force",
        tag="pipelines",
        allow=EVERY,
        answers=Pipelines,
        tagged=True,
    )
    routes.add(
        "GET",
        "/v1/pipelines/{pipeline}",
        one_endpoint,
        name="get_pipeline",
        summary="The stages of a pipeline",
        tag="pipelines",
        allow=EVERY,
        refusals=("not-found",),
        answers=PipelineVersion,
        queries=True,
        tagged=True,
    )


async def list_endpoint(request: Request) -> Response:
    running, caller = running_of(request), caller_of(request)

    def work() -> Response:
        running.views.catch_up()
        tag = tag_of(running, caller, request, running.views.position)
        if unchanged(request, tag):
            return not_modified(tag)
        known = [versions[-1] for _, versions in sorted(running.views.definitions.by_pipeline.items())]
        versions = versions_told(running.log, known)
        return told(Pipelines(pipelines=versions, position=running.views.position), tag)

    return await running.reading.run(work)


async def one_endpoint(
    request: Request,
    pipeline: Annotated[str, Path(min_length=1, max_length=64)],
    which: Annotated[Which, Query()],
) -> Response:
    running, caller = running_of(request), caller_of(request)

    def work() -> Response:
        running.views.catch_up()
        published = running.views.definitions.choose(pipeline, lens_of(definition=which.definition))
        # If-Match of a publication speaks of the stream: a draft changes it too.
        tag = f"{stream_version(running, pipeline)}.{tag_of(running, caller, request, published.version)}"
        if unchanged(request, tag):
            return not_modified(tag)
        every = running.views.definitions.by_pipeline.get(pipeline, [])
        this, *versions = versions_told(running.log, [published, *every])
        return told(PipelineVersion(**dict(this), versions=versions, definition=published.definition), tag)

    return await running.reading.run(work)


def stream_version(running: Running, pipeline: str) -> int:
    return len(running.log.stream(pipeline_stream(pipeline)))
