"""Targets over HTTP: those that stand, and one with every change; set, revised and withdrawn by commands (table.py)."""

from collections.abc import Sequence
from typing import Annotated, TypeVar

from fastapi import Path, Query, Request, Response
from pydantic import BaseModel, Field

from engine.errors import NotFound
from engine.periods import PeriodName
from engine.projections.reps import rep_called, reps
from engine.projections.snapshot import Snapshot
from engine.projections.targets_told import Target, TargetHistory, standing_targets, target_history
from engine.streams import load
from service.auth import EVERY, Caller, caller_of
from service.membership import team_of
from service.rights import may_ask_about
from service.routes.addressed import ADDRESSES, target_named
from service.routes.asked import Cursor, Moments, Text
from service.routes.pages import part, staff_cursor, staff_page
from service.routes.reps import in_sight
from service.routes.routing import Routes, running_of
from service.routes.tags import not_modified, tag_of, told, unchanged
from service.running import Running

T = TypeVar("T", bound=Target)


class TargetsQuestion(Moments):
    period: Annotated[PeriodName | None, Field(description="Of this period alone", examples=["2026-Q3"])] = None
    team: Annotated[Text | None, Field(description="Of this team")] = None
    rep: Annotated[Text | None, Field(description="Of this rep: key, source:key or person_id")] = None
    limit: Annotated[int, Field(ge=1, le=500, description="How many")] = 100
    after: Annotated[
        Cursor | None, Field(description="`next` of the page before; the page is of the same moment and position")
    ] = None

    def same(self) -> str:
        """What all pages have in common."""
        return f"targets {self.model_dump(exclude={'after', 'limit'})}"


class Targets(BaseModel):
    targets: list[Target]
    """that stand; by period, teams before reps"""
    n: int
    """on this page or not"""
    next: str | None
    """cursor of the following page"""
    position: int


def add_targets(routes: Routes) -> None:
    routes.add(
        "GET",
        "/v1/targets",
        list_endpoint,
        name="list_targets",
        summary="What reps and teams shall win",
        tag="targets",
        allow=EVERY,
        refusals=("gone",),
        answers=Targets,
        queries=True,
        tagged=True,
    )
    routes.add(
        "GET",
        "/v1/targets/{target}",
        one_endpoint,
        name="get_target",
        summary="One target, with every change, by whom and why",
        tag="targets",
        allow=EVERY,
        refusals=("not-found",),
        answers=TargetHistory,
        queries=True,
        tagged=True,
    )


async def list_endpoint(request: Request, question: Annotated[TargetsQuestion, Query()]) -> Response:
    running, caller = running_of(request), caller_of(request)

    def work() -> Response:
        erased = running.erased()
        may_ask_about(running.log, running.views, caller, question.team)
        rep = None if question.rep is None else rep_called(in_sight(running, caller), question.rep)
        page = staff_page(running, question.lens(), question.after, question.same())
        tag = tag_of(running, caller, request, page.position, page.staff.lens, erased=erased)
        if unchanged(request, tag):
            return not_modified(tag)
        every = standing_targets(page.staff, period=question.period, team=question.team, rep=rep)
        found = visible(running, caller, page.staff, every)
        shown, last = part(found, lambda each: str(each.target), page.last, question.limit)
        following = staff_cursor(running.log, page, question.same(), last)
        return told(Targets(targets=list(shown), n=len(found), next=following, position=page.position), tag)

    return await running.reading.run(work)


async def one_endpoint(
    request: Request,
    name: Annotated[str, Path(alias="target", min_length=1, max_length=300, description=ADDRESSES["target"])],
    moments: Annotated[Moments, Query()],
) -> Response:
    running, caller = running_of(request), caller_of(request)

    def work() -> Response:
        erased = running.erased()
        target = target_named(name)
        staff = running.views.staff(moments.lens())
        found = target_history(staff, target)
        if not visible(running, caller, staff, [found]):
            raise NotFound(f"no target of your team is called {name!r}: GET /v1/targets tells which there are")
        stream = load(running.log, target)
        assert stream is not None
        seen = tag_of(running, caller, request, staff.columns.position, staff.lens, erased=erased)
        # Its version first, as with everything that If-Match is asked of.
        tag = f"{stream.version}.{seen}"
        return not_modified(tag) if unchanged(request, tag) else told(found, tag)

    return await running.reading.run(work)


def visible(running: Running, caller: Caller, staff: Snapshot, found: Sequence[T]) -> list[T]:
    """A rep sees the own ones, the team's, and those of who is in it at the moment asked for."""
    if caller.role != "rep":
        return list(found)
    team = team_of(running.log, caller.person_id)
    colleagues = {caller.person_id}
    if team is not None:
        colleagues |= {rep.person_id for rep in reps(staff) if not rep.left and rep.memberships[-1].team == team}
    return [each for each in found if each.person_id in colleagues or (each.team is not None and each.team == team)]
