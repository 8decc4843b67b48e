"""The policies over HTTP: which watch over what, what the last round did, and what is due now (nothing is done)."""

from collections import Counter
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from engine.aggregates.pipeline.commands import PolicyName
from engine.policies.due import Due
from engine.policies.run import What
from engine.policies.watches import watches
from engine.policies.would import World, world_of, would
from engine.values import from_micros
from service.auth import EVERY, WHOLE
from service.background import Background
from service.question import moment
from service.routes.asked import Cursor, Text
from service.routes.pages import cursor, part, read_cursor
from service.routes.routing import Routes, running_of
from service.routes.tags import told
from service.running import Running


class Watching(BaseModel):
    """A policy over a pipeline."""

    pipeline: str
    policy: str
    says: str
    stages: list[str]
    """where the definition in force asks for it"""
    since: datetime | None
    """what was due before is left alone; null: never run yet. activate_policy sets it"""
    problem: str | None
    """what keeps it from doing what the definition asks for, and what to do about it"""


class Acted(BaseModel):
    policy: str
    what: What
    """known: another process was first; over: not true any more"""
    count: int


class LastRound(BaseModel):
    """What this process did when it looked last."""

    began_at: datetime
    seconds: float
    problem: str | None
    """why it broke off"""
    actions: list[Acted]


class Policies(BaseModel):
    policies: list[Watching]
    every_seconds: float | None
    """how often this process looks; null: it does not"""
    last_round: LastRound | None


class DueQuestion(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    since: Annotated[Text | None, Field(description="Leave alone what was due before; without it: the activation")] = (
        None
    )
    as_of: Annotated[Text | None, Field(description="Look from this moment, also a future one (now)")] = None
    policy: Annotated[PolicyName | None, Field(description="Of this one alone", examples=["raise_stalled"])] = None
    limit: Annotated[int, Field(ge=0, le=1_000, description="How many are listed; all are counted")] = 100
    after: Annotated[
        Cursor | None, Field(description="`next` of the page before; the page is of the same moment and position")
    ] = None


class DueAction(BaseModel):
    policy: str
    journey: UUID
    on: UUID
    """the lead or deal that would take it"""
    command: str
    with_: Annotated[dict[str, Any], Field(alias="with")]
    started_by: UUID
    """event_id of what made it due"""
    what: Literal["would"] = "would"


class DueActions(BaseModel):
    as_of: datetime
    position: int
    """of the log"""
    count: int
    """on this page or not"""
    by_policy: dict[str, int]
    actions: list[DueAction]
    """by pipeline and policy, what waits longest first"""
    next: str | None
    """cursor of the following page"""


def add_policies(routes: Routes) -> None:
    routes.add(
        "GET",
        "/v1/policies",
        list_endpoint,
        name="list_policies",
        summary="Which policies watch over what, and what the last round did",
        tag="policies",
        allow=EVERY,
        answers=Policies,
    )
    routes.add(
        "GET",
        "/v1/policies/due",
        due_endpoint,
        name="get_due",
        summary="What the policies would do now; nothing is done",
        tag="policies",
        allow=WHOLE,
        refusals=("gone",),
        answers=DueActions,
        queries=True,
    )


async def list_endpoint(request: Request) -> Response:
    running = running_of(request)
    background: Background = request.app.state.background

    def work() -> Response:
        found = [
            Watching(
                pipeline=each.pipeline,
                policy=each.policy,
                says=each.says,
                stages=list(each.stages),
                since=each.since,
                problem=each.problem,
            )
            for each in watches(running.log, running.views)
        ]
        seconds = running.serving.policies_seconds or None
        return told(Policies(policies=found, every_seconds=seconds, last_round=last_round(background)))

    return await running.reading.run(work)


def last_round(background: Background) -> LastRound | None:
    last = background.policing.last
    if last is None:
        return None
    actions = [Acted(policy=policy, what=what, count=count) for (policy, what), count in sorted(last.actions.items())]
    return LastRound(began_at=last.began_at, seconds=last.seconds, problem=last.problem, actions=actions)


async def due_endpoint(request: Request, question: Annotated[DueQuestion, Query()]) -> Response:
    running = running_of(request)

    def work() -> Response:
        world, last = asked(running, question)
        found = would(running.log, running.views, world, since=moment("since", question.since, "UTC"))
        chosen = [due for due in found if question.policy in (None, due.policy)]
        shown, following = part(chosen, lambda due: str(due.command_id), last, question.limit)
        pin = ("", 0, world.as_of, None, world.position)
        return told(
            DueActions(
                as_of=from_micros(world.as_of),
                position=world.position,
                count=len(chosen),
                by_policy=dict(sorted(Counter(due.policy for due in chosen).items())),
                actions=[action(due) for due in shown],
                next=None if following is None else cursor(running.log, pin, same(question), following),
            )
        )

    return await running.reading.run(work)


def asked(running: Running, question: DueQuestion) -> tuple[World, str | None]:
    """What is looked at, and the command_id that the page before ended with."""
    if question.after is None:
        return world_of(running.views, moment("as_of", question.as_of, "UTC")), None
    (_, _, as_of, _, position), _, last = read_cursor(running.log, question.after, same(question))
    return World(as_of, question.as_of is None, position), last


def same(question: DueQuestion) -> str:
    """What all pages have in common."""
    return repr(question.model_dump(exclude={"after", "limit"}))


def action(due: Due) -> DueAction:
    return DueAction.model_validate(
        {
            "policy": due.policy,
            "journey": due.journey,
            "on": due.on,
            "command": type(due.command).__name__,
            "with": due.command.model_dump(mode="json", exclude_none=True),
            "started_by": due.started_by,
        }
    )
