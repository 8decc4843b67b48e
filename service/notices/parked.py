"""Notices that were given up, and sending again: one, all of them, or everything from a position on."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update

from engine.errors import NotFound, Rejected
from engine.log.application import Log
from engine.log.identity import from_database, to_database
from engine.log.tables import events, webhook_notices, webhooks
from engine.values import from_micros
from service.notices.changes import Change, once, touched
from service.notices.webhooks import Webhook, get


@dataclass(frozen=True, slots=True)
class Parked:
    """A notice that nobody accepted for days."""

    position: int
    event_id: UUID
    type: str
    journey: UUID
    queued_at: datetime
    parked_at: datetime
    attempts: int
    problem: str | None


def parked(log: Log, webhook_id: UUID, *, after: int = 0, limit: int = 500) -> list[Parked]:
    """By position, those behind `after`."""
    get(log, webhook_id)
    with log.engine.connect() as connection:
        notices = webhook_notices.c
        asked = (
            select(webhook_notices, events.c.event_id, events.c.type)
            .join(events, events.c.position == notices.position)
            .where(
                notices.webhook_id == to_database(connection, webhook_id),
                notices.parked_at.is_not(None),
                notices.position > after,
            )
            .order_by(notices.position)
            .limit(limit)
        )
        rows = connection.execute(asked).all()
    return [
        Parked(
            row.position,
            from_database(row.event_id),
            row.type,
            from_database(row.journey),
            from_micros(row.queued_at),
            from_micros(row.parked_at),
            row.attempts,
            row.problem,
        )
        for row in rows
    ]


def retry(log: Log, change: Change, webhook_id: UUID, position: int | None = None) -> Webhook:
    """What is parked, or the one at the position, is tried again, for days if need be. NotFound: nothing is parked."""
    with once(), touched(log, change, webhook_id) as (connection, now):
        notices = webhook_notices.c
        here = (notices.webhook_id == to_database(connection, webhook_id)) & notices.parked_at.is_not(None)
        if position is not None:
            here &= notices.position == position
        again = update(webhook_notices).where(here).values(parked_at=None, attempts=0, due_at=now, queued_at=now)
        if not connection.execute(again).rowcount and position is not None:
            raise NotFound(f"nothing is parked at position {position}: the list of parked notices shows what is")
    return get(log, webhook_id)


def replay(log: Log, change: Change, webhook_id: UUID, after: int) -> Webhook:
    """Everything that is wanted behind the position is sent again, with the ids it had."""
    if not 0 <= after <= log.position():
        raise Rejected(f"after {after}: the log has the positions 0 to {log.position()}")
    with once(), touched(log, change, webhook_id) as (connection, _):
        webhook = to_database(connection, webhook_id)
        later = webhook_notices.c.position > after
        connection.execute(delete(webhook_notices).where(webhook_notices.c.webhook_id == webhook, later))
        connection.execute(update(webhooks).where(webhooks.c.webhook_id == webhook).values(position=after))
    return get(log, webhook_id)
