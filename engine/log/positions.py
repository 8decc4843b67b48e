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


def causes(log: Log, positions: Iterable[int]) -> dict[int, UUID]:
    """event_id of what caused each event, of those that have a cause."""
    wanted = sorted(set(positions))
    found: dict[int, UUID] = {}
    with log.engine.connect() as connection:
        for start in range(0, len(wanted), _ASKED):
            some = events.c.position.in_(wanted[start : start + _ASKED]) & events.c.causation_id.is_not(None)
            for row in connection.execute(select(events.c.position, events.c.causation_id).where(some)):
                found[row.position] = from_database(row.causation_id)
    return found


def recorded_at(log: Log, position: int) -> int | None:
    """When the event at the position was recorded (microseconds); of position 0 it is 0; None where there is none."""
    with log.engine.connect() as connection:
        found: int | None = connection.execute(
            select(events.c.recorded_at).where(events.c.position == position)
        ).scalar()
    return 0 if position == 0 else found


def position_at(log: Log, recorded_at: int) -> int:
    """The last position that was recorded at or before that moment (microseconds); 0: none was."""
    first, end = 0, log.position()
    with log.engine.connect() as connection:
        # Recording times rise with positions, which have no holes: halving finds the place without an index of its own.
        while first < end:
            middle = (first + end + 1) // 2
            asked = select(events.c.recorded_at).where(events.c.position == middle)
            first, end = (middle, end) if connection.execute(asked).scalar_one() <= recorded_at else (first, middle - 1)
    return first
