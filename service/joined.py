"""The head of an answer leaves with the body. The server writes one after the other, which wakes the client twice."""

import asyncio
from typing import Any, Final

HEAD: Final = b"HTTP/1.1 "


class Joined:
    """A transport that keeps a head until the next piece is written, or until the event loop comes round."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._kept = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if self._kept:
            data, self._kept = self._kept + data, b""
        elif data.startswith(HEAD):
            self._kept = data
            self._loop.call_soon(self._let_go)
            return
        self._transport.write(data)

    def close(self) -> None:
        self._let_go()
        self._transport.close()

    def _let_go(self) -> None:
        kept, self._kept = self._kept, b""
        if kept and not self._transport.is_closing():
            self._transport.write(kept)
