"""A receiver on loopback that answers as the test says, and keeps what it was sent in the order in which it came."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

HANG = 0
"""instead of a status: no answer, until the sender goes away"""
DIE = -1
"""instead of a status: the connection is cut"""


@dataclass(frozen=True)
class Got:
    """One request."""

    headers: Mapping[str, str]
    """names in lower case"""
    body: bytes
    answered: int
    begun: float
    """monotonic"""
    path: str = "/"

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def journey(self) -> UUID:
        return UUID(self.event["partitionkey"])

    @property
    def position(self) -> int:
        return int(self.event["sequence"])


Answering = Callable[["Got"], int]
"""The status to answer with, HANG or DIE; may take its time."""


@dataclass
class Receiver:
    answering: Answering = lambda _: 200
    got: list[Got] = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict)
    """sent with every answer"""
    at_once: int = 0
    most_at_once: int = 0
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def accepted(self) -> list[Got]:
        return [each for each in self.got if 200 <= each.answered < 300]

    def positions(self) -> list[int]:
        """Of what was accepted, in order, each counted where it came first."""
        return list(dict.fromkeys(each.position for each in self.accepted))

    def wait_for(self, accepted: int, seconds: float = 30) -> None:
        """Until so many different notices were accepted."""
        deadline = time.monotonic() + seconds
        while len(self.positions()) < accepted:
            assert time.monotonic() < deadline, f"{len(self.positions())} of {accepted} notices; {self.got[-3:]}"
            time.sleep(0.01)


@contextmanager
def receiving(
    answering: Answering = lambda _: 200, port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[Receiver]:
    receiver = Receiver(answering)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            body = self.rfile.read(length)
            if len(body) < length:
                # The sender was killed on the way.
                self.close_connection = True
                return
            told = {name.lower(): value for name, value in self.headers.items()}
            asked = Got(told, body, HANG, time.monotonic(), self.path)
            with lock:
                receiver.at_once += 1
                receiver.most_at_once = max(receiver.most_at_once, receiver.at_once)
            try:
                status = receiver.answering(asked)
                with lock:
                    receiver.got.append(Got(told, body, status, asked.begun, self.path))
                self.answer(status)
            finally:
                with lock:
                    receiver.at_once -= 1

        def answer(self, status: int) -> None:
            if status == HANG:
                self.connection.settimeout(10)
                self.connection.recv(1)
            if status <= 0:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except OSError:
                # The sender is gone: it was killed, or has waited long enough.
                self.close_connection = True

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

    with Server(("127.0.0.1", port), Handler) as server:
        receiver.port = server.server_address[1]
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
