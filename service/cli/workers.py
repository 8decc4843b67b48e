"""Several processes that serve. One that ends unasked is followed by another; what keeps the first from it ends all.

The server's own supervisor begins whoever fails while loading again at once, for ever, and may end with 0 then.
"""

import logging
import math
import time
from collections.abc import Sequence
from functools import partial
from socket import socket
from typing import TYPE_CHECKING, Final

import uvicorn
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from service.cli.exits import BUG, NO_DATABASE
from service.cli.leaving import leave

if TYPE_CHECKING:
    from fastapi import FastAPI

STEADY_SECONDS: Final = 60.0
"""who served as long is followed at once"""
LOADING_SECONDS: Final = 60.0
"""until when one that does not serve yet is not taken to hang"""
PAUSES: Final = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""seconds before the next begins, while one after another ends sooner"""
BETWEEN_SECONDS: Final = 2.0
"""between two looks at the processes, at most: more is not counted, all of them were held up then (a paused
container, a machine that slept)"""


def loaded() -> "FastAPI":
    """What a process runs; what keeps it from that is told as any command tells it, with its exit code."""
    try:
        from service.app import from_environment
        from service.cli.opening import database_needed
        from service.settings import database_url
        from service.stopping import end_now, end_with_parent

        end_with_parent()
        with database_needed(database_url()):
            app = from_environment()
        app.state.running.when_void = partial(end_now, NO_DATABASE)
        return app
    except Exception as error:
        leave(error)


class Workers(Multiprocess):
    """The processes of a service."""

    def __init__(self, config: uvicorn.Config, sockets: Sequence[socket]) -> None:
        super().__init__(config, list(sockets))
        self.code = 0
        """what the service ends with"""
        self._pause = Pause()
        self._began_at: dict[Process, float] = {}
        self._again_at: dict[Process, float] = {}
        """of those that ended and are not followed yet"""
        self._served: set[Process] = set()
        self._now = 0.0
        """seconds that went by since the beginning, as they are counted here"""
        self._looked_at = time.monotonic()

    def init_processes(self) -> None:
        """One alone: what keeps it from serving would keep all, and is told once."""
        self.processes.append(self._begun())

    def keep_subprocess_alive(self) -> None:
        """Called twice a second."""
        self._count(BETWEEN_SECONDS)
        for place, process in enumerate(self.processes):
            if process in self._again_at:
                if self._now >= self._again_at[process]:
                    del self._again_at[process]
                    self.processes[place] = self._begun()
            elif self._lives(process):
                if process not in self._served and process.is_ready():
                    self._served.add(process)
            else:
                self._ended(process)
        if not self._served.isdisjoint(self.processes):
            while len(self.processes) < self.processes_num:
                self.processes.append(self._begun())
        # To wait for one that does not answer takes seconds, which count.
        self._count(math.inf)

    def _count(self, most: float) -> None:
        looked_at, self._looked_at = self._looked_at, time.monotonic()
        self._now += min(self._looked_at - looked_at, most)

    def _lives(self, process: Process) -> bool:
        """One that is loading can't answer yet: on a busy machine that takes longer than one that serves is given."""
        # One that the server's own supervisor began (SIGHUP, SIGTTIN) is met here first.
        began_at = self._began_at.setdefault(process, self._now)
        loading = process not in self._served and self._now - began_at < LOADING_SECONDS
        if loading:
            return process.process.is_alive()
        return process.is_alive(timeout=self.config.timeout_worker_healthcheck)

    def _begun(self) -> Process:
        process = Process(self.config, self.sockets)
        process.start()
        self._began_at[process] = self._now
        return process

    def _ended(self, process: Process) -> None:
        """Is gone, or hangs."""
        process.kill()
        process.join()
        served, began_at = process in self._served, self._began_at.pop(process, 0.0)
        self._served.discard(process)
        log, code = logging.getLogger(__name__), process.exitcode or 0
        # Another that is still loading may serve yet.
        alone = all(each is process or each in self._again_at for each in self.processes)
        if not served and alone:
            log.error("no process can serve: ending", extra={"worker": process.pid, "exit_code": code})
            # As a shell tells a signal.
            self.code = 128 - code if code < 0 else code or BUG
            self.should_exit.set()
            return
        seconds = self._pause.after(self._now - began_at)
        self._again_at[process] = self._now + seconds
        told = {"worker": process.pid, "exit_code": code, "again_in_seconds": seconds}
        log.error("a process ended, and is followed by another", extra=told)


class Pause:
    """Between the end of a process and the next: none, and longer and longer while they don't last."""

    def __init__(self) -> None:
        self._hasty = 0
        """that ended soon, one after another"""

    def after(self, seconds: float) -> float:
        """Of one that lasted so long."""
        self._hasty = 0 if seconds >= STEADY_SECONDS else min(self._hasty + 1, len(PAUSES))
        return PAUSES[max(self._hasty - 1, 0)]
