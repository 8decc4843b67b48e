"""Where the service listens: had before anybody is told so."""

import errno
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from engine.errors import Rejected

BACKLOG: Final = 2_048
"""connections that wait to be taken"""
NOT_HERE: Final = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


class NoAddress(Rejected):
    """Nothing can listen there now."""


@contextmanager
def listening(host: str, port: int) -> Iterator[Sequence[socket.socket]]:
    """On every address that the host has, at one port (0: a free one); NoAddress where that can't be."""
    with ExitStack() as stack:
        sockets: list[socket.socket] = []
        missing: OSError | None = None
        for family, address in addresses(host, port):
            chosen = sockets[0].getsockname()[1] if sockets else port
            try:
                made = socket.create_server((address[0], chosen, *address[2:]), family=family, backlog=BACKLOG)
            except OSError as error:
                if error.errno not in NOT_HERE:
                    raise NoAddress(why(error, host, chosen)) from None
                # A name such as localhost may have an address of a kind that this machine lacks.
                missing = error
            else:
                sockets.append(stack.enter_context(made))
        if missing is not None and not sockets:
            raise NoAddress(why(missing, host, port))
        yield sockets


def addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, tuple[Any, ...]]]:
    """Each with its family; what an address is made of depends on that."""
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        raise NoAddress(f"--host {host}: no address is known by that name ({error})") from None
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


def why(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is taken by another program: stop that, or choose another by --port"
    if error.errno == errno.EACCES:
        return f"port {port} of {host} is not for this account: choose one above 1023 by --port"
    if error.errno in NOT_HERE:
        return f"--host {host} is no address of this machine: use 127.0.0.1, 0.0.0.0 for all, or one it has"
    return f"nothing can listen at port {port} of {host}: {error.strerror}"
