"""A command's id and its answer are written with its events: a retry gets the first's answer."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from engine.errors import Conflict
from engine.log.application import AlreadyDone, CommandRecord, Log
from engine.log.locked import append_lock
from tests.log.entries import OPENED, command, write


def test_an_accepted_command_is_remembered_with_its_answer(log: Log) -> None:
    done = command(stream_id=uuid4(), version=1)
    assert log.command(done.command_id) is None
    log.append([write(uuid4(), 0, OPENED)], command=done)
    kept = log.command(done.command_id)
    told = {"stream_id": str(done.result["stream_id"]), "version": 1, "position": 1}
    assert kept == CommandRecord(done.command_id, done.fingerprint, told)


def test_a_command_that_had_nothing_to_do_is_remembered_too(log: Log) -> None:
    done = command()
    log.append([], command=done)
    assert log.command(done.command_id) == replace(done, result={"position": 0})
    assert log.position() == 0


def test_a_retry_writes_nothing_and_gets_the_first_answer(log: Log) -> None:
    first = command(answer=1)
    log.append([write(uuid4(), 0, OPENED)], command=first)
    with pytest.raises(AlreadyDone) as raised:
        log.append([write(uuid4(), 0, OPENED)], command=command(command_id=first.command_id, answer=2))
    assert raised.value.record == replace(first, result={"answer": 1, "position": 1})
    assert log.position() == 1


def test_the_same_id_with_another_body_is_a_conflict(log: Log) -> None:
    first = command("a")
    log.append([write(uuid4(), 0, OPENED)], command=first)
    with pytest.raises(Conflict, match="used before for another command") as raised:
        log.append([write(uuid4(), 0, OPENED)], command=command("b", first.command_id))
    assert not isinstance(raised.value, AlreadyDone)
    assert log.position() == 1


def test_a_refused_append_remembers_no_command(log: Log) -> None:
    refused = command()
    with pytest.raises(Conflict):
        log.append([write(uuid4(), 7, OPENED)], command=refused)
    assert log.command(refused.command_id) is None


def test_of_two_at_once_the_second_waits_and_gets_the_firsts_answer(log: Log) -> None:
    """Held between its events and its commit, the first keeps the second waiting until its answer is there."""
    one = uuid4()
    stream = uuid4()
    held, release = threading.Event(), threading.Event()

    def first() -> None:
        with append_lock(log.engine, commands=[one]) as writing:
            held.set()
            release.wait(10)
            sqlite = writing.sqlite
            writing.insert("commands", [(one.bytes if sqlite else one, "a" * 64, '{"answer":1}', 1)])

    def second() -> object:
        held.wait(10)
        with pytest.raises(AlreadyDone) as raised:
            log.append([write(stream, 0, OPENED)], command=command("a", one, answer=2))
        return raised.value.record.result

    with ThreadPoolExecutor(2) as pool:
        opener, follower = pool.submit(first), pool.submit(second)
        held.wait(10)
        time.sleep(0.1)
        assert not follower.done()
        release.set()
        opener.result(20)
        assert follower.result(20) == {"answer": 1}
    assert log.stream(stream) == []


def test_of_many_at_once_exactly_one_is_accepted(log: Log) -> None:
    one = uuid4()

    def attempt(n: int) -> tuple[str, object]:
        try:
            log.append([write(UUID(int=n), 0, OPENED)], command=command("a", one, by=n))
        except AlreadyDone as done:
            return "repeated", done.record.result["by"]
        return "accepted", n

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(attempt, range(1, 17)))
    winners = [by for outcome, by in answers if outcome == "accepted"]
    assert len(winners) == 1
    assert {by for _, by in answers} == set(winners)
    assert log.position() == 1
