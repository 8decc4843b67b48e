"""What is told while the database is away, or hangs: who asks waits a moment for it, and goes on without."""

import asyncio
from collections.abc import Awaitable
from typing import Final, TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from service.work import Overloaded, Unanswered

T = TypeVar("T")
WAIT_SECONDS: Final = 2.0
"""who scrapes metrics gives up after 10 by default, and needs the database twice: for the key, and for the gauges"""


async def unless_away(asked: Awaitable[T]) -> T | None:
    """What is asked of the database; None where it does not answer in time."""
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            return await asked
    except (DBAPIError, NoConnectionLeft, Overloaded, Unanswered, TimeoutError):
        return None
