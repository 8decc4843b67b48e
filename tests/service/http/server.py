"""The service in this process, on a loopback port of its own, and a client that speaks real HTTP to it."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import uvicorn

from service.app import create_app
from service.guard import Guarded
from service.keys import Role, create_key, owner_of_key
from service.routes.stream import Streams
from service.running import Running
from service.settings import Serving


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    """names in lower case"""
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def answer(self) -> Any:
        assert self.status in (200, 201), f"{self.status}: {self.content.decode()}"
        return self.json

    def done(self) -> None:
        assert self.status in (200, 201), f"{self.status}: {self.content.decode()}"

    @property
    def etag(self) -> str:
        return self.headers["etag"]

    def refused(self, status: int, kind: str, *words: str) -> Any:
        """A problem of this kind whose detail has these words."""
        assert self.status == status, f"{self.status}: {self.content.decode()}"
        assert self.headers["content-type"] == "application/problem+json"
        problem = self.json
        assert problem["type"] == f"urn:dealtrail:problem:{kind}", problem
        assert problem["status"] == status
        assert problem["request_id"] == self.headers["x-request-id"]
        assert "Traceback" not in problem["detail"]
        for word in words:
            assert word in problem["detail"], problem
        return problem


@dataclass(frozen=True)
class Client:
    """A caller with a key of its own."""

    port: int
    key: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def with_key(self, key: str | None) -> "Client":
        return replace(self, key=key)

    def send(
        self, method: str, path: str, content: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        keyed = {} if self.key is None else {"Authorization": f"Bearer {self.key}"}
        try:
            connection.request(method, path, content, {**keyed, **self.headers, **(headers or {})})
            response = connection.getresponse()
            told = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, told, response.read())
        finally:
            connection.close()

    def get(self, path: str, headers: Mapping[str, str] | None = None, **query: Any) -> Reply:
        return self.send("GET", f"{path}?{urlencode(query, doseq=True)}" if query else path, headers=headers)

    def post(
        self,
        path: str,
        body: Any = None,
        *,
        idempotency_key: str | None = None,
        if_match: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        sent = {"Content-Type": "application/json", "Idempotency-Key": idempotency_key or str(uuid4())}
        if if_match is not None:
            sent["If-Match"] = if_match
        return self.send("POST", path, json.dumps(body or {}).encode(), {**sent, **(headers or {})})


@dataclass(frozen=True)
class Service:
    port: int
    running: Running
    streams: Streams

    def client(self, role: Role, who: str | None = None) -> Client:
        """Of a person with a new key of the role."""
        log = self.running.log
        text, _ = create_key(log, owner_of_key(log, who or f"the-{role}"), role, now=datetime.now(UTC))
        return Client(self.port, text)


@contextmanager
def serving(url: str, settings: Serving | None = None) -> Iterator[Service]:
    app = create_app(url, settings)
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(app, http=Guarded, log_config=None, access_log=False, timeout_graceful_shutdown=5)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    running: Running = app.state.running
    deadline = time.monotonic() + 30
    while not (server.started and running.ready):
        assert time.monotonic() < deadline, "the service did not start"
        assert thread.is_alive(), "the service ended"
        time.sleep(0.005)
    try:
        yield Service(listening.getsockname()[1], running, app.state.streams)
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive(), "the service did not stop"
