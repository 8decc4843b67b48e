"""Ids as each database keeps them: uuid on PostgreSQL, 16 bytes on SQLite."""

from uuid import UUID

from sqlalchemy import Connection, Engine

from engine.log.connect import SQLITE


def to_database(where: Engine | Connection, value: UUID) -> UUID | bytes:
    return value.bytes if where.dialect.name == SQLITE else value


def from_database(stored: UUID | bytes) -> UUID:
    return UUID(bytes=stored) if isinstance(stored, bytes) else stored


def uuid_of(text: str) -> UUID | None:
    """The id that the text is; None where it is something else, such as a key."""
    try:
        return UUID(text)
    except ValueError:
        return None
