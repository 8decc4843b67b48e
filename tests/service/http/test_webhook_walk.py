"""A webhook over HTTP, first to last: a receiver that fails in every way, and an operator who mends it."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from engine.log.feed import read_feed
from service.settings import Serving
from tests.service.http.conftest import publish
from tests.service.http.server import Client, Service, serving
from tests.service.notices.receiver import DIE, HANG, Got, receiving
from tests.service.notices.test_delivering import verified
from tests.service.notices.test_failing import in_order, stable_ids
from tests.service.notices.world import sending, told, with_backoff

CONTROLS = Serving(webhook_networks="127.0.0.1", policies_seconds=0, senders=0)
"""The service takes the commands; another process sends, and is quick to give up."""


@pytest.fixture
def service(database_url: str) -> Iterator[Service]:
    publish(database_url)
    with serving(database_url, CONTROLS) as running:
        yield running


def until(ops: Client, path: str, done: Any) -> Any:
    deadline = time.monotonic() + 20
    while not done(answer := ops.get(path).answer):
        assert time.monotonic() < deadline, answer
        time.sleep(0.02)
    return answer


def test_what_was_given_up_is_listed_retried_and_replayed(service: Service) -> None:
    log, ops = service.running.log, service.client("ops")
    deals = told(log, deals=3, entries=4)
    positions = [row["position"] for row in read_feed(log, 0).iter_rows(named=True) if row["type"].startswith("deal.")]
    poison = positions[0], positions[4]
    moods = iter([500, HANG, DIE, 302, 503])

    def moody(got: Got) -> int:
        return 422 if got.position in poison else next(moods, 200)

    with receiving(moody) as receiver, sending(log, with_backoff(give_up=2.0)):
        made = ops.post("/v1/webhooks", {"url": receiver.url, "after": 0, "wanted": {"types": ["deal.*"]}}).answer
        where = f"/v1/webhooks/{made['webhook_id']}"
        receiver.wait_for(len(positions) - 2)
        given_up = until(ops, f"{where}/parked", lambda found: len(found["parked"]) == 2)["parked"]
        assert [(each["position"], each["problem"]) for each in given_up] == [(at, "answered 422") for at in poison]
        assert {each["journey"] for each in given_up} <= {str(deal) for deal in deals}
        (page,) = ops.get(f"{where}/parked", limit=1).answer["parked"]
        assert page == given_up[0]
        assert ops.get(f"{where}/parked", after=poison[0]).answer["parked"] == given_up[1:]

        # One of them alone, then the rest.
        receiver.answering = lambda _: 200
        assert ops.post(f"{where}/retry", {"position": poison[1]}).answer["parked"] == 1
        receiver.wait_for(len(positions) - 1)
        assert (receiver.positions()[-1], receiver.positions().count(poison[0])) == (poison[1], 0)
        ops.post(f"{where}/retry", {"position": poison[1]}).refused(404, "not-found", f"position {poison[1]}")
        ops.post(f"{where}/retry").done()
        receiver.wait_for(len(positions))
        until(ops, where, lambda found: (found["waiting"], found["parked"], found["failures"]) == (0, 0, 0))

        before = len(receiver.got)
        ops.post(f"{where}/replay", {"after": positions[5]}).done()
        until(ops, where, lambda found: found["position"] == log.position() and found["waiting"] == 0)
        assert sorted({each.position for each in receiver.got[before:]}) == positions[6:]
        stable_ids(log, receiver)
        ops.post(f"{where}/replay", {"after": 10_000}).refused(409, "rejected", "after 10000")


def test_a_secret_is_rotated_while_notices_go_out(service: Service) -> None:
    log, ops = service.running.log, service.client("ops")
    with receiving() as receiver, sending(log):
        made = ops.post("/v1/webhooks", {"url": receiver.url, "wanted": {"types": ["deal.*"]}}).answer
        where, secrets = f"/v1/webhooks/{made['webhook_id']}", [made["secret"]]
        for hours in (1, 0):
            secrets.append(ops.post(f"{where}/rotate", {"hours": hours}).answer["secret"])
            before = len(receiver.got)
            ops.post("/v1/deals", {"pipeline": "loans"}).done()
            deadline = time.monotonic() + 20
            while len(receiver.got) == before:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            assert ops.post(f"{where}/test").answer["accepted"]
    by_secret = [[verified(secret, got.body, got.headers) for secret in secrets] for got in receiver.got]
    assert by_secret == [[True, True, False]] * 2 + [[False, False, True]] * 2


def test_a_receiver_that_is_gone_for_days_misses_nothing_once_it_is_back(service: Service) -> None:
    log, ops = service.running.log, service.client("ops")
    told(log, deals=3, entries=3)
    with receiving() as gone:
        pass
    with sending(log, with_backoff(give_up=0.3)):
        made = ops.post("/v1/webhooks", {"url": gone.url, "after": 0}).answer
        where = f"/v1/webhooks/{made['webhook_id']}"
        found = until(ops, where, lambda found: found["paused_at"] is not None)
        assert found["parked"] == 0
        assert "no connection" in found["paused_because"]
        tried = ops.post(f"{where}/test").answer
        assert (tried["accepted"], tried["status"]) == (False, None)
        with receiving(port=gone.port) as receiver:
            assert ops.post(f"{where}/test").answer["accepted"]
            receiver.got.clear()
            ops.post(f"{where}/resume").done()
            receiver.wait_for(log.position())
            in_order(receiver)
            ops.send("DELETE", where).done()
            log_position, count = log.position(), len(receiver.got)
            ops.post("/v1/deals", {"pipeline": "loans"}).done()
            assert log.position() > log_position
            time.sleep(0.5)
            assert len(receiver.got) == count
