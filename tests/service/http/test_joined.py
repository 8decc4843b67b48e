"""The head of an answer and its body leave as one piece; what leaves, and its order, is as it was written."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from service.joined import Joined

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


class Wire:
    """A transport that notes what is sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.sent.append(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


def sent(*steps: Callable[[Any], object] | None) -> list[bytes]:
    """What leaves when the steps are taken, None a turn of the event loop."""
    wire = Wire()

    async def take() -> None:
        transport: Any = wire
        joined = Joined(transport, asyncio.get_running_loop())
        for step in (*steps, None):
            if step is None:
                await asyncio.sleep(0)
            else:
                step(joined)

    asyncio.run(take())
    return wire.sent


def write(data: bytes) -> Callable[[Any], object]:
    return lambda joined: joined.write(data)


def close(joined: Any) -> None:
    joined.close()


@pytest.mark.parametrize(
    ("steps", "leaves"),
    [
        pytest.param([write(HEAD), write(b"ok"), write(b"more")], [HEAD + b"ok", b"more"], id="a body"),
        pytest.param([write(HEAD), write(b"")], [HEAD], id="none"),
        pytest.param([write(HEAD), None, write(b"data: 1")], [HEAD, b"data: 1"], id="a body that comes later"),
        pytest.param([write(HEAD), close], [HEAD], id="a connection that ends at once"),
        pytest.param(
            [write(HEAD), write(HEAD), write(b"ok")], [HEAD + HEAD, b"ok"], id="continue, and then the answer"
        ),
        pytest.param([write(HEAD), write(b"ok"), write(HEAD), None], [HEAD + b"ok", HEAD], id="two answers in a turn"),
    ],
)
def test_head_and_body_leave_as_one(steps: list[Any], leaves: list[bytes]) -> None:
    assert sent(*steps) == leaves


def test_nothing_is_written_to_a_connection_that_is_gone() -> None:
    assert sent(write(HEAD), lambda joined: joined._transport.close()) == []
