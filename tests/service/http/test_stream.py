"""The stream of events: resumed where it ended, by type, for a bounded number of clients; the slow ones are dropped."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import pytest

from service.keys import revoke_key
from service.routes import stream
from service.settings import Serving
from tests.service.http.conftest import publish
from tests.service.http.server import Client, Service, serving


@dataclass(frozen=True)
class Listening:
    response: HTTPResponse

    def blocks(self) -> Iterator[dict[str, str]]:
        """Each event or comment as its fields; the comment under the empty name."""
        block: dict[str, str] = {}
        while line := self.response.readline():
            text = line.decode().rstrip("\n")
            if text:
                name, _, value = text.partition(":")
                block[name] = value.removeprefix(" ")
            elif block:
                yield block
                block = {}

    def ids(self, count: int) -> list[int]:
        """Of so many events."""
        found = []
        for block in self.blocks():
            if "data" in block:
                found.append(int(block["id"]))
            if len(found) == count:
                break
        return found


@contextmanager
def listening(client: Client, query: str = "", **headers: str) -> Iterator[Listening]:
    connection = HTTPConnection("127.0.0.1", client.port, timeout=20)
    sent = {"Authorization": f"Bearer {client.key}"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    connection.request("GET", f"/v1/stream{query}", headers=sent)
    response = connection.getresponse()
    assert response.status == 200, response.read()
    assert response.headers["content-type"].startswith("text/event-stream")
    try:
        yield Listening(response)
    finally:
        response.close()
        connection.close()


def until(condition: Any) -> None:
    deadline = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)


def clients(service: Service) -> int:
    return int(service.streams.clients)


def deal(client: Client) -> int:
    position: int = client.post("/v1/deals", {"pipeline": "loans"}).answer["position"]
    return position


def test_what_was_and_what_comes_arrives_once_and_in_order(manager: Client) -> None:
    first = [deal(manager) for _ in range(3)]
    with listening(manager, "?after=2") as heard:
        assert heard.ids(3) == first
        later = [deal(manager) for _ in range(3)]
        assert heard.ids(3) == later
    with listening(manager, "?after=0", Last_Event_ID=str(first[1])) as heard:
        assert heard.ids(4) == [first[2], *later]


def test_an_event_is_the_feed_s(manager: Client) -> None:
    deal(manager)
    with listening(manager, "?after=2") as heard:
        told = next(block for block in heard.blocks() if "data" in block)
    [event] = manager.get("/v1/events", after=2).answer["events"]
    assert json.loads(told["data"]) == event
    assert (told["event"], told["id"]) == (event["type"], str(event["position"]))


def test_without_a_position_only_what_comes_is_heard(manager: Client) -> None:
    deal(manager)
    with listening(manager) as heard:
        new = deal(manager)
        assert heard.ids(1) == [new]


def test_types_are_chosen_and_silence_tells_how_far_it_looked(manager: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT_SECONDS", 0.2)
    opened = manager.post("/v1/deals", {"pipeline": "loans"}).answer
    won = manager.post(f"/v1/deals/{opened['stream_id']}/win", {"evidence": "signed"}).answer["position"]
    last = manager.post(f"/v1/deals/{opened['stream_id']}/record-delivery").answer["position"]
    with listening(manager, "?after=0&type=deal.won.v1") as heard:
        assert heard.ids(1) == [won]
        silence = next(block for block in heard.blocks() if "data" not in block)
        assert int(silence["id"]) == last


def test_another_process_s_writes_are_heard(service: Service, manager: Client) -> None:
    with serving(service.running.log.url) as other, listening(Client(other.port, manager.key)) as heard:
        new = deal(manager)
        assert heard.ids(1) == [new]


def test_a_wrong_stream_is_refused(manager: Client) -> None:
    deal(manager)
    manager.get("/v1/stream", after=10_000).refused(410, "gone", "this log ends at 3")
    manager.get("/v1/stream", {"Last-Event-ID": "10000"}).refused(410, "gone")
    manager.get("/v1/stream", {"Last-Event-ID": "x"}).refused(422, "invalid", "Last-Event-ID")
    manager.get("/v1/stream", type="deal.won.v9").refused(422, "invalid", "deal.won")
    manager.get("/v1/stream", after=-1).refused(422, "invalid", "after")


def test_no_more_clients_listen_than_may_and_who_leaves_makes_room(sqlite_url: str) -> None:
    publish(sqlite_url)
    with serving(sqlite_url, Serving(streams=2)) as service:
        ops = service.client("ops")
        with listening(ops), listening(ops):
            reply = ops.get("/v1/stream")
            reply.refused(503, "busy", "listen already")
            assert reply.headers["retry-after"]
        until(lambda: clients(service) == 0)
        with listening(ops, "?after=0") as heard:
            assert heard.ids(2) == [1, 2]


def test_a_client_that_takes_nothing_is_dropped(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "SLOW_SECONDS", 0.1)
    sent = []

    async def pieces() -> AsyncIterator[bytes]:
        for number in range(1_000):
            yield b"%d" % number

    async def stuck(message: Any) -> None:
        sent.append(message)
        if len(sent) > 3:
            await asyncio.Event().wait()

    async def never() -> Any:
        await asyncio.Event().wait()

    async def story() -> None:
        streams = stream.Streams(service.running)
        streams.join()
        async with asyncio.timeout(10):
            await stream.EventStream(streams, pieces())({"type": "http", "path": "/v1/stream"}, never, stuck)
        assert streams.clients == 0

    asyncio.run(story())
    # Nothing says that the answer is whole: the server closes the connection.
    assert [each.get("body") for each in sent] == [None, b"0", b"1", b"2"]


def test_a_revoked_key_hears_no_more(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT_SECONDS", 0.2)
    ops = service.client("ops")
    with listening(ops) as heard:
        revoke_key(service.running.log, (ops.key or "").split("_")[1], datetime.now(UTC))
        for _ in heard.blocks():
            pass
    until(lambda: clients(service) == 0)
