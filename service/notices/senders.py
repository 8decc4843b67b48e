"""All webhooks that this process sends for: it takes up those nobody sends for, and gives them back when it stops."""

import asyncio
import logging
import threading
from collections.abc import Callable
from uuid import UUID

from sqlalchemy.exc import DBAPIError

from engine.errors import Rejected
from engine.log.application import Log
from engine.log.history import OtherHistory
from engine.log.locked import Busy
from service.notices.lease import Lost, acquire, free
from service.notices.sender import Sender, Sending
from service.seldom import Seldom

LOOK_SECONDS = 1.0
"""how often a process looks for webhooks that nobody sends for"""
_said = logging.getLogger(__name__)


async def send(log: Log, sending: Sending, stop: asyncio.Event, *, until_idle: bool = False) -> None:
    """Sends for all webhooks that are free, until it is stopped; until_idle: until there is nothing left to do now."""
    running: dict[UUID, asyncio.Task[None]] = {}
    seldom = Seldom()
    while not stop.is_set():
        try:
            for webhook_id in await asyncio.to_thread(free, log.engine):
                ours = webhook_id in running
                lease = None if ours else await asyncio.to_thread(acquire, log.engine, webhook_id)
                if lease is not None:
                    sender = Sender(log, lease, sending)
                    running[webhook_id] = asyncio.create_task(guarded(sender, stop, until_idle))
        except (DBAPIError, Busy) as error:
            # The database may be away for a while: what is to be told waits in it.
            seldom.tell(_said, "looking for webhooks failed", error)
        if until_idle:
            break
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait([stopped], timeout=LOOK_SECONDS)
        stopped.cancel()
        running = {webhook_id: task for webhook_id, task in running.items() if not task.done()}
    await asyncio.gather(*running.values())


async def guarded(sender: Sender, stop: asyncio.Event, until_idle: bool) -> None:
    """A sender that can't go on ends; its lease runs out, and then it, or another process, begins anew."""
    try:
        await sender.run(stop, until_idle=until_idle)
    except Lost:
        _said.info("another sends, or the webhook was changed", extra={"webhook": str(sender.lease.webhook_id)})
    except Rejected as refused:
        _said.error(str(refused), extra={"webhook": str(sender.lease.webhook_id)})
    except Exception:
        _said.exception("sending failed", extra={"webhook": str(sender.lease.webhook_id)})


class Senders:
    """Sends on a thread of its own, with a loop of its own: a slow receiver slows no answer of the service."""

    def __init__(self, log: Log, sending: Sending) -> None:
        self._log = log
        self._sending = sending
        self._ready = threading.Event()
        self._stop: Callable[[], object] = lambda: None
        self._thread = threading.Thread(target=self._run, name="senders", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._ready.wait()

    def close(self) -> None:
        """Begins nothing new, waits for what is being sent, and keeps what came of it."""
        self._stop()
        self._thread.join()

    def _run(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        self._stop = lambda: loop.call_soon_threadsafe(stop.set)
        self._ready.set()
        try:
            await send(self._log, self._sending, stop)
        except OtherHistory as error:
            # The process ends: who follows the log says so (service/app.py).
            _said.error(str(error))
