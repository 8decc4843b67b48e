"""The head of a request, bounded before anything of it is understood: in length, and in how long it takes to come.

The server that we use bounds neither. Bodies are bounded in outer.py, which sees requests whose head has arrived.
"""

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.joined import Joined

HEAD_BYTES: Final = 65_536
HEAD_SECONDS: Final = 15.0
TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
TOO_SLOW: Final = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class Guarded(HttpToolsProtocol):
    """One connection."""

    _awaited: asyncio.TimerHandle | None = None
    _size: int | None = 0
    """of the head that is under way; None while none is"""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the server has it
        super().connection_made(transport)
        self.transport = Joined(transport, self.loop)  # type: ignore[assignment]  # it passes on what it does not know
        self._await_head()

    def _await_head(self) -> None:
        if self._awaited is None:
            self._awaited = self.loop.call_later(HEAD_SECONDS, self._end, TOO_SLOW)

    def _head_came(self) -> None:
        self._size = None
        if self._awaited is not None:
            self._awaited.cancel()
            self._awaited = None

    def data_received(self, data: bytes) -> None:
        if self._size is not None:
            self._size += len(data)
        super().data_received(data)
        if self._size is not None:
            # Not before: most heads come whole.
            self._await_head()
            if self._size > HEAD_BYTES:
                self._end(TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._size = 0

    def on_headers_complete(self) -> None:
        self._head_came()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        super().connection_lost(exc)

    def _end(self, said: bytes) -> None:
        self._head_came()
        if not self.transport.is_closing():
            self.transport.write(said)
            self.transport.close()
