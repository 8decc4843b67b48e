"""Ids of events by their place in the log."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select

from engine.log.application import Log
from engine.log.identity import from_database
from engine.log.tables import events

_ASKED = 500


def event_ids(log: Log, positions: Iterable[int]) -> dict[int, UUID]:
    """event_id of each position that the log has."""
    wanted = sorted(set(positions))
    found: dict[int, UUID] = {}
    with log.engine.connect() as connection:
        for start in range(0, len(wanted), _ASKED):
            some = events.c.position.in_(wanted[start : start + _ASKED])
            for row in connection.execute(select(events.c.position, events.c.event_id).where(some)):
                found[row.position] = from_database(row.event_id)
    return found
