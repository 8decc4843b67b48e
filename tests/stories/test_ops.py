"""Ops: lets a nightly job write through the API, retries whatever failed, watches lag, and ends keys."""

import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid5

from engine.values import UUID
from service.auth import TRUSTED_SECONDS
from tests.service.commandline import run
from tests.service.http.server import Client, Reply
from tests.stories.conftest import Served
from tests.stories.pipeline import STAGES

JOB = UUID("5f0c8d3e-9a37-4e1d-9d5b-2f6a7b1c0e42")


def test_ops_feed_a_nightly_job_twice_and_nothing_doubles(served: Served) -> None:
    manager = served.key("manager", "crm:the-manager")
    manager.post("/v1/pipelines", {"pipeline": "furniture", "name": "Furniture"}).done()
    manager.post("/v1/pipelines/furniture/publish", {"definition": STAGES, "reason": "first"}, if_match="*").done()
    ops = served.key("ops", "login:nightly-job")

    def send(number: int) -> Reply:
        body = {"pipeline": "furniture", "record": {"source": "shop", "key": f"order-{number}"}}
        return ops.post("/v1/deals", body, idempotency_key=str(uuid5(JOB, f"order-{number}")))

    with ThreadPoolExecutor(8) as threads:
        # The whole job is run twice, both runs at once.
        replies = list(threads.map(send, [*range(40), *range(40)]))
    assert {reply.status for reply in replies} == {201}
    assert len({reply.json["stream_id"] for reply in replies}) == 40
    assert [one.json for one in replies[:40]] == [two.json for two in replies[40:]]
    board = ops.get("/v1/board", limit=15).answer
    opened = ops.get("/v1/events", type="deal.opened.v1", limit=1000).answer["events"]
    assert (board["n"], len(opened)) == (40, 40)
    seen = [card["key"] for card in board["cards"]]
    while board["next"]:
        board = ops.get("/v1/board", limit=15, after=board["next"]).answer
        seen += [card["key"] for card in board["cards"]]
    assert sorted(seen) == sorted(f"order-{number}" for number in range(40))

    # 2 of the pipeline, 40 deals, and what the policies say when they begin to look.
    ready = served.anybody.get("/readyz").answer
    assert ready["log_position"] in (42, 43)
    told = ops.get("/metrics").content.decode()
    assert "dealtrail_commands_total" in told
    assert 'command="OpenDeal",result="accepted"' in told
    # Of two processes, too, though one may never have been asked anything.
    until = time.monotonic() + 10
    while (views := gauge(ops, "dealtrail_view_position")) < 42:
        assert time.monotonic() < until, f"some process has read to {views} alone"
        time.sleep(0.2)

    prefix = (ops.key or "").split("_")[1]
    assert run("keys", "revoke", prefix, "--db", served.url).code == 0
    time.sleep(TRUSTED_SECONDS)
    for _ in range(4):
        ops.get("/v1/board").refused(401, "unauthenticated", "revoked")
    assert run("check", "--db", served.url, "--json").answer["n"] == 0


def gauge(client: Client, name: str) -> float:
    told = client.get("/metrics").content.decode()
    return float(next(line.split()[1] for line in told.splitlines() if line.startswith(f"{name} ")))
