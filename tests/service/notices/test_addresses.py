"""Notices go to the world and to the networks that are named, by the address that was judged, whatever a name says."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import pytest
import trustme

from engine.errors import Rejected
from service.notices import addresses
from service.notices.addresses import Refused, allowed, judge, networks
from service.notices.posting import Answer, Poster
from tests.service.notices.receiver import Receiver, receiving

INTERNAL = [
    *["127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254"],
    *[
        "0.0.0.0",
        "100.64.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "192.0.0.8",
        "192.88.99.1",
    ],
    *["::1", "::", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "fec0::1", "2001:db8::1", "3fff::1", "2001:2::1"],
    # Addresses that stand for an internal one.
    *["::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a00:1::1"],
    *["::127.0.0.1", "2001:0:c0a8:101:0:0:80ff:fffe"],
]
WORLD = ["8.8.8.8", "93.184.216.34", "1.1.1.1", "2606:4700::1111", "2a00:1450:4001::1", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("text", INTERNAL)
def test_internal_addresses_are_refused(text: str) -> None:
    assert not allowed(ip_address(text), (), tls=True)
    with pytest.raises(Refused, match="DEALTRAIL_WEBHOOK_NETWORKS"):
        judge("example.com", [ip_address(text)], (), tls=True)


@pytest.mark.parametrize("text", WORLD)
def test_the_world_is_reached_over_tls_alone(text: str) -> None:
    assert allowed(ip_address(text), (), tls=True)
    assert not allowed(ip_address(text), (), tls=False)
    with pytest.raises(Refused, match="use https"):
        judge("example.com", [ip_address(text)], (), tls=False)


def test_networks_that_are_named_are_allowed_and_their_neighbours_are_not() -> None:
    inside = networks("10.1.0.0/16, 127.0.0.1 fd12::/16")
    for text in ("10.1.2.3", "127.0.0.1", "::ffff:10.1.2.3", "fd12::7"):
        assert allowed(ip_address(text), inside, tls=False)
    for text in ("10.2.0.1", "127.0.0.2", "fd13::7"):
        assert not allowed(ip_address(text), inside, tls=True)


@pytest.mark.parametrize("text", ["10.1.0.1/16", "loopback", "10.0.0.0/99", "::1/200"])
def test_a_setting_that_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(Rejected, match="DEALTRAIL_WEBHOOK_NETWORKS"):
        networks(text)


def test_of_several_addresses_the_internal_ones_are_left_out() -> None:
    found = [ip_address(text) for text in ("10.0.0.1", "8.8.8.8", "::1")]
    assert judge("example.com", found, (), tls=True) == [ip_address("8.8.8.8")]


def post(url: str, poster: Poster) -> Answer:
    return asyncio.run(poster.post(url, {"Content-Type": "text/plain"}, b"{}"))


def names(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """What each lookup of a name finds, the last for ever after; returns the names that are looked up."""
    asked: list[str] = []

    real = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, *more: Any, **named: Any) -> list[Any]:
        if host[0].isdigit():
            return real(host, port, *more, **named)
        asked.append(host)
        found = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


LOOPBACK = networks("127.0.0.1")


def test_the_connection_goes_to_the_address_that_was_judged_and_not_to_the_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The name leads elsewhere at the second lookup: there is no second lookup."""
    asked = names(monkeypatch, ["127.0.0.1"], ["127.0.0.2"])
    with receiving() as receiver:
        answer = post(f"http://hooks.example.com:{receiver.port}/x?y=1", Poster(LOOPBACK))
        assert answer.accepted
        assert asked == ["hooks.example.com"]
        (got,) = receiver.got
        assert (got.headers["host"], got.path) == (f"hooks.example.com:{receiver.port}", "/x?y=1")
        # The next attempt looks again, and is refused.
        refused = post(f"http://hooks.example.com:{receiver.port}/", Poster(LOOPBACK))
        assert "127.0.0.2" in (refused.problem or "")
        assert len(receiver.got) == 1


def test_an_internal_name_is_refused_before_a_byte_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, ["127.0.0.1"])
    with receiving() as receiver:
        for scheme in ("http", "https"):
            answer = post(f"{scheme}://hooks.example.com:{receiver.port}/", Poster())
            assert (answer.status, answer.accepted) == (None, False)
            assert answer.problem is not None
            assert answer.problem.startswith("refused: hooks.example.com is an internal address (127.0.0.1)")
        assert receiver.got == []
        assert receiver.at_once == 0


