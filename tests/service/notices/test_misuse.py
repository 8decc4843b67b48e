"""Receivers, names and clocks that mean harm, or are merely broken: an attempt ends, and nothing else is held up."""

import asyncio
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from engine.aggregates.journey.commands import Touch
from engine.handle import handle
from engine.log.application import Log
from engine.values import TouchKind
from service.notices import lease, webhooks
from service.notices.addresses import networks
from service.notices.changes import new_change
from service.notices.posting import Answer, Poster, authorities, waiting
from service.notices.urls import is_name
from tests.service.notices.receiver import HANG, Got, receiving
from tests.service.notices.test_addresses import LOOPBACK, endless, post, raw
from tests.service.notices.test_failing import in_order, stable_ids
from tests.service.notices.test_killed import process
from tests.service.notices.world import QUICK, REP, hooked, send_all, sending, told, with_backoff

DAY = 86_400_000_000


@pytest.fixture
def sqlite_log(sqlite_url: str) -> Iterator[Log]:
    """Where it is not the database that matters."""
    log = Log(sqlite_url)
    yield log
    log.close()


def answered(*parts: bytes) -> Answer:
    """What comes of a receiver that says this and hangs up."""
    return raw(
        lambda connection: [connection.sendall(part) for part in parts] and None,
        lambda port: post(f"http://127.0.0.1:{port}/", Poster(LOOPBACK, seconds=5)),
    )


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/1.1 200",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 99999 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, identity\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1",
        b"\x00" * 1000,
    ],
)
def test_what_is_no_answer_is_a_problem_and_not_a_bug(said: bytes) -> None:
    answer = answered(said)
    assert not answer.accepted
    assert answer.problem


@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda tail: b"HTTP/1.1 200 OK\r\n" + tail))
@settings(max_examples=15, deadline=None)
def test_whatever_is_said_there_is_an_answer(said: bytes) -> None:
    answer = answered(said)
    assert answer.accepted == (answer.status is not None and 200 <= answer.status < 300)


@given(st.binary(max_size=40) | st.text("0123456789", max_size=400).map(str.encode))
@settings(max_examples=100, deadline=None)
def test_a_retry_after_that_makes_no_sense_is_none(said: bytes) -> None:
    seconds = waiting(said)
    assert seconds is None or 0 <= seconds < 10**12


