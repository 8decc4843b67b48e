"""The database itself refuses to change history."""

from uuid import uuid4

import pytest
from sqlalchemy.exc import DBAPIError

from engine.log.application import Log
from tests.log.entries import OPENED, rows_of, signal, write

CHANGES = [
    "UPDATE events SET payload = '{}'",
    "UPDATE events SET occurred_at = 0 WHERE position = 1",
    "DELETE FROM events",
    "DELETE FROM events WHERE position = 2",
]


@pytest.mark.parametrize("statement", CHANGES)
def test_events_are_neither_changed_nor_deleted(log: Log, statement: str) -> None:
    log.append([write(uuid4(), 0, OPENED, signal("trial"))])
    before = rows_of(log)
    with log.engine.connect() as connection, pytest.raises(DBAPIError, match="events are never"):
        connection.exec_driver_sql(statement)
    assert rows_of(log) == before


def test_events_are_not_truncated_on_postgresql(postgres_url: str) -> None:
    log = Log(postgres_url)
    log.append([write(uuid4(), 0, OPENED)])
    for statement in ("TRUNCATE events", "UPDATE events SET version = 9 WHERE false"):
        with log.engine.connect() as connection, pytest.raises(DBAPIError, match="events are never"):
            connection.exec_driver_sql(statement)
    assert log.position() == 1
    log.close()


@pytest.mark.parametrize("position", [1, 2, 3, 5])
def test_events_are_not_replaced_or_put_out_of_order_on_sqlite(sqlite_url: str, position: int) -> None:
    log = Log(sqlite_url)
    log.append([write(uuid4(), 0, OPENED, signal("trial"))])
    before = rows_of(log)
    row = (position, *before[0][1:])
    with log.engine.connect() as connection, pytest.raises(DBAPIError, match=r"events are never|after the last one"):
        connection.exec_driver_sql(f"INSERT OR REPLACE INTO events VALUES ({', '.join('?' * len(row))})", row)
    assert rows_of(log) == before
    log.close()


def test_events_are_not_overwritten_on_conflict_on_postgresql(postgres_url: str) -> None:
    log = Log(postgres_url)
    log.append([write(uuid4(), 0, OPENED)])
    with log.engine.connect() as connection, pytest.raises(DBAPIError, match="events are never"):
        connection.exec_driver_sql(
            "INSERT INTO events SELECT * FROM events ON CONFLICT (position) DO UPDATE SET payload = '{}'"
        )
    log.close()
