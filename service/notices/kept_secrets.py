"""The secrets of webhooks as they are kept: sealed (sealing.py), each with the time at which it ends."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID, uuid5

from sqlalchemy import Connection, insert, select, update

from engine.errors import Rejected
from engine.log.application import Log
from engine.log.identity import to_database
from engine.log.tables import webhook_secrets
from service.notices.changes import Change
from service.notices.lease import transaction
from service.notices.sealing import seal, unseal
from service.notices.signing import Secret, new_secret


def add_secret(connection: Connection, url: str, webhook_id: UUID, change: Change, now: int) -> None:
    """url: of the log. Rejected where there is no key to seal it by."""
    connection.execute(
        insert(webhook_secrets).values(
            secret_id=to_database(connection, uuid5(change.command_id, "secret")),
            webhook_id=to_database(connection, webhook_id),
            secret=seal(url, new_secret()),
            created_at=now,
        )
    )


def secrets_of(connection: Connection, webhook_id: UUID) -> list[Secret]:
    """The newest first, sealed."""
    here = webhook_secrets.c.webhook_id == to_database(connection, webhook_id)
    asked = select(webhook_secrets.c.secret, webhook_secrets.c.ends_at).where(here)
    rows = connection.execute(asked.order_by(webhook_secrets.c.created_at.desc())).all()
    return [Secret(row.secret, row.ends_at) for row in rows]


def unsealed(url: str, secrets: Sequence[Secret]) -> list[Secret]:
    """As one signs with them. Rejected where the key of one is not there."""
    return [replace(secret, text=unseal(url, secret.text)) for secret in secrets]


def secret_of(log: Log, change: Change) -> str:
    """The secret that this change made; Rejected where it has ended since."""
    with log.engine.connect() as connection:
        made = to_database(connection, uuid5(change.command_id, "secret"))
        asked = select(webhook_secrets.c.secret).where(webhook_secrets.c.secret_id == made)
        found: str | None = connection.execute(asked).scalar_one_or_none()
    if found is None:
        raise Rejected("the secret that this command made has ended since: ask for another (rotate)")
    return unseal(log.url, found)


def seal_anew(log: Log) -> int:
    """Every secret by the first key of the key file, also one that was kept open; how many. Rejected: a key is gone."""
    with transaction(log.engine) as connection:
        rows = connection.execute(select(webhook_secrets.c.secret_id, webhook_secrets.c.secret)).all()
        for row in rows:
            here = webhook_secrets.c.secret_id == row.secret_id
            again = seal(log.url, unseal(log.url, row.secret))
            connection.execute(update(webhook_secrets).where(here).values(secret=again))
    return len(rows)