@pytest.mark.parametrize(
    "said", ["Mon, 01 Jan 0101 00:00:00 -0000", "Fri, 31 Dec 9999 23:59:59 -2359", "Mon, 01 Jan 2001", "-1", "1e9", "²"]
)
def test_a_date_at_the_ends_of_time_is_no_bug(said: str) -> None:
    seconds = waiting(said.encode("latin-1"))
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize(
    "head", [b"Content-Encoding: gzip\r\n", b"Content-Length: 99999999999\r\n", b"Connection: keep-alive\r\n"]
)
def test_a_body_is_neither_read_nor_unpacked(head: bytes) -> None:
    serve = endless(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n", b"\x1f\x8b\x08" + bytes(65_536))
    answer = raw(serve, lambda port: post(f"http://127.0.0.1:{port}/", Poster(LOOPBACK, seconds=20)))
    assert answer.accepted
    assert answer.seconds < 15


def test_answers_that_only_promise_an_answer_are_cut_at_the_deadline() -> None:
    serve = endless(b"", b"HTTP/1.1 102 Processing\r\n\r\n" * 10)
    answer = raw(serve, lambda port: post(f"http://127.0.0.1:{port}/", Poster(LOOPBACK, seconds=2)))
    assert (answer.status, answer.problem) == (None, "no answer within 2 seconds")


def test_a_handshake_that_never_ends_is_cut_at_the_deadline() -> None:
    def serve(connection: socket.socket) -> None:
        while connection.recv(65_536):
            time.sleep(0.01)

    # Reading the authorities takes a while, once.
    authorities()
    answer = raw(serve, lambda port: post(f"https://127.0.0.1:{port}/", Poster(LOOPBACK, seconds=2)))
    assert answer.problem == "no answer within 2 seconds"


@pytest.mark.parametrize("host", ["x" * 64 + ".example", "example..com", "." + "x" * 300])
def test_a_name_that_can_t_be_asked_for_is_a_problem_and_not_a_bug(host: str) -> None:
    """Such a webhook can't be made any more; one that was made before fails like any other."""
    assert not is_name(host)
    assert (post(f"https://{host}/", Poster()).problem or "").startswith("no connection")


def test_a_name_server_that_never_answers_holds_up_no_other_webhook(
    sqlite_log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = sqlite_log
    told(log, deals=12, entries=2)
    answers, asked, real = threading.Event(), [], socket.getaddrinfo

    def getaddrinfo(host: str, *more: Any, **named: Any) -> Any:
        if host.endswith("tarpit.example"):
            asked.append(host)
            assert answers.wait(60)
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        return real(host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with receiving() as receiver:
        try:
            with sending(log):
                hooked(log, "https://one.tarpit.example/")
                deadline = time.monotonic() + 20
                while len(asked) < QUICK.at_once:
                    assert time.monotonic() < deadline
                    time.sleep(0.01)
                made, _ = hooked(log, receiver.url)
                receiver.wait_for(log.position())
                while webhooks.get(log, made.webhook_id).waiting or not webhooks.get(log, made.webhook_id).answered_at:
                    assert time.monotonic() < deadline
                    time.sleep(0.01)
                assert not answers.is_set()
        finally:
            answers.set()


def test_a_clock_that_was_days_ahead_delays_nothing_for_longer_than_an_attempt_is_put_off(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(log, deals=3, entries=2)
    real = lease.clock
    with receiving(lambda _: 500) as receiver:
        made, _ = hooked(log, receiver.url)
        monkeypatch.setattr(lease, "clock", lambda connection: real(connection) + 9 * DAY)
        send_all(log)
        assert webhooks.get(log, made.webhook_id).failures > 0
        # It held a lease for nine days and half a minute when it was killed, and its clock is right again.
        held = lease.acquire(log.engine, made.webhook_id)
        assert held is not None
        monkeypatch.setattr(lease, "clock", real)
        receiver.answering = lambda _: 200
        assert lease.free(log.engine) == [made.webhook_id]
        with sending(log):
            receiver.wait_for(log.position())
        in_order(receiver)
    found = webhooks.get(log, made.webhook_id)
    assert (found.parked, found.paused_at, found.waiting) == (0, None, 0)


def test_a_clock_that_is_set_back_while_it_sends_stops_nothing(
    sqlite_log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = sqlite_log
    deals = told(log, deals=2, entries=2)
    real = time.time_ns
    with receiving(lambda _: 500) as receiver, sending(log):
        hooked(log, receiver.url)
        deadline = time.monotonic() + 10
        while len(receiver.got) < 4:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        monkeypatch.setattr(time, "time_ns", lambda: real() - DAY * 1000)
        receiver.answering = lambda _: 200
        receiver.wait_for(log.position(), seconds=10)
        handle(log, Touch(kind=TouchKind.CALL), actor=REP, origin="cli", on=deals[0])
        receiver.wait_for(log.position(), seconds=10)


def test_gone_pauses_also_what_was_late_already(sqlite_log: Log) -> None:
    log = sqlite_log
    deals = told(log, deals=2, entries=2)
    with receiving(lambda got: 500 if got.journey == deals[0] else 200) as receiver:
        made, _ = hooked(log, receiver.url, types=["deal.*"])
        with sending(log):
            receiver.wait_for(2)
            time.sleep(0.3)
        receiver.answering = lambda _: 410
        with sending(log, with_backoff(give_up=0.2)):
            deadline = time.monotonic() + 10
            while webhooks.get(log, made.webhook_id).paused_at is None:
                assert time.monotonic() < deadline
                time.sleep(0.01)
    found = webhooks.get(log, made.webhook_id)
    assert (found.parked, found.paused_because) == (0, "the receiver wants no more (410 Gone)")


def test_it_is_asked_again_after_the_time_it_asked_for(sqlite_log: Log) -> None:
    log = sqlite_log
    told(log, deals=1, entries=1)
    moods = iter([429])
    with receiving(lambda _: next(moods, 200)) as receiver:
        receiver.headers = {"Retry-After": "1"}
        hooked(log, receiver.url, types=["deal.*"])
        with sending(log, with_backoff(most=30.0)):
            receiver.wait_for(1)
    first, second = receiver.got
    assert second.begun - first.begun >= 1
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


def test_one_that_is_removed_while_it_is_told_is_left_alone_and_others_go_on(log: Log) -> None:
    told(log, deals=10, entries=3)
    with receiving(lambda _: HANG) as doomed, receiving() as other:
        with sending(log, replace(QUICK, poster=Poster(LOOPBACK, seconds=3))):
            made, _ = hooked(log, doomed.url)
            deadline = time.monotonic() + 10
            while doomed.at_once < QUICK.at_once:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            webhooks.remove(log, new_change(made.webhook_id), made.webhook_id)
            hooked(log, other.url)
            other.wait_for(log.position())
        assert len(doomed.got) <= QUICK.at_once
    with log.engine.connect() as connection:
        kept = connection.exec_driver_sql("SELECT webhook_id FROM webhook_notices").scalars().all()
        assert made.webhook_id.bytes not in [getattr(each, "bytes", each) for each in kept]


def test_a_process_that_was_held_up_past_its_lease_loses_nothing_and_mixes_nothing_up(database_url: str) -> None:
    log = Log(database_url)
    deals = told(log, deals=8, entries=5)

    def slow(_: Got) -> int:
        time.sleep(0.02)
        return 200

    with receiving(slow) as receiver:
        hooked(log, receiver.url)
        first = process(database_url)
        running = [first]
        try:
            receiver.wait_for(6)
            stop_between_writes(first, log)
            running.append(process(database_url))
            receiver.wait_for(log.position())
            for deal in deals:
                handle(log, Touch(kind=TouchKind.CALL), actor=REP, origin="cli", on=deal)
            os.kill(first.pid, signal.SIGCONT)
            receiver.wait_for(log.position())
        finally:
            for each in running:
                each.kill()
                each.wait(10)
        in_order(receiver)
        stable_ids(log, receiver)
        fences = [int(got.headers["dealtrail-fence"]) for got in receiver.got]
        assert len(set(fences)) >= 2
    log.close()


def stop_between_writes(running: "subprocess.Popen[bytes]", log: Log) -> None:
    """A process that is stopped in the middle of a transaction would hold up the database itself."""
    for _ in range(100):
        os.kill(running.pid, signal.SIGSTOP)
        with log.engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA busy_timeout = 0")
                asked = "BEGIN IMMEDIATE"
            else:
                connection.exec_driver_sql("BEGIN")
                asked = "SELECT 1 FROM webhooks FOR UPDATE NOWAIT"
            try:
                connection.exec_driver_sql(asked)
            except OperationalError:
                os.kill(running.pid, signal.SIGCONT)
                time.sleep(0.005)
            else:
                return
            finally:
                connection.invalidate()
    raise AssertionError("it never rests")


def test_an_address_over_plain_http_outside_the_named_networks_is_not_spoken_to() -> None:
    answer = asyncio.run(Poster(networks("127.0.0.2")).post("http://127.0.0.1:9/", {}, b"{}"))
    assert answer.problem is not None
    assert answer.problem.startswith("refused")
