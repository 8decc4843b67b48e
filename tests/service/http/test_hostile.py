"""Clients that mean harm or are broken, over real sockets: each is refused, and everybody else is served."""

import socket
import time

import pytest

from service import guard
from tests.service.http.server import Client, Service


def sent(client: Client, content: bytes, timeout: float = 20) -> bytes:
    """The first line of what the service answers, empty where it hangs up."""
    with socket.create_connection(("127.0.0.1", client.port), timeout) as connection:
        try:
            connection.sendall(content)
            return connection.recv(65_536).split(b"\r\n")[0]
        except (ConnectionResetError, BrokenPipeError):
            return b""


def head(client: Client, *lines: bytes, method: bytes = b"GET /v1/board") -> bytes:
    return b"\r\n".join(
        [method + b" HTTP/1.1", b"Host: x", b"Authorization: Bearer %b" % (client.key or "").encode(), *lines]
    )


@pytest.mark.parametrize(
    "line",
    [
        b"X-A: b\rX-Forged: 1",
        b"X-A: b\n X-Folded: 1",
        b"Content-Length : 5",
        b"Content-Length: +5",
        b"Content-Length: 5\r\nContent-Length: 6",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: xchunked",
        b"Transfer-Encoding: gzip, chunked",
        b"Host: y",
        b"X-\x00: 1",
        b"no colon at all",
    ],
)  # fmt: skip
def test_a_head_that_could_be_read_in_two_ways_is_refused(line: bytes, unheard: Client) -> None:
    told = sent(
        unheard, head(unheard, b"Content-Type: application/json", line, method=b"POST /v1/deals") + b"\r\n\r\nhello"
    )
    assert told.startswith(b"HTTP/1.1 400"), told


def test_a_head_names_its_host(unheard: Client) -> None:
    lines = head(unheard).replace(b"\r\nHost: x", b"")
    assert sent(unheard, lines + b"\r\n\r\n").startswith(b"HTTP/1.1 400")
    assert sent(unheard, lines.replace(b"HTTP/1.1", b"HTTP/1.0") + b"\r\n\r\n").startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("address", ["/v1/search?q=%ff", "/v1/journeys/%c0%ae", "/v1/search?q=%ed%a0%80"])
def test_an_address_that_is_not_utf_8_is_refused(address: str, unheard: Client) -> None:
    unheard.send("GET", address).refused(400, "malformed", "UTF-8")


@pytest.mark.parametrize(
    "content", [b"\x16\x03\x01\x02\x00\x01" * 20, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\r\n\xff\xfe\r\n\r\n"]
)
def test_what_is_not_http_is_refused(content: bytes, unheard: Client) -> None:
    assert sent(unheard, content).startswith(b"HTTP/1.1 400")


def test_who_was_not_told_to_send_a_body_does_not_send_the_next_request_in_its_place(unheard: Client) -> None:
    asking = [b"Content-Type: application/json", b"Content-Length: 100", b"Expect: 100-continue"]
    with socket.create_connection(("127.0.0.1", unheard.port), 20) as connection:
        connection.sendall(head(unheard, *asking, method=b"POST /v1/nowhere") + b"\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"\r\nconnection: close\r\n" in answer


def test_a_head_without_end_is_cut_off(unheard: Client) -> None:
    for size in (100_000, 20_000_000):
        told = sent(unheard, head(unheard, b"X-Long: " + b"a" * size) + b"\r\n\r\n")
        # Who goes on sending may find the connection closed before the answer is read.
        assert told == b"" or told.startswith(b"HTTP/1.1 431"), told[:80]
    unheard.get("/v1/board", {"X-Long": "a" * 70_000}).refused(431, "head-too-large", "65,536")
    assert unheard.get("/v1/board", {"X-Long": "a" * 60_000}).status == 200


def test_a_head_that_does_not_come_is_not_waited_for(
    service: Service, manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "HEAD_SECONDS", 0.4)
    with socket.create_connection(("127.0.0.1", manager.port), 20) as silent:
        with socket.create_connection(("127.0.0.1", manager.port), 20) as slow:
            slow.sendall(head(manager))
            began = time.monotonic()
            assert slow.recv(100).startswith(b"HTTP/1.1 408")
            assert time.monotonic() - began < 10
        assert silent.recv(100).startswith(b"HTTP/1.1 408")
    manager.get("/v1/board").done()


def test_a_nul_is_refused_where_text_is_kept(service: Service) -> None:
    ops = service.client("ops")
    hook = ops.post("/v1/webhooks", {"url": "https://example.com/hooks"}).answer["webhook_id"]
    ops.post(f"/v1/webhooks/{hook}/pause", {"reason": "a\0b"}).refused(422, "invalid", "NUL")
    ops.post(f"/v1/webhooks/{hook}/pause", {"reason": "they move"}).done()


def test_a_body_of_any_depth_is_answered_in_words(unheard: Client) -> None:
    path, kind = "/v1/pipelines/loans/preview", {"Content-Type": "application/json"}
    for content in (b"[" * 200_000, b'{"a":' * 200_000, b"\xff\xfe", b'{"definition":' + b"9" * 5_000 + b"}"):
        unheard.send("POST", path, content, kind).refused(400, "malformed", "JSON")
    deep = b'{"any":[' * 300 + b'{"event":"DealWon"}' + b"]}" * 300
    stages = b'{"definition":{"pipeline":"loans","stages":[{"key":"a","kind":"open","enter":' + deep + b"}]}}"
    unheard.send("POST", path, stages, kind).refused(422, "invalid")


def test_a_connection_that_is_kept_serves_request_after_request(unheard: Client) -> None:
    with socket.create_connection(("127.0.0.1", unheard.port), 20) as connection:
        for _ in range(3):
            connection.sendall(head(unheard) + b"\r\n\r\n")
            answer = b""
            while b"\r\n\r\n" not in answer or not answer.endswith(b"}"):
                answer += connection.recv(65_536)
            assert answer.startswith(b"HTTP/1.1 200")
