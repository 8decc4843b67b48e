"""On PostgreSQL an append is one message; what it believes of the log is looked at by the database, under the lock."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

import psycopg2.extensions
import pytest
from sqlalchemy.exc import DBAPIError

from engine.errors import Conflict
from engine.log.application import AlreadyDone, Erasable, Log, Person, StreamKey, Text, Wanted, Written
from engine.log.people import person
from engine.log.texts import texts
from engine.log.turns import writing_connection
from engine.values import to_micros
from tests.log.entries import OPENED, command, rows_of, signal, write


@pytest.fixture
def log(postgres_url: str) -> Iterator[Log]:
    opened = Log(postgres_url)
    opened.append([write(uuid4(), 0, OPENED)])
    yield opened
    opened.close()


@contextmanager
def messages(log: Log) -> Iterator[list[str]]:
    """What is sent to the database in the block on the connection that writes."""
    sent: list[str] = []

    class Noting(psycopg2.extensions.cursor):
        def execute(self, statement: Any, values: Any = None) -> None:
            sent.append(statement)
            super().execute(statement, values)

    with writing_connection(log.engine) as kept:
        driver: Any = kept.driver
    driver.cursor_factory = Noting
    yield sent
    driver.cursor_factory = None


def test_what_several_append_is_one_message(log: Log) -> None:
    streams = [uuid4() for _ in range(3)]
    note = Text(uuid4(), streams[0], "100 % sure; it's {them}", b"salt")
    who = Person(uuid4(), "customer", "crm", "c-1", name='O"Hara, {Zoë}')
    answers = [command(by=n) for n in range(3)]
    wanted = [Wanted([write(stream, 0, OPENED, signal("a"))], command=answers[n]) for n, stream in enumerate(streams)]
    beside = Erasable([who], [note], [StreamKey(streams[0], "crm", "C 1")])
    log.append(
        [],
        Erasable(
            [Person(uuid4(), "rep", "crm", "r-1")], [Text(uuid4(), uuid4(), "", b"")], [StreamKey(uuid4(), "", "")]
        ),
    )
    # By now the statement for all of these is prepared.
    wanted[0] = replace(wanted[0], erasable=beside)
    with messages(log) as sent:
        done = log.write_all(wanted)
    assert len(sent) == 1
    assert [[each.position for each in one.events] for one in done if isinstance(one, Written)] == [
        [2, 3],
        [4, 5],
        [6, 7],
    ]
    stored = rows_of(log)
    assert [row[0] for row in stored] == list(range(1, 8))
    told = [
        to_micros(each.recorded_at)
        for one in done
        if isinstance(one, Written)
        for each in one.events
        if each.recorded_at
    ]
    assert told == sorted(set(told))
    assert told == [row[6] for row in stored[1:]]
    kept = [log.command(each.command_id) for each in answers]
    assert [each.result for each in kept if each] == [{"by": n, "position": 3 + 2 * n} for n in range(3)]
    assert person(log, "crm", "c-1") == who
    assert texts(log, [note.text_id]) == {note.text_id: note.body}


def test_a_single_event_with_its_note_and_answer_is_one_message_of_plain_values(log: Log) -> None:
    streams, answers = [uuid4(), uuid4()], [command(by=n) for n in range(2)]
    notes = [Text(uuid4(), stream, "100 % sure; it's {them}", b"\0salt") for stream in streams]
    for n in range(2):
        # The first time the statement is prepared.
        with messages(log) as sent:
            done = log.write(Wanted([write(streams[n], 0, OPENED)], Erasable(texts=[notes[n]]), answers[n]))
    assert len(sent) == 1
    assert "append_one_and_texts" in sent[0]
    assert [(row[0], row[2], row[3]) for row in rows_of(log)[1:]] == [
        (2, streams[0], 1),
        (3, streams[1], 1),
    ]
    assert [to_micros(each.recorded_at) for each in done.events if each.recorded_at] == [rows_of(log)[-1][6]]
    kept = log.command(answers[1].command_id)
    assert kept
    assert kept.result == {"by": 1, "position": 3}
    assert texts(log, [notes[1].text_id]) == {notes[1].text_id: notes[1].body}


@pytest.mark.parametrize("stale", ["a stream", "a command"])
def test_where_the_log_is_otherwise_the_whole_message_writes_nothing(log: Log, stale: str) -> None:
    known, first = uuid4(), command(answer=1)
    log.append([write(known, 0, OPENED)], command=first)
    behind = [write(known, 0, OPENED)] if stale == "a stream" else [write(uuid4(), 0, OPENED)]
    again = command() if stale == "a stream" else command(command_id=first.command_id)
    note = Text(uuid4(), known, "kept only with its event", b"salt")
    with pytest.raises(Conflict) as raised:
        log.append(behind, Erasable(texts=[note]), again)
    assert isinstance(raised.value, AlreadyDone) == (stale == "a command")
    assert log.position() == 2
    assert texts(log, [note.text_id]) == {}


def test_of_several_those_that_are_right_are_written_after_a_look_at_what_is_otherwise(log: Log) -> None:
    known = uuid4()
    log.append([write(known, 0, OPENED)])
    wanted = [
        Wanted([write(known, 0, OPENED)]),
        Wanted([write(known, 1, signal("a"))]),
        Wanted([write(uuid4(), 0, OPENED)]),
    ]
    done = log.write_all(wanted)
    assert [type(each) for each in done] == [Conflict, Written, Written]
    assert log.position() == 4


def test_a_growing_table_is_never_read_as_a_whole(log: Log) -> None:
    """The statements are planned when the tables are empty, and kept."""
    log.write(Wanted([write(uuid4(), 0, OPENED)], command=command()))
    log.write(Wanted([write(uuid4(), 0, OPENED, signal("a"))], command=command()))
    with writing_connection(log.engine) as kept:
        filler = "SELECT gen_random_uuid(), 'x', 'y', 1 FROM generate_series(1, 2000)"
        connection = kept.connection
        connection.exec_driver_sql(f"INSERT INTO commands {filler}")
        prepared = connection.exec_driver_sql(
            "SELECT name, cardinality(parameter_types) FROM pg_prepared_statements"
        ).all()
        plans = [
            "\n".join(connection.exec_driver_sql(f"EXPLAIN EXECUTE {name} ({', '.join(['NULL'] * count)})").scalars())
            for name, count in prepared
        ]
    assert {name for name, _ in prepared} == {"append", "append_one"}
    # Of meta there is one row.
    assert {name for plan in plans for name in re.findall(r"Seq Scan on (\w+)", plan)} == {"meta"}


def test_a_connection_that_was_ended_is_told_as_that_and_followed_by_another(log: Log) -> None:
    with writing_connection(log.engine) as kept:
        process = kept.driver.info.backend_pid
    with log.engine.connect() as another:
        another.exec_driver_sql(f"SELECT pg_terminate_backend({process}, 10000)")
    with pytest.raises(DBAPIError, match="server closed the connection"):
        log.append([write(uuid4(), 0, OPENED)])
    assert log.append([write(uuid4(), 0, OPENED)])[0].position == 2
