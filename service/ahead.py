"""What was just written is followed before the next question asks for it.

A question about the present reads what is new in the log, and derives the journeys that it changed: half of what the
answer costs. While somebody asks again and again a thread does that after each write, and questions find it done.
"""

import logging
import time
from threading import Event, Thread
from typing import Final

from engine.projections.views import Views
from service.seldom import Seldom

LATELY_SECONDS: Final = 1.0
"""since a question, from when on nobody is waited for: what is written meanwhile is followed together, once a second"""
PAUSE_SECONDS: Final = 0.002
"""after a write: the command's answer goes out first, and what is written meanwhile is followed together"""


class Ahead:
    """One a process."""

    def __init__(self, views: Views) -> None:
        self._views = views
        self._asked = -LATELY_SECONDS
        self._written = Event()
        self._stopped = False
        self._seldom = Seldom()
        self._thread = Thread(target=self._run, name="following", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def asked(self) -> None:
        """Somebody asks about the present."""
        self._asked = time.monotonic()

    def written(self) -> None:
        """The log has become longer. What questions don't ask about costs the writer nothing."""
        if time.monotonic() - self._asked < LATELY_SECONDS:
            self._written.set()

    def close(self) -> None:
        """After what is under way."""
        self._stopped = True
        self._written.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while self._written.wait() and not self._stopped:
            time.sleep(PAUSE_SECONDS)
            # Before it reads: what is written while it does is for the next time.
            self._written.clear()
            try:
                self._views.catch_up()
            except Exception as error:
                # The database may be away for a while; the next question says so itself.
                self._seldom.tell(logging.getLogger(__name__), "following the log failed", error)
