"""One sender a webhook: who sends holds a lease with a fencing token, and every write of its is checked against it.

The token grows with every holder. A sender that was held up (a paused process, a lost network) and comes back finds a
greater one and writes nothing any more, whatever its own clock says.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Engine, select, update
from sqlalchemy.exc import DBAPIError

from engine.log.connect import SQLITE
from engine.log.history import require_version
from engine.log.identity import from_database, to_database
from engine.log.locked import begin_sqlite
from engine.log.tables import webhooks

LEASE_SECONDS = 30.0
RENEW_SECONDS = 10.0
_SLACK = 1_000_000
"""microseconds that a clock may be set back without a lease being taken for one of a wrong clock"""


class Lost(Exception):
    """Somebody else is sending by now, or the webhook was changed, paused or removed."""


@dataclass(frozen=True, slots=True)
class Lease:
    webhook_id: UUID
    fence: int


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Commits at its end, rolls back when the block raises. OtherHistory where the schema is another by now."""
    with engine.connect() as connection:
        try:
            if engine.dialect.name == SQLITE:
                begin_sqlite(connection)
            else:
                connection.exec_driver_sql("BEGIN")
            require_version(connection.exec_driver_sql("SELECT schema_version FROM meta").scalar_one())
            yield connection
            connection.exec_driver_sql("COMMIT")
        except BaseException:
            try:
                connection.exec_driver_sql("ROLLBACK")
            except DBAPIError:
                # The connection is broken, or nothing was begun: it must not go back to the pool as it is.
                connection.invalidate()
            raise


def clock(connection: Connection) -> int:
    """Microseconds; the database's (SQLite: the machine's), so that processes agree on when a lease is over."""
    if connection.dialect.name == SQLITE:
        return time.time_ns() // 1000
    told = connection.exec_driver_sql("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
    return int(told.scalar_one())


def until(now: int) -> int:
    """When a lease that is taken now runs out."""
    return now + round(LEASE_SECONDS * 1_000_000)


def is_free(now: int) -> ColumnElement[bool]:
    """Not paused, and nobody sends for it. A lease for longer than one is ever given is of a clock that was wrong."""
    over = (webhooks.c.leased_until < now) | (webhooks.c.leased_until > until(now) + _SLACK)
    return webhooks.c.paused_at.is_(None) & over


def free(engine: Engine) -> list[UUID]:
    """Webhooks that are not paused and nobody sends for."""
    with engine.connect() as connection:
        asked = select(webhooks.c.webhook_id).where(is_free(clock(connection)))
        return [from_database(row.webhook_id) for row in connection.execute(asked)]


def acquire(engine: Engine, webhook_id: UUID) -> Lease | None:
    """None where somebody else was first."""
    with transaction(engine) as connection:
        now = clock(connection)
        here = webhooks.c.webhook_id == to_database(connection, webhook_id)
        taken = connection.execute(
            update(webhooks).where(here, is_free(now)).values(fence=webhooks.c.fence + 1, leased_until=until(now))
        )
        if not taken.rowcount:
            return None
        return Lease(webhook_id, connection.execute(select(webhooks.c.fence).where(here)).scalar_one())


@contextmanager
def held(engine: Engine, lease: Lease) -> Iterator[tuple[Connection, int]]:
    """A transaction of the holder, and its moment; it renews the lease. Lost where it is no longer the holder."""
    with transaction(engine) as connection:
        now = clock(connection)
        renewed = connection.execute(
            update(webhooks)
            .where(webhooks.c.webhook_id == to_database(connection, lease.webhook_id), webhooks.c.fence == lease.fence)
            .values(leased_until=until(now))
        )
        if not renewed.rowcount:
            raise Lost
        yield connection, now


def check(engine: Engine, lease: Lease) -> None:
    """Lost where it is no longer the holder. Asked before something is sent: a change takes the lease at any time."""
    with engine.connect() as connection:
        here = webhooks.c.webhook_id == to_database(connection, lease.webhook_id)
        if connection.execute(select(webhooks.c.fence).where(here)).scalar_one_or_none() != lease.fence:
            raise Lost


def release(engine: Engine, lease: Lease) -> None:
    """The next sender need not wait for the lease to run out."""
    with transaction(engine) as connection:
        connection.execute(
            update(webhooks)
            .where(webhooks.c.webhook_id == to_database(connection, lease.webhook_id), webhooks.c.fence == lease.fence)
            .values(leased_until=0)
        )
