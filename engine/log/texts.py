"""Free texts behind the references of events. The table is erasable; with a row goes the salt of its hash."""

import os
from collections.abc import Iterable
from hashlib import sha256
from uuid import UUID, uuid4

from sqlalchemy import select

from engine.log import tables
from engine.log.application import Log
from engine.log.identity import from_database, to_database
from engine.log.writes import Text
from engine.values import TextRef

_ASKED = 500


def new_text(stream_id: UUID, body: str) -> tuple[Text, TextRef]:
    """The row for the table and the reference for the event."""
    text = Text(uuid4(), stream_id, body, os.urandom(16))
    return text, TextRef(text_id=text.text_id, hash=digest(text.salt, body))


def digest(salt: bytes, body: str) -> str:
    """What a TextRef holds: proof that the text is unchanged, and nothing without the salt."""
    return sha256(salt + body.encode()).hexdigest()


def texts(log: Log, ids: Iterable[UUID]) -> dict[UUID, str]:
    """The bodies of those that are not erased."""
    table, wanted, found = tables.texts, list(ids), {}
    with log.engine.connect() as connection:
        for start in range(0, len(wanted), _ASKED):
            some = [to_database(connection, text_id) for text_id in wanted[start : start + _ASKED]]
            for row in connection.execute(select(table.c.text_id, table.c.body).where(table.c.text_id.in_(some))):
                found[from_database(row.text_id)] = row.body
    return found
