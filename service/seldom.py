"""What goes wrong again and again is told with its traceback once a minute, and in a line in between: a database that
is away for an hour would fill a disk otherwise, at a megabyte a second and a hundred requests."""

import logging
import time
from collections.abc import Callable
from typing import Final

FULL_SECONDS: Final = 60.0


class Seldom:
    """For one thing that goes wrong. Any thread may tell."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: dict[tuple[type, type], float] = {}

    def tell(self, logger: logging.Logger, what: str, error: BaseException) -> None:
        """Of each kind of error, the first in a minute with its traceback."""
        kind, now = (type(error), type(getattr(error, "orig", None))), self._clock()
        last = self._told.get(kind)
        full = last is None or now - last >= FULL_SECONDS
        if full:
            self._told[kind] = now
        said = str(error).partition("\n")[0]
        logger.error(what, exc_info=error if full else None, extra={"error": said})
