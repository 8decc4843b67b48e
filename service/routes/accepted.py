"""The answer to a command that was accepted."""

from typing import Any
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel, ConfigDict
from pydantic_core import to_json

from engine.aggregates.pipeline.events import DefinitionDrafted, PipelineCreated
from engine.aggregates.roster.events import RepEnrolled
from engine.handle import Outcome
from engine.messages import Event
from engine.projections.lens import DRAFT
from service.routes.examples import ACCEPTED
from service.running import Running


class Written(BaseModel):
    """One event that came of the command."""

    event_id: UUID
    stream_id: UUID
    type: str
    version: int
    position: int
    draft: str | None = None
    """of a draft: draft:N, which questions name it by"""
    draft_id: UUID | None = None
    """of a draft: which publish and discard-draft name it by"""


class Accepted(BaseModel):
    """What came of a command. The same Idempotency-Key gives it again (with Idempotent-Replayed: true)."""

    model_config = ConfigDict(json_schema_extra={"example": ACCEPTED})

    stream_id: UUID
    """the lead, deal, pipeline or rep that it changed or began; of a conversion the deal"""
    version: int
    """of that stream now: the next If-Match"""
    position: int
    """of the log: an answer at this position or a later one knows of it"""
    events: list[Written]
    """none when there was nothing to do"""


def accepted(running: Running, outcome: Outcome, begun_at: str | None) -> Response:
    """begun_at: the address of what it began."""
    # In the shape of Accepted: building the models would take longer than writing them out.
    body = {
        "stream_id": outcome.stream_id,
        "version": outcome.version,
        "position": running.log.position() if outcome.position is None else outcome.position,
        "events": [
            {
                "event_id": each.event_id,
                "stream_id": each.stream_id,
                "type": each.event.TOPIC,
                "version": each.version,
                "position": each.position,
                **named(each.event),
            }
            for each in outcome.events
        ],
    }
    headers = {"ETag": f'"{outcome.version}"', "Cache-Control": "no-store"}
    if outcome.repeated:
        headers["Idempotent-Replayed"] = "true"
    if begun_at is not None:
        headers["Location"] = begun_at
    return Response(to_json(body), 200 if begun_at is None else 201, headers, "application/json")


def address_of(path: str, outcome: Outcome) -> str:
    """Of what a command sent to this path began."""
    match outcome.events[0].event:
        case PipelineCreated() as created:
            return f"{path}/{created.key}"
        case RepEnrolled() as enrolled:
            return f"{path}/{enrolled.rep}"
        case _:
            return f"{path}/{outcome.stream_id}"


def named(event: Event) -> dict[str, Any]:
    """What one needs to speak of it again, besides its ids."""
    if isinstance(event, DefinitionDrafted):
        return {"draft": f"{DRAFT}{event.number}", "draft_id": event.draft_id}
    return {}
