"""API keys: made once and shown once; what is kept is a hash, whose it is, its role, until when.

A key is `dt_PREFIX_SECRET`. The prefix is shown in lists and logs; the secret is 256 random bits, so that its plain
SHA-256 can't be guessed back.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal, get_args
from uuid import UUID, uuid4

from sqlalchemy import Row, Select, select

from engine.errors import NotFound, Rejected
from engine.log.application import Log
from engine.log.identity import from_database, to_database, uuid_of
from engine.log.people import ensure_people, find_person
from engine.log.tables import api_keys
from engine.values import from_micros, to_micros

Role = Literal["rep", "manager", "ops", "auditor", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
BEGINS = "dt_"
LONGEST = 200
"""characters of a key that is looked up at all"""


@dataclass(frozen=True, slots=True)
class Key:
    """An API key as it is kept."""

    key_id: UUID
    prefix: str
    person_id: UUID
    role: Role
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def valid(self, at: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


def create_key(
    log: Log, person_id: UUID, role: Role, *, now: datetime, expires_at: datetime | None = None
) -> tuple[str, Key]:
    """A new key and the text of it, which nobody can ever see again."""
    if expires_at is not None and expires_at <= now:
        raise Rejected(f"the key would have expired already ({expires_at.isoformat()}): give it some days")
    prefix = secrets.token_hex(4)
    text = f"{BEGINS}{prefix}_{secrets.token_urlsafe(32)}"
    key = Key(uuid4(), prefix, person_id, role, now, expires_at, None)
    with log.engine.connect() as connection:
        row = {
            "key_id": to_database(connection, key.key_id),
            "prefix": prefix,
            "hash": hashed(text),
            "person_id": to_database(connection, person_id),
            "role": role,
            "created_at": to_micros(now),
            "expires_at": None if expires_at is None else to_micros(expires_at),
        }
        connection.execute(api_keys.insert().values(row))
    return text, key


def find_key(log: Log, text: str) -> Key | None:
    """The key of this text, valid or not; None where there is none."""
    if len(text) > LONGEST:
        return None
    found = read(log, select(api_keys).where(api_keys.c.hash == hashed(text)))
    return found[0] if found else None


def list_keys(log: Log) -> list[Key]:
    """All keys that ever were, the oldest first."""
    return read(log, select(api_keys).order_by(api_keys.c.created_at))


def revoke_key(log: Log, prefix: str, now: datetime) -> Key:
    """From now on nobody comes in with it; of one that is revoked already, the first time stands."""
    found = read(log, select(api_keys).where(api_keys.c.prefix == prefix))
    if not found:
        raise NotFound(f"no key begins with {prefix!r}: `dealtrail keys list` shows the prefixes")
    revoke(log, api_keys.c.prefix == prefix, now)
    return read(log, select(api_keys).where(api_keys.c.prefix == prefix))[0]


def revoke_keys_of(log: Log, person_id: UUID, now: datetime) -> None:
    """All keys of a person who is erased."""
    revoke(log, api_keys.c.person_id == to_database(log.engine, person_id), now)


def revoke(log: Log, which: Any, now: datetime) -> None:
    with log.engine.connect() as connection:
        connection.execute(
            api_keys.update().where(which, api_keys.c.revoked_at.is_(None)).values(revoked_at=to_micros(now))
        )


def owner_of_key(log: Log, named: str, *, source: str = "login") -> UUID:
    """person_id of who is named by id, source:key or key; who is nobody yet is added under the source.

    Rejected where several people have the key.
    """
    try:
        return find_person(log, named).person_id
    except NotFound:
        if uuid_of(named) is not None:
            raise
    before, colon, key = named.partition(":")
    if colon:
        source, named = before, key
    return ensure_people(log, [("actor", source, named)])[source, named].person_id


def hashed(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def read(log: Log, asked: Select[Any]) -> list[Key]:
    with log.engine.connect() as connection:
        rows: Sequence[Row[Any]] = connection.execute(asked).all()
    return [
        Key(
            from_database(row.key_id),
            row.prefix,
            from_database(row.person_id),
            row.role,
            from_micros(row.created_at),
            moment(row.expires_at),
            moment(row.revoked_at),
        )
        for row in rows
    ]


def moment(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)
