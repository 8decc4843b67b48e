"""The policies inside the service: a thread that does what is due, again and again. Any number of processes may."""

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.log.application import Log
from engine.policies.run import Done, run_once
from engine.projections.views import Views
from service import metrics

_said = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Round:
    """One look at everything."""

    began_at: datetime
    seconds: float
    actions: Mapping[tuple[str, str], int]
    """by policy and what came of it (engine.policies.run.What)"""
    problem: str | None = None
    """why it broke off; the next one begins anew"""


class Policing:
    def __init__(self, log: Log, views: Views, seconds: float) -> None:
        """seconds: between two rounds, a little more or less, so that processes do not look all at once."""
        self.last: Round | None = None
        self._log, self._views, self._seconds = log, views, seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="policies", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """After the command that is under way."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self.last = self._round()
            self._stopped.wait(self._seconds * random.uniform(0.9, 1.1))

    def _round(self) -> Round:
        began_at, began = datetime.now(UTC), time.monotonic()
        counts: Counter[tuple[str, str]] = Counter()

        def told(done: Done) -> None:
            counts[done.due.policy, done.what] += 1
            metrics.policy_actions.labels(done.due.policy, done.what).inc()
            if done.what == "refused":
                _said.warning("refused", extra={"policy": done.due.policy, "why": done.why})

        problem = None
        try:
            run_once(self._log, self._views, tell=told, stop=self._stopped.is_set)
        except Exception as error:
            # The database may be away for a while. What was due stays due.
            _said.exception("a round of the policies broke off")
            problem = type(error).__name__
        seconds = time.monotonic() - began
        metrics.policy_seconds.observe(seconds)
        metrics.policy_round.set_to_current_time()
        return Round(began_at, seconds, counts, problem)
