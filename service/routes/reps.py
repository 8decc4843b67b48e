"""The roster over HTTP: all reps, and one with every membership there was."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import BaseModel, Field

from engine.aggregates.roster.state import rep_stream
from engine.errors import NotFound, Rejected
from engine.log.application import Log
from engine.projections.lens import Lens
from engine.projections.reps import Rep, called_so, reps
from engine.projections.snapshot import Snapshot
from engine.streams import load
from service.auth import EVERY, Caller, caller_of
from service.membership import team_of
from service.rights import may_ask_about
from service.routes.addressed import ADDRESSES
from service.routes.asked import Cursor, Moments, Text
from service.routes.pages import part, staff_cursor, staff_page
from service.routes.routing import Routes, running_of
from service.routes.tags import not_modified, tag_of, told, unchanged
from service.running import Running


class RepsQuestion(Moments):
    team: Annotated[Text | None, Field(description="Those who are in it")] = None
    left: Annotated[bool, Field(description="Also those who left")] = False
    limit: Annotated[int, Field(ge=1, le=500, description="How many")] = 100
    after: Annotated[
        Cursor | None, Field(description="`next` of the page before; the page is of the same moment and position")
    ] = None

    def same(self) -> str:
        """What all pages have in common."""
        return f"reps {self.model_dump(exclude={'after', 'limit'})}"


class Reps(BaseModel):
    reps: list[Rep]
    """by key"""
    n: int
    """on this page or not"""
    next: str | None
    """cursor of the following page"""
    position: int


def add_reps(routes: Routes) -> None:
    routes.add(
        "GET",
        "/v1/reps",
        list_endpoint,
        name="list_reps",
        summary="Who sells, in which team, for whom and where",
        tag="reps",
        allow=EVERY,
        refusals=("gone",),
        answers=Reps,
        queries=True,
        tagged=True,
    )
    routes.add(
        "GET",
        "/v1/reps/{rep}",
        one_endpoint,
        name="get_rep",
        summary="One rep, with every membership there was",
        tag="reps",
        allow=EVERY,
        refusals=("not-found",),
        answers=Rep,
        queries=True,
        tagged=True,
    )


async def list_endpoint(request: Request, question: Annotated[RepsQuestion, Query()]) -> Response:
    running, caller = running_of(request), caller_of(request)

    def work() -> Response:
        erased = running.erased()
        may_ask_about(running.log, running.views, caller, question.team)
        page = staff_page(running, question.lens(), question.after, question.same())
        tag = tag_of(running, caller, request, page.position, page.staff.lens, erased=erased)
        if unchanged(request, tag):
            return not_modified(tag)
        found = [rep for rep in visible(running, caller, page.staff) if question.left or not rep.left]
        if question.team is not None:
            found = [rep for rep in found if rep.memberships[-1].team == question.team]
        shown, last = part(found, lambda rep: str(rep.person_id), page.last, question.limit)
        following = staff_cursor(running.log, page, question.same(), last)
        return told(Reps(reps=list(shown), n=len(found), next=following, position=page.position), tag)

    return await running.reading.run(work)


async def one_endpoint(
    request: Request,
    name: Annotated[str, Path(alias="rep", min_length=1, max_length=300, description=ADDRESSES["rep"])],
    moments: Annotated[Moments, Query()],
) -> Response:
    running, caller = running_of(request), caller_of(request)

    def work() -> Response:
        erased = running.erased()
        staff = running.views.staff(moments.lens())
        found = [rep for rep in visible(running, caller, staff) if called_so(rep, name)]
        if not found:
            who = "rep of your team" if caller.role == "rep" else "rep"
            raise NotFound(f"no {who} is called {name!r} at the moment asked for: use key, source:key or person_id")
        if len(found) > 1:
            choices = " or ".join(f"{rep.source}:{rep.key}" for rep in found)
            raise Rejected(f"{len(found)} reps have the key {name!r}: say which, as {choices}")
        seen = tag_of(running, caller, request, staff.columns.position, staff.lens, erased=erased)
        # Its version first, as with everything that If-Match is asked of.
        tag = f"{version_of(running.log, found[0].person_id)}.{seen}"
        return not_modified(tag) if unchanged(request, tag) else told(found[0], tag)

    return await running.reading.run(work)


def visible(running: Running, caller: Caller, staff: Snapshot) -> list[Rep]:
    """A rep sees the own team; without a team, nobody else."""
    found = reps(staff)
    if caller.role != "rep":
        return found
    team = team_of(running.log, caller.person_id)
    own = caller.person_id
    return [rep for rep in found if rep.person_id == own or (team is not None and rep.memberships[-1].team == team)]


def version_of(log: Log, person_id: UUID) -> int:
    enrolled = load(log, rep_stream(person_id))
    assert enrolled is not None
    return enrolled.version


def in_sight(running: Running, caller: Caller) -> list[Rep]:
    """Whom the caller may name: as visible, at present."""
    return visible(running, caller, running.views.staff(Lens.of()))
