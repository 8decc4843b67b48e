"""How a webhook is changed: in one transaction, once, by somebody, and the lease goes to whoever sends next.

So whoever is sending stops before its next write, and who sends next sees what was changed.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID, uuid4

from sqlalchemy import Connection, update

from engine.errors import NotFound
from engine.log.application import Log
from engine.log.identity import to_database
from engine.log.locked import append_lock
from engine.log.repeats import AlreadyDone, repeated
from engine.log.sides import command_row, insert_commands
from engine.log.tables import webhooks
from engine.log.writes import CommandRecord


@dataclass(frozen=True, slots=True)
class Change:
    """Who changes a webhook, and the id that makes a retry of it the same change."""

    actor: UUID
    command_id: UUID
    body: str = ""
    """what is asked, so that the same id with something else is somebody's mistake"""


@contextmanager
def changing(log: Log, change: Change, webhook_id: UUID) -> Iterator[tuple[Connection, int]]:
    """A transaction and its moment (microseconds); AlreadyDone, before anything is done, where it was made before."""
    fingerprint = sha256(change.body.encode()).hexdigest()
    record = CommandRecord(change.command_id, fingerprint, {"webhook_id": webhook_id})
    with append_lock(log.engine, (), [change.command_id]) as writing:
        if change.command_id in writing.head.commands:
            raise repeated(record, *writing.head.commands[change.command_id])
        insert_commands(writing, [command_row(record, writing.head.position, writing.head.next_recorded_at)])
        yield writing.connection, writing.head.next_recorded_at


@contextmanager
def touched(log: Log, change: Change, webhook_id: UUID) -> Iterator[tuple[Connection, int]]:
    """As changing, of a webhook that is there; whoever is sending for it stops. NotFound where it is not there."""
    with changing(log, change, webhook_id) as (connection, now):
        found = connection.execute(
            update(webhooks)
            .where(webhooks.c.webhook_id == to_database(connection, webhook_id))
            .values(
                fence=webhooks.c.fence + 1,
                leased_until=0,
                changed_at=now,
                changed_by=to_database(connection, change.actor),
            )
        )
        if not found.rowcount:
            raise NotFound(f"there is no webhook {webhook_id}: the list of webhooks shows all")
        yield connection, now


def once() -> suppress:
    """What was done before is done."""
    return suppress(AlreadyDone)


def new_change(actor: UUID) -> Change:
    """One that is not sent twice."""
    return Change(actor, uuid4())
