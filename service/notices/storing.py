"""What a sender keeps: in one transaction what came of its attempts, what waits, and how far it has looked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, bindparam, delete, insert, select, update

from engine.log.identity import from_database, to_database
from engine.log.tables import webhook_notices, webhooks
from service.notices.kept_secrets import secrets_of
from service.notices.lease import Lease, held
from service.notices.queue import Notice
from service.notices.signing import Secret
from service.notices.wanted import Wanted


@dataclass(frozen=True, slots=True)
class Taken:
    """A webhook as its sender takes it up."""

    url: str
    wanted: Wanted
    secrets: Sequence[Secret]
    """sealed"""
    position: int
    failures: int
    answered_at: int | None
    """microseconds; None until something is accepted"""
    notices: Sequence[Notice]
    now: int
    """the database's clock, by which all these times are (microseconds)"""


@dataclass
class News:
    """What changed since the sender wrote last."""

    done: list[int] = field(default_factory=list)
    """positions that were delivered"""
    put_off: list[Notice] = field(default_factory=list)
    parked: list[Notice] = field(default_factory=list)
    queued: list[Notice] = field(default_factory=list)
    paused_because: str | None = None

    def __bool__(self) -> bool:
        return bool(self.done or self.put_off or self.parked or self.queued or self.paused_because)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far it has looked, and how its receiver is doing."""

    position: int
    failures: int
    problem: str | None
    answered_at: int | None


def take_up(engine: Engine, lease: Lease) -> Taken:
    """All that its sender needs to know. Lost where somebody else is sending by now."""
    with held(engine, lease) as (connection, now):
        here = webhooks.c.webhook_id == to_database(connection, lease.webhook_id)
        row = connection.execute(select(webhooks).where(here)).one()
        waiting = connection.execute(
            select(webhook_notices).where(
                webhook_notices.c.webhook_id == to_database(connection, lease.webhook_id),
                webhook_notices.c.parked_at.is_(None),
            )
        )
        return Taken(
            row.url,
            Wanted.model_validate_json(row.wanted),
            secrets_of(connection, lease.webhook_id),
            row.position,
            row.failures,
            row.answered_at,
            [
                Notice(
                    each.position, from_database(each.journey), each.queued_at, each.due_at, each.attempts, each.problem
                )
                for each in waiting
            ],
            now,
        )


def store(engine: Engine, lease: Lease, news: News, standing: Standing) -> None:
    """All of it or nothing. Lost, and nothing written, where somebody else is sending by now."""
    with held(engine, lease) as (connection, now):
        webhook = to_database(connection, lease.webhook_id)
        # First in, so that what was queued and done since the last time leaves no row.
        done = set(news.done)
        _insert(connection, lease.webhook_id, [notice for notice in news.queued if notice.position not in done])
        here = (webhook_notices.c.webhook_id == webhook) & (webhook_notices.c.position == bindparam("at"))
        if done:
            connection.execute(delete(webhook_notices).where(here), [{"at": position} for position in done])
        if news.put_off:
            again: dict[str, Any] = {
                "attempts": bindparam("tries"),
                "due_at": bindparam("due"),
                "problem": bindparam("why"),
            }
            connection.execute(
                update(webhook_notices).where(here).values(again),
                [
                    {"at": each.position, "tries": each.attempts, "due": each.due_at, "why": each.problem}
                    for each in news.put_off
                ],
            )
        if news.parked:
            given_up: dict[str, Any] = {"attempts": bindparam("tries"), "parked_at": now, "problem": bindparam("why")}
            connection.execute(
                update(webhook_notices).where(here).values(given_up),
                [{"at": each.position, "tries": each.attempts, "why": each.problem} for each in news.parked],
            )
        told: dict[str, Any] = {
            "position": standing.position,
            "failures": standing.failures,
            "problem": standing.problem,
            "answered_at": standing.answered_at,
        }
        if news.paused_because is not None:
            told |= {"paused_at": now, "paused_because": news.paused_because}
        connection.execute(update(webhooks).where(webhooks.c.webhook_id == webhook).values(told))


def _insert(connection: Connection, webhook_id: UUID, notices: Sequence[Notice]) -> None:
    if not notices:
        return
    connection.execute(
        insert(webhook_notices),
        [
            {
                "webhook_id": to_database(connection, webhook_id),
                "position": each.position,
                "journey": to_database(connection, each.journey),
                "queued_at": each.queued_at,
                "attempts": each.attempts,
                "due_at": each.due_at,
                "problem": each.problem,
            }
            for each in notices
        ],
    )
