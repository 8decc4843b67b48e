"""One journey: how it stands, its whole history, and what came between two moments of it."""

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import Field

from engine.errors import NotFound
from engine.log.keys import find_stream
from engine.projections.figures import Answer
from engine.streams import DEAL, LEAD, load
from replay.difference import JourneyDifference, difference
from replay.history import History, HistoryVisit, history
from replay.life import find_journey
from replay.standing import Person, Standing
from service.auth import EVERY, Caller, caller_of
from service.question import Clock, lenses_of
from service.rights import may_read, reads
from service.routes.asked import Glance, Text, Time
from service.routes.routing import Routes, running_of
from service.routes.tags import not_modified, tag_of, told, unchanged
from service.running import Running

Named = Annotated[
    str,
    Path(
        alias="journey",
        min_length=1,
        max_length=300,
        description="Our id of the journey, its lead or its deal; or the key in the system it came from",
    ),
]


class Since(Glance):
    at: Annotated[Text | None, Field(description="Position or id of an event: the state after it")] = None


class Between(Glance):
    since: Annotated[Time, Field(description="The earlier moment", examples=["2026-03-31"])]
    until: Annotated[Time | None, Field(description="The later one (now)")] = None
    clock: Annotated[
        Clock, Field(description="By what had happened by then, by what was recorded by then, or by both")
    ] = "happened"


class JourneyStanding(Answer):
    """How a journey stands; n counts its events."""

    journey: str
    lead: str | None
    """stream of the lead, where it began as one"""
    deal: str | None
    """stream of the deal, once there is one"""
    version: int
    """of the stream that commands go to: the deal's, once there is one; the ETag begins with it"""
    key: str | None
    label: str | None
    void: bool
    state: Standing
    visits: tuple[HistoryVisit, ...]
    people: dict[str, Person]


def add_journeys(routes: Routes) -> None:
    for kind in ("journey", "lead", "deal"):
        routes.add(
            "GET",
            f"/v1/{kind}s/{{journey}}",
            journey_endpoint,
            name=f"get_{kind}",
            summary="How a lead, and the deal it became, stands",
            tag=f"{kind}s",
            allow=EVERY,
            refusals=("not-found",),
            answers=JourneyStanding,
            queries=True,
            tagged=True,
        )
    routes.add(
        "GET",
        "/v1/journeys/{journey}/history",
        history_endpoint,
        name="get_history",
        summary="Every event of it: who, when, what, the stage after it and why",
        tag="journeys",
        allow=EVERY,
        refusals=("not-found",),
        answers=History,
        queries=True,
        tagged=True,
    )

    routes.add(
        "GET",
        "/v1/journeys/{journey}/difference",
        difference_endpoint,
        name="get_difference",
        summary="What came between two moments of it, and what it changed",
        tag="journeys",
        allow=EVERY,
        refusals=("not-found",),
        answers=JourneyDifference,
        queries=True,
        tagged=True,
    )


async def journey_endpoint(request: Request, named: Named, glance: Annotated[Glance, Query()]) -> Response:
    running, caller = running_of(request), caller_of(request)

    def work() -> Response:
        journey, lead, deal, version = streams_of(running, caller, named)
        lens = glance.lens()
        erased = running.erased()
        found = history(running.log, journey, lens)
        tag = f"{version}.{tag_of(running, caller, request, found.definition, lens, found.position, erased=erased)}"
        if unchanged(request, tag):
            return not_modified(tag)
        same = {name: getattr(found, name) for name in JourneyStanding.model_fields if name in History.model_fields}
        return told(JourneyStanding(**same, lead=lead, deal=deal, version=version), tag)

    return await running.reading.run(work)


async def history_endpoint(request: Request, named: Named, since: Annotated[Since, Query()]) -> Response:
    running, caller = running_of(request), caller_of(request)

    def work() -> Response:
        journey, *_ = streams_of(running, caller, named)
        lens = since.lens()
        erased = running.erased()
        found = history(running.log, journey, lens, at=since.at)
        tag = tag_of(running, caller, request, found.definition, lens, found.position, erased=erased)
        return not_modified(tag) if unchanged(request, tag) else told(found, tag)

    return await running.reading.run(work)


async def difference_endpoint(request: Request, named: Named, between: Annotated[Between, Query()]) -> Response:
    running, caller = running_of(request), caller_of(request)

    def work() -> Response:
        journey, *_ = streams_of(running, caller, named)
        before, after = lenses_of(between.since, between.until, between.clock, between)
        erased = running.erased()
        found = difference(running.log, journey, before, after)
        tag = tag_of(running, caller, request, found.definition, before, after, found.position, erased=erased)
        return not_modified(tag) if unchanged(request, tag) else told(found, tag)

    return await running.reading.run(work)


def streams_of(running: Running, caller: Caller, named: str) -> tuple[UUID, str | None, str | None, int]:
    """Journey, lead, deal, and the version of the one that commands go to. NotFound also where the caller may not look.

    Of several that are called so, those count that the caller may read.
    """
    log = running.log
    journey = find_journey(log, find_stream(log, named, partial(reads, log, caller))).journey_id
    found = load(log, journey)
    if found is None or found.kind not in (LEAD, DEAL):
        raise NotFound(f"no lead or deal is called {named!r}")
    may_read(log, caller, journey, named)
    if found.kind is DEAL:
        return journey, None, str(journey), found.version
    deal: UUID | None = found.state.converted_to
    if deal is None:
        return journey, str(journey), None, found.version
    became = load(log, deal)
    assert became is not None
    return journey, str(journey), str(deal), became.version
