"""Webhooks over HTTP: made, tried, changed, listed; each command once however often it is sent; the service sends."""

import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from standardwebhooks import Webhook as Verifier

from engine.aggregates.journey.commands import Touch
from engine.handle import handle
from engine.values import TouchKind
from service.notices import webhooks
from service.notices.addresses import networks
from service.notices.changes import new_change
from service.notices.wanted import Wanted
from service.settings import Serving
from tests.policies.stories import REP
from tests.service.http.conftest import publish
from tests.service.http.server import Client, Service, serving
from tests.service.notices.receiver import Receiver, receiving

SETTINGS = Serving(webhook_networks="127.0.0.1", policies_seconds=0)


@pytest.fixture
def sending(database_url: str) -> Iterator[Service]:
    publish(database_url)
    with serving(database_url, SETTINGS) as running:
        yield running


@pytest.fixture
def ops(sending: Service) -> Client:
    return sending.client("ops")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def add(ops: Client, url: str, **more: Any) -> Any:
    return ops.post("/v1/webhooks", {"url": url, **more}).answer


def test_the_service_tells_what_is_commanded(sending: Service, ops: Client, receiver: Receiver) -> None:
    made = add(ops, receiver.url, wanted={"types": ["deal.*"]})
    deal = ops.post("/v1/deals", {"pipeline": "loans"}).answer
    receiver.wait_for(1)
    (got,) = receiver.got
    assert Verifier(made["secret"]).verify(got.body, dict(got.headers))["subject"] == deal["stream_id"]
    assert got.headers["webhook-id"] == deal["events"][0]["event_id"]
    told = ops.get("/metrics").content.decode()
    assert f'dealtrail_webhook_parked{{webhook="{made["webhook_id"]}"}} 0.0' in told
    assert 'dealtrail_notices_total{result="accepted"}' in told


def test_a_webhook_that_is_asked_for_twice_is_one_with_one_secret(ops: Client) -> None:
    asked = {"url": "https://example.com/hooks", "wanted": {"types": ["deal.won"], "origins": ["api"]}}
    first = ops.post("/v1/webhooks", asked, idempotency_key="mine")
    again = ops.post("/v1/webhooks", asked, idempotency_key="mine")
    assert first.status == again.status == 201
    assert [reply.headers.get("idempotent-replayed") for reply in (first, again)] == [None, "true"]
    assert first.answer["webhook_id"] == again.answer["webhook_id"]
    assert first.answer["secret"] == again.answer["secret"]
    for each in (first, again):
        assert ops.get(each.headers["location"]).answer["webhook_id"] == first.answer["webhook_id"]
    other = ops.post("/v1/webhooks", {"url": "https://example.com/other"}, idempotency_key="mine")
    other.refused(422, "idempotency-key-reused")
    (listed,) = ops.get("/v1/webhooks").answer["webhooks"]
    assert listed["wanted"] == {"types": ["deal.won"], "pipelines": [], "origins": ["api"]}
    assert "secret" not in listed


def test_a_secret_is_rotated_once_however_often_it_is_asked(ops: Client) -> None:
    made = add(ops, "https://example.com/hooks")
    where = f"/v1/webhooks/{made['webhook_id']}"
    first = ops.post(f"{where}/rotate", {"hours": 1}, idempotency_key="turn").answer["secret"]
    assert ops.post(f"{where}/rotate", {"hours": 1}, idempotency_key="turn").answer["secret"] == first
    assert first != made["secret"]


def test_a_test_delivery_tells_what_was_answered(ops: Client, receiver: Receiver) -> None:
    made = add(ops, receiver.url)
    where = f"/v1/webhooks/{made['webhook_id']}/test"
    # It needs nothing, nor a body.
    answer = ops.send("POST", where, None, {"Idempotency-Key": "t"}).answer
    assert (answer["accepted"], answer["status"], answer["problem"]) == (True, 200, None)
    (got,) = receiver.got
    assert Verifier(made["secret"]).verify(got.body, dict(got.headers))["type"] == "dealtrail.test"
    receiver.answering = lambda _: 500
    answer = ops.post(where).answer
    assert (answer["accepted"], answer["status"], answer["problem"]) == (False, 500, "answered 500")


