"""The policies over HTTP: which watch over what, what the last round did, and what is due now (nothing is done)."""

from collections import Counter
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from engine.policies.run import run_once
from engine.policies.watches import watches
from service.auth import EVERY, WHOLE
from service.background import Background
from service.question import moment
from service.routes.asked import Text
from service.routes.routing import Routes, running_of
from service.routes.tags import told


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
    what: str
    """done; known: another process was first; over: not true any more; refused"""
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
    policy: Annotated[Text | None, Field(description="Of this one alone", examples=["raise_stalled"])] = None
    limit: Annotated[int, Field(ge=0, le=1_000, description="How many are listed; all are counted")] = 100


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
    count: int
    by_policy: dict[str, int]
    actions: list[DueAction]


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
        since, now = moment("since", question.since, "UTC"), moment("as_of", question.as_of, "UTC")
        found = run_once(running.log, running.views, now=now, since=since, dry_run=True)
        chosen = [each.due for each in found if question.policy in (None, each.due.policy)]
        listed = [
            DueAction.model_validate(
                {
                    "policy": due.policy,
                    "journey": due.journey,
                    "on": due.on,
                    "command": type(due.command).__name__,
                    "with": due.command.model_dump(mode="json", exclude_none=True),
                    "started_by": due.started_by,
                }
            )
            for due in chosen[: question.limit]
        ]
        counts = Counter(due.policy for due in chosen)
        return told(DueActions(count=len(chosen), by_policy=dict(sorted(counts.items())), actions=listed))

    return await running.reading.run(work)
