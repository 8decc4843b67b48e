"""The global feed: every event by position, without gaps. It holds no name and no free text: events never do."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from engine.log.feed import read_feed
from engine.values import rfc3339
from service.auth import WHOLE
from service.http_errors import Refused
from service.notices.wanted import Wanted
from service.question import understood
from service.routes.asked import Text
from service.routes.routing import Routes, running_of
from service.routes.tags import told
from service.running import Running

MOST = 1_000
SCANNED = 10_000
"""events looked through for those of the types asked for"""


Types = Annotated[
    list[Text], Field(max_length=60, description="deal.won, deal.won.v1 or deal.*; repeat", examples=[["deal.won"]])
]


class FeedQuestion(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    after: Annotated[int, Field(ge=0, lt=2**62, description="The position read last; 0 at first")] = 0
    limit: Annotated[int, Field(ge=1, le=MOST)] = 100
    type: Types = []


class FeedEvent(BaseModel):
    position: int
    event_id: UUID
    stream_id: UUID
    version: int
    type: str
    occurred_at: str
    recorded_at: str
    actor: UUID
    origin: str
    data: dict[str, Any]


class Feed(BaseModel):
    """A stretch of the feed. Ask again after `next`: nothing is missed, and nothing comes twice."""

    events: list[FeedEvent]
    next: int
    """position that was looked through to; with a type filter a page may be empty before the end"""
    position: int
    """of the log's last event: at the end, next is as large"""


def add_feed(routes: Routes) -> None:
    routes.add(
        "GET",
        "/v1/events",
        endpoint,
        name="get_events",
        summary="The feed of all events by position, without gaps",
        tag="events",
        allow=WHOLE,
        refusals=("gone",),
        answers=Feed,
        queries=True,
    )


async def endpoint(request: Request, question: Annotated[FeedQuestion, Query()]) -> Response:
    running = running_of(request)
    return await running.reading.run(lambda: told(page(running, question)))


def page(running: Running, question: FeedQuestion) -> bytes:
    chosen = question.model_copy(update={"type": tags_of(question.type)})
    must_be_of_this_log(question.after, running.log.position())
    found = stretch(running, chosen)
    return as_json({"events": found.events, "next": found.next, "position": found.position}).encode()


def tags_of(types: Sequence[str]) -> list[str]:
    """The type tags that are asked for, as a webhook asks for them; none: all."""
    with understood("type"):
        return Wanted(types=tuple(types)).tags() if types else []


@dataclass(frozen=True, slots=True)
class Stretch:
    """The fields of Feed, as they are sent."""

    events: list[dict[str, Any]]
    next: int
    position: int


def stretch(running: Running, question: FeedQuestion) -> Stretch:
    limit = SCANNED if question.type else question.limit
    # Asked for before the feed is read, so that `next` never passes it by an event that was not looked at.
    last = running.log.position()
    found = read_feed(running.log, question.after, limit, question.type)
    looked_through = max(question.after, min(question.after + limit, last))
    if found.height > question.limit:
        found = found.head(question.limit)
        looked_through = int(found["position"][-1])
    elif found.height:
        looked_through = max(looked_through, int(found["position"][-1]))
    return Stretch([plain(row) for row in found.iter_rows(named=True)], looked_through, max(last, looked_through))


def must_be_of_this_log(after: int, last: int) -> None:
    """Who read further than the log goes read another one: before a restore, say."""
    if after > last:
        raise Refused("gone", f"this log ends at {last}: what was read up to {after} was another one's")


def as_json(told: Any) -> str:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def plain(row: dict[str, Any]) -> dict[str, Any]:
    told = {name: value for name, value in row.items() if name != "payload"}
    told |= {name: str(UUID(hex=row[name])) for name in ("event_id", "stream_id", "actor")}
    told |= {name: rfc3339(row[name]) for name in ("occurred_at", "recorded_at")}
    return {**told, "data": json.loads(row["payload"])}