@pytest.mark.parametrize("written", ["127.0.0.1", "2130706433", "0x7f000001", "017700000001", "127.1"])
def test_however_an_internal_address_is_written_it_is_refused(written: str) -> None:
    answer = post(f"http://{written}:9/", Poster())
    assert answer.problem is not None
    assert answer.problem.startswith(("refused", "no connection: the name"))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with receiving() as elsewhere, receiving(lambda _: status) as receiver:
        receiver.headers = {"Location": elsewhere.url}
        answer = post(receiver.url, Poster(LOOPBACK))
        assert (answer.status, answer.problem) == (status, f"answered {status}: redirects are not followed")
        assert elsewhere.got == []


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as proxy, receiving() as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert post(receiver.url, Poster(LOOPBACK)).accepted
        assert (len(proxy.got), len(receiver.got)) == (0, 1)


def raw(serve: Callable[[socket.socket], None], use: Callable[[int], Answer]) -> Answer:
    """A server that does what it likes with the first connection."""
    from tests.service.notices.world import in_background

    with socket.create_server(("127.0.0.1", 0)) as listening:

        def work() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65_536)
                try:
                    serve(connection)
                except OSError:
                    # The sender has had enough, as it should.
                    return

        thread = in_background(work)
        answer = use(listening.getsockname()[1])
        thread.join(10)
        assert not thread.is_alive()
        return answer


def endless(head: bytes, more: bytes) -> Callable[[socket.socket], None]:
    def serve(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(more)

    return serve


def test_an_answer_without_end_is_not_read() -> None:
    serve = endless(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n", b"x" * 65_536)
    answer = raw(serve, lambda port: post(f"http://127.0.0.1:{port}/", Poster(LOOPBACK, seconds=20)))
    assert answer.accepted
    assert answer.seconds < 15


def test_a_head_without_end_is_no_answer() -> None:
    serve = endless(b"HTTP/1.1 200 OK\r\n", b"x-more: " + b"y" * 1000 + b"\r\n")
    answer = raw(serve, lambda port: post(f"http://127.0.0.1:{port}/", Poster(LOOPBACK, seconds=20)))
    assert not answer.accepted
    assert answer.seconds < 15


def test_an_answer_that_drips_is_cut_at_the_deadline() -> None:
    import time

    def serve(connection: socket.socket) -> None:
        while True:
            connection.sendall(b"H")
            time.sleep(0.05)

    answer = raw(serve, lambda port: post(f"http://127.0.0.1:{port}/", Poster(LOOPBACK, seconds=0.5)))
    assert not answer.accepted
    assert answer.seconds < 10


def test_tls_speaks_of_the_name_and_connects_to_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, ["127.0.0.1"])
    authority = trustme.CA()
    ours = ssl.create_default_context()
    authority.configure_trust(ours)
    told: list[str | None] = []
    for name, accepted in (("hooks.example.com", True), ("other.example.com", False)):
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(server)
        server.sni_callback = lambda _, asked, __: told.append(asked)
        with receiving(tls=server) as receiver:
            answer = post(f"https://hooks.example.com:{receiver.port}/", Poster(LOOPBACK, tls=ours))
            assert answer.accepted == accepted, answer
            assert len(receiver.got) == accepted
            # Nobody we know vouches for it.
            unknown = post(f"https://hooks.example.com:{receiver.port}/", Poster(LOOPBACK))
            assert "CERTIFICATE_VERIFY_FAILED" in (unknown.problem or "")
    assert set(told) == {"hooks.example.com"}


def test_a_name_without_an_address_is_a_problem_not_a_bug() -> None:
    answer = post("https://nowhere.invalid/", Poster())
    assert (answer.problem or "").startswith("no connection: the name nowhere.invalid has no address")


def test_a_second_address_is_tried_when_the_first_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "CONNECT_SECONDS", 0.5)
    with receiving() as receiver:
        names(monkeypatch, ["127.0.0.3", "127.0.0.1"])
        found: Receiver = receiver
        assert post(f"http://hooks.example.com:{found.port}/", Poster(networks("127.0.0.0/8"))).accepted
