"""What one append promises: all or nothing, no gaps, increasing times, the version that was expected."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
from sqlalchemy import QueuePool
from sqlalchemy.exc import DBAPIError

from engine.errors import Conflict, Rejected
from engine.log.application import Erasable, Log, Person, StreamKey, StreamWrite
from engine.log.keys import find_stream
from engine.log.people import person
from engine.log.tables import events
from engine.log.texts import new_text, texts
from tests.log.entries import OPENED, entry, envelope_of, rows_of, signal, write


def test_what_was_appended_is_read_back_as_it_was(log: Log) -> None:
    stream, cause = uuid4(), uuid4()
    first = entry(OPENED, stream, 1, envelope_of(uuid4()))
    second = entry(signal("trial"), stream, 2, envelope_of(uuid4(), causation=cause))
    stamped = log.append([StreamWrite(stream, 0, [first, second])])
    assert log.stream(stream) == stamped
    assert [replace(event, position=0, recorded_at=None) for event in stamped] == [first, second]
    assert stamped[1].envelope.causation_id == cause


def test_positions_have_no_holes_and_times_increase(log: Log) -> None:
    stamped = [event for n in range(3) for event in log.append([write(uuid4(), 0, OPENED, signal(str(n)))])]
    assert [event.position for event in stamped] == [1, 2, 3, 4, 5, 6]
    times = [event.recorded_at for event in stamped if event.recorded_at]
    assert all(later - earlier >= timedelta(microseconds=1) for earlier, later in pairwise(times))
    assert len(times) == 6
    assert log.position() == 6


def test_a_clock_that_went_back_does_not_take_the_log_with_it(log: Log) -> None:
    ahead = 4_000_000_000_000_000
    log.append([write(uuid4(), 0, OPENED)])
    first = list(rows_of(log)[0])
    first[0], first[1], first[2], first[6] = 2, uuid4(), uuid4(), ahead
    sqlite = log.engine.dialect.name == "sqlite"
    values = tuple(value.bytes if sqlite and hasattr(value, "bytes") else value for value in first)
    marks = ", ".join(["?" if sqlite else "%s"] * len(values))
    with log.engine.connect() as connection:
        connection.exec_driver_sql(f"INSERT INTO events VALUES ({marks})", values)
    log.append([write(uuid4(), 0, OPENED, signal("later"))])
    assert [row[6] for row in rows_of(log)][1:] == [ahead, ahead + 1, ahead + 2]


@pytest.mark.parametrize("size", [1, 11, 12, 500])
def test_few_and_many_events_are_stored_the_same(log: Log, size: int) -> None:
    stream = uuid4()
    log.append([write(stream, 0, OPENED)])
    log.append([write(stream, 1, *[signal(f"signal {n} 'ü' % \\ \u2028") for n in range(size)])])
    stored = log.stream(stream)
    assert [event.version for event in stored] == list(range(1, size + 2))
    assert [event.event for event in stored[1:]] == [signal(f"signal {n} 'ü' % \\ \u2028") for n in range(size)]


@pytest.mark.parametrize("expected", [0, 1, 3])
def test_another_version_than_expected_is_a_conflict_and_writes_nothing(log: Log, expected: int) -> None:
    stream, other = uuid4(), uuid4()
    log.append([write(stream, 0, OPENED, signal("one"))])
    with pytest.raises(Conflict, match=f"at version 2, not at {expected}"):
        log.append([write(other, 0, OPENED), write(stream, expected, signal("two"))])
    assert log.position() == 2
    assert log.stream(other) == []


def test_several_streams_are_written_together(log: Log) -> None:
    lead, deal = uuid4(), uuid4()
    log.append([write(lead, 0, OPENED)])
    stamped = log.append([write(lead, 1, signal("converted")), write(deal, 0, OPENED)])
    assert [(event.stream_id, event.version, event.position) for event in stamped] == [(lead, 2, 2), (deal, 1, 3)]


def test_a_stream_that_was_only_looked_at_must_not_have_moved(log: Log) -> None:
    looked_at = uuid4()
    log.append([write(looked_at, 0, OPENED)])
    log.append([write(uuid4(), 0, OPENED), StreamWrite(looked_at, 1, [])])
    with pytest.raises(Conflict):
        log.append([write(uuid4(), 0, OPENED), StreamWrite(looked_at, 0, [])])


def test_versions_that_do_not_follow_are_a_programming_error(log: Log) -> None:
    stream = uuid4()
    with pytest.raises(ValueError, match="version 2"):
        log.append([StreamWrite(stream, 0, [entry(OPENED, stream, 2)])])
    with pytest.raises(ValueError, match="once an append"):
        log.append([write(stream, 0, OPENED), write(stream, 1, OPENED)])


def test_people_texts_and_keys_are_written_with_the_events_or_not_at_all(log: Log) -> None:
    stream = uuid4()
    text, reference = new_text(stream, "called back")
    somebody = Person(uuid4(), "customer", "crm", "c-1", "N. N.", None, "+49 30 1")
    erasable = Erasable([somebody], [text], [StreamKey(stream, "crm", "d-1")])
    with pytest.raises(Conflict):
        log.append([write(stream, 3, OPENED)], erasable)
    assert person(log, "crm", "c-1") is None
    log.append([write(stream, 0, OPENED)], erasable)
    assert person(log, "crm", "c-1") == somebody
    assert texts(log, [reference.text_id]) == {reference.text_id: "called back"}
    assert find_stream(log, "d-1") == stream


def test_a_person_added_twice_is_a_conflict_and_the_events_are_not_written(log: Log) -> None:
    log.append([], Erasable([Person(uuid4(), "rep", "crm", "r-1")]))
    with pytest.raises(Conflict, match="first"):
        log.append([write(uuid4(), 0, OPENED)], Erasable([Person(uuid4(), "rep", "crm", "r-1")]))
    assert log.position() == 0


@pytest.mark.parametrize("column", ["actor", "event_id", "stream_id", "command_id", "correlation_id", "payload"])
def test_the_database_itself_wants_an_actor_and_all_the_rest(log: Log, column: str) -> None:
    log.append([write(uuid4(), 0, OPENED)])
    names = [each.name for each in events.columns if each.name != "position"]
    values = ", ".join("NULL" if name == column else "2" if name == "version" else name for name in names)
    copied = f"INSERT INTO events (position, {', '.join(names)}) SELECT 2, {values} FROM events"
    with (
        log.engine.connect() as connection,
        pytest.raises(DBAPIError, match=f"(?i)not.null.*{column}|{column}.*not.null"),
    ):
        connection.exec_driver_sql(copied)


def test_all_appends_take_the_one_connection_that_is_kept_also_after_one_failed(log: Log) -> None:
    assert isinstance(log.engine.pool, QueuePool)
    for _ in range(3):
        log.append([write(uuid4(), 0, OPENED)])
        with pytest.raises(Conflict):
            log.append([write(uuid4(), 1, OPENED)])
        assert log.engine.pool.checkedout() == 1


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite://", "sqlite:///:memory:", "nonsense", ""])
def test_a_database_that_cannot_hold_a_log_is_refused(url: str) -> None:
    with pytest.raises(Rejected, match=r"sqlite:///deals\.db"):
        Log(url)


def test_a_plain_postgresql_url_will_do(postgres_url: str) -> None:
    log = Log(postgres_url.replace("postgresql+psycopg2", "postgresql"))
    assert log.position() == 0
    log.close()


@pytest.mark.parametrize("count", [1, 2, 30])
def test_nothing_happens_after_it_was_recorded_though_a_process_has_a_clock_that_is_ahead(log: Log, count: int) -> None:
    """One and two events go to PostgreSQL in one message, many by COPY."""
    stream, ahead = uuid4(), datetime.now(UTC) + timedelta(hours=1)
    told = write(stream, 0, OPENED, *(signal(str(n)) for n in range(count - 1)))
    events = [replace(each, occurred_at=ahead) for each in told.events]
    done = log.append([StreamWrite(stream, 0, events)])
    assert [each.occurred_at for each in done] == [each.recorded_at for each in done]
    assert done == log.stream(stream)
    assert done[-1].occurred_at < ahead
