"""Whatever becomes of the processes that send, nothing is lost, and each journey is told in order."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.aggregates.journey.commands import Touch
from engine.handle import handle
from engine.log.application import Log
from engine.values import TouchKind
from service.notices import lease, storing, webhooks
from service.notices.changes import new_change
from service.notices.lease import Lost
from service.notices.storing import News, Standing
from tests.service.notices.receiver import Got, receiving
from tests.service.notices.test_failing import in_order, stable_ids
from tests.service.notices.world import REP, hooked, send_all, sending, told

ROOT = Path(__file__).resolve().parents[3]


def process(url: str) -> "subprocess.Popen[bytes]":
    """A process that sends, with leases that run out soon."""
    return subprocess.Popen([sys.executable, "-m", "tests.service.notices.sending_process", url], cwd=ROOT)


def test_two_senders_killed_again_and_again_lose_nothing(database_url: str) -> None:
    log = Log(database_url)
    deals = told(log, deals=10, entries=4)

    def slow(_: Got) -> int:
        time.sleep(0.01)
        return 200

    with receiving(slow) as receiver:
        made, _ = hooked(log, receiver.url)
        running = [process(database_url), process(database_url)]
        try:
            for n in range(4):
                receiver.wait_for(8 * (n + 1))
                for deal in deals:
                    handle(log, Touch(kind=TouchKind.CALL), actor=REP, origin="cli", on=deal)
                os.kill(running[n % 2].pid, signal.SIGKILL)
                running[n % 2].wait(10)
                running[n % 2] = process(database_url)
            receiver.wait_for(log.position(), seconds=60)
        finally:
            for each in running:
                each.kill()
                each.wait(10)
        in_order(receiver)
        stable_ids(log, receiver)
        assert set(receiver.positions()) == set(range(1, log.position() + 1))
        send_after_the_lease(log)
        found = webhooks.get(log, made.webhook_id)
        assert (found.position, found.waiting, found.parked) == (log.position(), 0, 0)
    log.close()


def send_after_the_lease(log: Log) -> None:
    deadline = time.monotonic() + 10
    while not lease.free(log.engine):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    send_all(log)


def test_who_was_held_up_writes_nothing_any_more(log: Log) -> None:
    told(log, deals=1)
    made, _ = hooked(log, "https://example.com/")
    first = lease.acquire(log.engine, made.webhook_id)
    assert first is not None
    assert lease.acquire(log.engine, made.webhook_id) is None
    assert lease.free(log.engine) == []
    storing.take_up(log.engine, first)
    lease.release(log.engine, first)
    second = lease.acquire(log.engine, made.webhook_id)
    assert second is not None
    assert second.fence > first.fence
    before = webhooks.get(log, made.webhook_id)
    with pytest.raises(Lost):
        storing.store(log.engine, first, News(paused_because="late"), Standing(3, 1, "late", 1))
    # Giving back what it holds no more takes nothing from the second.
    lease.release(log.engine, first)
    assert lease.acquire(log.engine, made.webhook_id) is None
    assert webhooks.get(log, made.webhook_id) == before


def test_a_change_takes_the_lease_away_and_the_next_sender_sees_it(log: Log) -> None:
    deals = told(log, deals=2)
    with receiving() as old, receiving() as new:
        made, _ = hooked(log, old.url)
        with sending(log):
            old.wait_for(log.position())
            webhooks.remove(log, new_change(made.webhook_id), made.webhook_id)
            hooked(log, new.url)
            new.wait_for(log.position())
            count = len(old.got)
            handle(log, Touch(kind=TouchKind.CALL), actor=REP, origin="cli", on=deals[0])
            new.wait_for(log.position())
        assert len(old.got) == count
    with log.engine.connect() as connection:
        for table in ("webhook_notices", "webhook_secrets", "webhooks"):
            kept = connection.exec_driver_sql(f"SELECT webhook_id FROM {table}").scalars().all()
            assert made.webhook_id.bytes not in [getattr(each, "bytes", each) for each in kept]
