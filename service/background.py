"""What a process of the service does unasked: runs the policies, sends notices, and tells how it is doing itself.

The first two have threads of their own.
"""

import asyncio
import logging

from service import metrics
from service.notices.posting import Answer
from service.notices.sender import Sending
from service.notices.senders import Senders
from service.policing import Policing
from service.running import Running
from service.seldom import Seldom

MEASURED_SECONDS = 1.0


class Background:
    def __init__(self, running: Running) -> None:
        """Rejected where the settings make no sense."""
        serving = running.serving
        self.sending = Sending.of(serving, counted)
        self.policing = Policing(running.log, running.views, serving.policies_seconds)
        self._senders = Senders(running.log, self.sending)
        self._started: list[Policing | Senders] = []
        if serving.policies_seconds:
            self._started.append(self.policing)
        if serving.senders:
            self._started.append(self._senders)

    def start(self) -> None:
        for each in self._started:
            each.start()

    def close(self) -> None:
        """Finishes what is under way and begins nothing new."""
        for each in self._started:
            each.close()


async def keep_measuring(running: Running) -> None:
    """Tells what this process alone knows, all the time: for the metrics another one may be asked."""
    seldom = Seldom()
    while True:
        try:
            measure(running)
        except Exception as error:
            # The disk may be full where the files of several processes are.
            seldom.tell(logging.getLogger(__name__), "measuring failed", error)
        await asyncio.sleep(MEASURED_SECONDS)


def measure(running: Running) -> None:
    metrics.catch_up(0)
    metrics.view_position.set(running.views.position)
    metrics.memory.set(metrics.resident_bytes())
    for pool in (running.writing, running.changing, running.reading, running.access, running.telling):
        metrics.waiting.labels(pool.name).set(pool.inside)


def counted(answer: Answer) -> None:
    metrics.notices.labels("accepted" if answer.accepted else "not accepted").inc()
    metrics.notice_seconds.observe(answer.seconds)
