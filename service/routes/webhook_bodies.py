"""What is told and taken of webhooks over HTTP."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from engine.values import Label, Number, Value, Whole
from service.notices.parked import Parked
from service.notices.wanted import Wanted
from service.routes.bodies import Printable

Position = Annotated[Whole, Field(ge=0, lt=2**62)]


class Kept(BaseModel):
    """A webhook, and how it is doing."""

    model_config = ConfigDict(from_attributes=True)

    webhook_id: UUID
    url: str
    wanted: Wanted
    position: int
    """of the log, looked through to"""
    created_at: datetime
    changed_at: datetime
    changed_by: UUID
    paused_at: datetime | None
    paused_because: str | None
    failures: int
    """attempts in a row that failed"""
    problem: str | None
    answered_at: datetime | None
    waiting: int
    """notices to be tried again, or behind one that is"""
    parked: int
    """notices that were given up"""


class WithSecret(Kept):
    secret: str
    """signs what is sent; shown by the command that made it, and its retries"""


class Webhooks(BaseModel):
    webhooks: list[Kept]
    position: int
    """of the log's last event"""


class ParkedNotices(BaseModel):
    parked: list[Parked]
    next: int | None
    """ask again after it"""


class Tried(BaseModel):
    accepted: bool
    status: int | None
    problem: str | None
    seconds: float


class Removed(BaseModel):
    webhook_id: UUID


class ParkedQuestion(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    after: Annotated[int, Field(ge=0, lt=2**62)] = 0
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class Nothing(Value):
    """{}"""


class NewWebhook(Value):
    url: Annotated[str, Field(max_length=2_000, examples=["https://example.com/hooks"])]
    wanted: Wanted = Wanted()
    after: Position | None = None
    """begin behind this position of the log; 0: all history; without it: from now on"""


class Rotate(Value):
    hours: Annotated[Number, Field(ge=0, le=8_760)] = 24.0
    """how long the old secret still signs too"""


class Pause(Printable):
    reason: Label


class Retry(Value):
    position: Position | None = None
    """this notice alone; without it: all that are parked"""


class Replay(Value):
    after: Position
    """everything wanted behind this position is sent again, with the ids it had; 0: all history"""