def test_an_internal_address_is_refused_at_once_and_at_every_delivery(sending: Service, ops: Client) -> None:
    for host in ("127.0.0.2", "2130706434", "[::ffff:10.0.0.1]"):
        refusal = ops.post("/v1/webhooks", {"url": f"https://{host}/hooks"})
        refusal.refused(409, "rejected", "internal address", "DEALTRAIL_WEBHOOK_NETWORKS")
    # Made where it was allowed.
    inside = networks("127.0.0.2")
    made, _ = webhooks.add(sending.running.log, new_change(uuid4()), "https://127.0.0.2/", Wanted(), inside=inside)
    assert "internal address" in ops.post(f"/v1/webhooks/{made.webhook_id}/test").answer["problem"]


def test_it_is_paused_resumed_replayed_and_removed(sending: Service, ops: Client, receiver: Receiver) -> None:
    made = add(ops, receiver.url, after=0)
    where = f"/v1/webhooks/{made['webhook_id']}"
    receiver.wait_for(2)
    paused = ops.post(f"{where}/pause", {"reason": "they are moving house"}).answer
    assert paused["paused_because"] == "they are moving house"
    deal = ops.post("/v1/deals", {"pipeline": "loans"}).answer["stream_id"]
    handle(sending.running.log, Touch(kind=TouchKind.CALL), actor=REP, origin="cli", on=UUID(deal))
    time.sleep(1.2)
    assert len(receiver.got) == 2
    assert ops.post(f"{where}/resume").answer["paused_at"] is None
    receiver.wait_for(4)
    ops.post(f"{where}/replay", {"after": 2}).done()
    deadline = time.monotonic() + 10
    # A replay may overtake the note that something arrived: then that comes once more, and nothing else does.
    while {each.position for each in receiver.got[4:]} != {3, 4}:
        assert time.monotonic() < deadline, [each.position for each in receiver.got]
        time.sleep(0.02)
    ops.send("DELETE", where).done()
    ops.send("DELETE", where).refused(404, "not-found")
    assert ops.get("/v1/webhooks").answer["webhooks"] == []


def test_what_is_parked_is_listed_and_retried(ops: Client) -> None:
    made = add(ops, "https://example.com/hooks")
    where = f"/v1/webhooks/{made['webhook_id']}"
    assert ops.get(f"{where}/parked").answer == {"parked": [], "next": None}
    ops.post(f"{where}/retry").done()
    ops.post(f"{where}/retry", {"position": 7}).refused(404, "not-found", "position 7")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body.url"),
        ({"url": "https://example.com", "wanted": {"types": ["deal.wonn"]}}, "did you mean deal.won"),
        ({"url": "https://example.com", "wanted": {"colour": "red"}}, "colour"),
        ({"url": "https://example.com", "after": -1}, "body.after"),
    ],
)
def test_a_body_that_makes_no_sense_is_refused_by_its_field(ops: Client, body: dict[str, Any], field: str) -> None:
    ops.post("/v1/webhooks", body).refused(422, "invalid", field)


def test_what_can_never_be_sent_to_is_refused(ops: Client) -> None:
    ops.post("/v1/webhooks", {"url": "ftp://example.com"}).refused(409, "rejected", "https://")
    ops.post("/v1/webhooks", {"url": "https://example.com", "after": 99}).refused(409, "rejected", "after 99")
    elsewhere = {"url": "https://example.com", "wanted": {"pipelines": ["loans", "salez"]}}
    ops.post("/v1/webhooks", elsewhere).refused(409, "rejected", "no pipeline 'salez'", "list of pipelines")
    ops.get(f"/v1/webhooks/{uuid4()}").refused(404, "not-found")
    ops.get("/v1/webhooks/nobody").refused(422, "invalid", "webhook")
