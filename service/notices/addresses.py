"""Which addresses notices may go to, and a connection to exactly the address that was looked at.

Whoever adds a webhook names a host; its name may lead to a machine behind our own walls, now or at the next lookup. So
on every attempt the name is resolved once, each address is judged, and the connection is made to an address that was
judged, never to the name. TLS and the Host header still speak of the name.
"""

import asyncio
import socket
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import httpcore2

from engine.errors import Rejected

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

SETTING = "DEALTRAIL_WEBHOOK_NETWORKS"
CONNECT_SECONDS = 4.0
"""for each address of a name, so that one that swallows packets leaves time for the next"""
_LOOKUPS = ThreadPoolExecutor(32, thread_name_prefix="lookup")
"""of their own: a name server that never answers holds a thread for longer than an attempt, and no other work"""
_TRANSLATED: Sequence[IPv6Network] = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
"""IPv6 addresses that a gateway turns into the IPv4 address in their last 32 bits (RFC 6052, RFC 8215)"""

_SPECIAL: Sequence[Network] = tuple(
    ip_network(text)
    for text in ("192.0.0.0/24", "192.88.99.0/24", "100::/64", "2001::/23", "3fff::/20", "5f00::/16", "fec0::/10")
)
"""of the registries of special purposes (IANA), what older Pythons take for the world"""


class Refused(Exception):
    """An address that notices do not go to."""


def networks(text: str) -> tuple[Network, ...]:
    """Of a setting such as `10.1.0.0/16, 127.0.0.1`; Rejected names what is none."""
    found = []
    for part in text.replace(",", " ").split():
        try:
            found.append(ip_network(part))
        except ValueError as error:
            raise Rejected(f"{SETTING}: {part!r} is no network, such as 10.1.0.0/16: {error}") from None
    return tuple(found)


def meant(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, where it does: judged is where the packets go."""
    if not isinstance(address, IPv6Address):
        return address
    if any(address in network for network in _TRANSLATED):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    inside = address.ipv4_mapped or address.sixtofour or (address.teredo and address.teredo[1])
    return inside or address


def public(address: Address) -> bool:
    told = meant(address)
    special = any(told in network for network in _SPECIAL)
    return told.is_global and not (told.is_multicast or told.is_reserved or special)


def allowed(address: Address, inside: Iterable[Network], *, tls: bool) -> bool:
    """To the world over TLS; to the networks of the setting also without."""
    told = meant(address)
    return any(told in network for network in inside) or (tls and public(address))


def judge(host: str, found: Sequence[Address], inside: Sequence[Network], *, tls: bool) -> list[Address]:
    """The addresses of a host that may be connected to; Refused where there is none."""
    good = [address for address in found if allowed(address, inside, tls=tls)]
    if not good:
        listed = ", ".join(map(str, found))
        if any(public(address) for address in found):
            raise Refused(f"{host} ({listed}) is reached over plain http: use https")
        raise Refused(f"{host} is an internal address ({listed}): {SETTING} names the networks that are allowed")
    return good


def spelled_out(host: str) -> list[Address]:
    """The addresses that a host is without asking anybody, in every spelling the system reads (127.1, 0x7f000001,
    2130706433, 0177.0.0.1), and those of localhost; none for any other name."""
    text = host.removesuffix(".").partition("%")[0]
    if text == "localhost" or text.endswith(".localhost"):
        return [IPv4Address("127.0.0.1"), IPv6Address("::1")]
    try:
        return [ip_address(text)]
    except ValueError:
        pass
    try:
        return [IPv4Address(socket.inet_aton(text))]
    except OSError:
        return []


class JudgedBackend(httpcore2.AsyncNetworkBackend):
    """Connects to addresses that were judged, the first that answers."""

    def __init__(self, inside: Sequence[Network], *, tls: bool) -> None:
        self.inside = inside
        self.tls = tls
        self._backend = httpcore2.AnyIOBackend()
        self._opened: httpcore2.AsyncNetworkStream | None = None

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 (the library's name; the whole attempt has a deadline)
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        chosen = judge(host, await resolve(host, port), self.inside, tls=self.tls)
        failed: Exception | None = None
        for address in chosen:
            try:
                self._opened = await self._backend.connect_tcp(
                    str(address), port, CONNECT_SECONDS, local_address, socket_options
                )
                return self._opened
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failed = error
        assert failed is not None
        raise failed

    async def aclose(self) -> None:
        """The library leaves a connection open whose handshake is cut at the deadline."""
        if self._opened is not None:
            await self._opened.aclose()


async def resolve(host: str, port: int) -> list[Address]:
    """All addresses of the name, in the system's order; httpcore2.ConnectError where it has none."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.run_in_executor(_LOOKUPS, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except OSError as error:
        raise httpcore2.ConnectError(f"the name {host} has no address: {error.strerror or error}") from error
    except UnicodeError as error:
        raise httpcore2.ConnectError(f"{host} is no name of a host: {error}") from error
    # A zone (fe80::1%eth0) is of the machine, not of the address.
    told = [str(address[0]).partition("%")[0] for *_, address in found]
    return [ip_address(text) for text in dict.fromkeys(told)]
