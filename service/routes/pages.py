"""Cursors of lists that pin what the first page saw: the moment, the log's position, the definition, the question."""

import base64
import binascii
import json
from datetime import UTC, datetime
from hashlib import sha256

from sqlalchemy import select

from engine.log.application import Log
from engine.log.tables import events
from engine.projections.lens import Lens
from engine.projections.look import Look
from engine.values import to_micros
from service.http_errors import Refused
from service.question import Problem, Unclear
from service.running import Running

MOST = to_micros(datetime.max.replace(tzinfo=UTC))
"""of a number in a cursor: it may be a moment"""


def cursor(log: Log, look: Look, question: str, following: str) -> str:
    """question: what must stay the same from page to page; following: the list's own cursor."""
    told = [log.log_id.hex, look.pipeline, look.version, look.as_of, look.known_at, look.position]
    text = json.dumps([*told, digest(question), following], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def resumed(running: Running, after: str, question: str, *, live: bool) -> tuple[Look, str]:
    """The look that the first page was made from, and the list's own cursor. live: it was asked for without as_of."""
    try:
        told = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
        log_id, pipeline, version, as_of, known_at, position, asked, following = told
        moments = [as_of] if known_at is None else [as_of, known_at]
        if not all(isinstance(each, str) for each in (log_id, pipeline, asked, following)):
            raise ValueError(after)
        if not all(type(each) is int and abs(each) <= MOST for each in (version, position, *moments)):
            raise ValueError(after)
    except (binascii.Error, ValueError, TypeError):
        raise Unclear([Problem("after", "this is no cursor: use `next` of the page before, or leave it out")]) from None
    if asked != digest(question):
        raise Unclear([Problem("after", "the cursor continues another question: ask for the first page again")])
    recorded_at = recorded(running.log, position) if log_id == running.log.log_id.hex else None
    if recorded_at is None:
        raise Refused("gone", "after: this list was made from another database: ask for the first page again")
    by_then = recorded_at if known_at is None else min(known_at, recorded_at)
    look = running.pinned((pipeline, version, as_of, known_at, position), Lens(as_of, by_then, version, live=live))
    return look, following


def recorded(log: Log, position: int) -> int | None:
    """When the event at the position was recorded, in microseconds; None where there is none."""
    with log.engine.connect() as connection:
        found: int | None = connection.execute(
            select(events.c.recorded_at).where(events.c.position == position)
        ).scalar()
    return 0 if position == 0 else found


def digest(question: str) -> str:
    return sha256(question.encode()).hexdigest()[:16]
