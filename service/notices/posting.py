"""One attempt: a POST over a fresh connection, within a deadline; no redirect is followed, no body read."""

import asyncio
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from importlib.metadata import version
from urllib.parse import urlsplit

import httpcore2

from service.notices.addresses import JudgedBackend, Network, Refused

SHOWN = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt."""

    status: int | None
    problem: str | None
    """None: it was accepted (2xx)"""
    seconds: float
    retry_after: float | None = None
    """seconds that the receiver asks us to wait"""

    @property
    def accepted(self) -> bool:
        return self.problem is None

    @property
    def gone(self) -> bool:
        """The receiver wants no more notices."""
        return self.status == 410


@dataclass(frozen=True)
class Poster:
    """How notices are posted."""

    inside: Sequence[Network] = ()
    """networks that are allowed besides the world"""
    seconds: float = 15.0
    """for all of an attempt: the name, the connection, the request, the answer"""
    tls: ssl.SSLContext | None = None
    """None: the system's authorities"""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Never raises for what a receiver, a name or a network does: that is the answer's problem."""
        began = time.monotonic()
        status, retry_after = None, None
        try:
            async with asyncio.timeout(self.seconds):
                status, retry_after = await self._exchange(url, headers, body)
            problem = judged(status)
        except TimeoutError:
            problem = f"no answer within {self.seconds:g} seconds"
        except Refused as refused:
            problem = f"refused: {refused}"
        except ssl.SSLError as error:
            problem = f"TLS: {error}"
        except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException, OSError) as error:
            problem = f"no connection: {error}" if str(error) else f"no connection ({type(error).__name__})"
        return Answer(status, problem and problem[:SHOWN], time.monotonic() - began, retry_after)

    async def _exchange(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, float | None]:
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        sent = [
            (name.encode(), value.encode())
            for name, value in {
                "Host": parts.netloc,
                "User-Agent": f"dealtrail/{version('dealtrail')}",
                "Accept": "*/*",
                "Content-Length": str(len(body)),
                **headers,
            }.items()
        ]
        backend = JudgedBackend(self.inside, tls=secure)
        # A pool of its own: every attempt looks at the address anew, and no connection is old when it is needed.
        pool = httpcore2.AsyncConnectionPool(
            ssl_context=(self.tls or authorities()) if secure else None,
            network_backend=backend,
            max_keepalive_connections=0,
        )
        try:
            async with pool, pool.stream("POST", url, headers=sent, content=body) as response:
                # The status says it all. The rest is not read, so that it can be neither too large nor too slow.
                return response.status, waiting(header(response.headers, b"retry-after"))
        finally:
            await backend.aclose()


@cache
def authorities() -> ssl.SSLContext:
    return httpcore2.default_ssl_context()


def judged(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    return f"answered {status}: redirects are not followed" if 300 <= status < 400 else f"answered {status}"


def header(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    return next((value for known, value in headers if known.lower() == name), None)


def waiting(retry_after: bytes | None) -> float | None:
    """Seconds of a Retry-After, a number or a date; None where it makes no sense."""
    if retry_after is None:
        return None
    text = retry_after.decode("latin-1").strip()
    if text.isdecimal():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None
