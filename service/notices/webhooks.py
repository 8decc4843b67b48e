"""Webhooks as they are kept: made, listed, paused, given another secret, removed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from sqlalchemy import Row, delete, func, insert, select, update

from engine.errors import NotFound, Rejected
from engine.log.application import Log
from engine.log.identity import from_database, to_database
from engine.log.tables import webhook_notices, webhook_secrets, webhooks
from engine.streams import load_pipeline
from engine.values import from_micros
from service.notices.addresses import Network
from service.notices.changes import Change, changing, once, touched
from service.notices.kept_secrets import add_secret, secret_of
from service.notices.urls import checked_url
from service.notices.wanted import Wanted

HOUR: Final = 3_600_000_000
MOST: Final = 1_000
"""webhooks; each costs every process a query a second"""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Who is told, of what, and how that is going."""

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
    fence: int
    """how often a sender has taken it up, or it was changed"""
    failures: int
    """attempts in a row that failed"""
    problem: str | None
    """of the last attempt, where it failed"""
    answered_at: datetime | None
    """when the receiver accepted something last"""
    waiting: int
    parked: int


def add(
    log: Log,
    change: Change,
    url: str,
    wanted: Wanted,
    *,
    after: int | None = None,
    inside: Sequence[Network] = (),
) -> tuple[Webhook, str]:
    """A new webhook and its secret. after: the position it begins behind; None: what is recorded from now on.

    inside: networks that notices may go to besides the world. The same change again gives the same answer.
    """
    url = checked_url(url, inside)
    for key in wanted.pipelines:
        if load_pipeline(log, key).key is None:
            raise Rejected(f"pipelines: there is no pipeline {key!r}: the list of pipelines shows all")
    webhook_id = uuid5(change.command_id, "webhook")
    position = log.position() if after is None else after
    if not 0 <= position <= log.position():
        raise Rejected(f"after {after}: the log has the positions 0 to {log.position()}")
    with once(), changing(log, change, webhook_id) as (connection, now):
        if connection.execute(select(func.count()).select_from(webhooks)).scalar_one() >= MOST:
            raise Rejected(f"there are {MOST} webhooks already: remove one first")
        connection.execute(
            insert(webhooks).values(
                webhook_id=to_database(connection, webhook_id),
                url=url,
                wanted=wanted.model_dump_json(),
                position=position,
                created_at=now,
                changed_at=now,
                changed_by=to_database(connection, change.actor),
            )
        )
        add_secret(connection, log.url, webhook_id, change, now)
    return get(log, webhook_id), secret_of(log, change)


def rotate(log: Log, change: Change, webhook_id: UUID, *, hours: float) -> tuple[Webhook, str]:
    """A new secret. Notices are signed with the old ones too, for so many hours."""
    with once(), touched(log, change, webhook_id) as (connection, now):
        here = webhook_secrets.c.webhook_id == to_database(connection, webhook_id)
        ends = now + round(hours * HOUR)
        later = webhook_secrets.c.ends_at.is_(None) | (webhook_secrets.c.ends_at > ends)
        connection.execute(update(webhook_secrets).where(here, later).values(ends_at=ends))
        connection.execute(delete(webhook_secrets).where(here, webhook_secrets.c.ends_at <= now))
        add_secret(connection, log.url, webhook_id, change, now)
    return get(log, webhook_id), secret_of(log, change)


def pause(log: Log, change: Change, webhook_id: UUID, because: str) -> Webhook:
    with once(), touched(log, change, webhook_id) as (connection, now):
        here = webhooks.c.webhook_id == to_database(connection, webhook_id)
        connection.execute(
            update(webhooks).where(here, webhooks.c.paused_at.is_(None)).values(paused_at=now, paused_because=because)
        )
    return get(log, webhook_id)


def resume(log: Log, change: Change, webhook_id: UUID) -> Webhook:
    """It goes on where it was; what waits is tried at once."""
    with once(), touched(log, change, webhook_id) as (connection, now):
        here = webhooks.c.webhook_id == to_database(connection, webhook_id)
        connection.execute(update(webhooks).where(here).values(paused_at=None, paused_because=None, failures=0))
        of_it = webhook_notices.c.webhook_id == to_database(connection, webhook_id)
        # What waited meanwhile has its days before it again.
        connection.execute(update(webhook_notices).where(of_it).values(due_at=now, queued_at=now))
    return get(log, webhook_id)


def remove(log: Log, change: Change, webhook_id: UUID) -> None:
    """With its secrets and all it had still to deliver."""
    with once(), touched(log, change, webhook_id) as (connection, _):
        for table in (webhook_notices, webhook_secrets, webhooks):
            connection.execute(delete(table).where(table.c.webhook_id == to_database(connection, webhook_id)))


def get(log: Log, webhook_id: UUID) -> Webhook:
    found = [webhook for webhook in every(log) if webhook.webhook_id == webhook_id]
    if not found:
        raise NotFound(f"there is no webhook {webhook_id}: the list of webhooks shows all")
    return found[0]


def find(log: Log, text: str) -> Webhook:
    """The one whose id begins so; NotFound, or Rejected where several do."""
    digits = text.lower().replace("-", "")
    found = [webhook for webhook in every(log) if webhook.webhook_id.hex.startswith(digits)] if digits else []
    if not found:
        raise NotFound(f"there is no webhook {text!r}: the list of webhooks shows all")
    if len(found) > 1:
        raise Rejected(f"{len(found)} webhooks begin with {text!r}: use more digits")
    return found[0]


def every(log: Log) -> list[Webhook]:
    """All of them, the oldest first."""
    with log.engine.connect() as connection:
        rows = connection.execute(select(webhooks).order_by(webhooks.c.created_at, webhooks.c.webhook_id)).all()
        counted = connection.execute(
            select(webhook_notices.c.webhook_id, func.count(), func.count(webhook_notices.c.parked_at)).group_by(
                webhook_notices.c.webhook_id
            )
        ).all()
    counts = {from_database(webhook): (total - parked, parked) for webhook, total, parked in counted}
    return [_webhook(row, *counts.get(from_database(row.webhook_id), (0, 0))) for row in rows]


def _webhook(row: Row[Any], waiting: int, parked: int) -> Webhook:
    return Webhook(
        from_database(row.webhook_id),
        row.url,
        Wanted.model_validate_json(row.wanted),
        row.position,
        from_micros(row.created_at),
        from_micros(row.changed_at),
        from_database(row.changed_by),
        _moment(row.paused_at),
        row.paused_because,
        row.fence,
        row.failures,
        row.problem,
        _moment(row.answered_at),
        waiting,
        parked,
    )


def _moment(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)
