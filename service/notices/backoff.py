"""When a notice that was not accepted is tried again, and when it is given up."""

import random
from collections.abc import Callable
from dataclasses import dataclass

DAY = 86_400.0


@dataclass(frozen=True)
class Backoff:
    """All in seconds. By default 5 s, 20 s, 80 s, 5 min, 21 min, 1.4 h, 5.7 h, then every 6 h, for 3 days."""

    first: float = 5.0
    factor: float = 4.0
    most: float = 6 * 3600.0
    give_up: float = 3 * DAY
    """after the notice was due first; what waited behind it may have waited as long already"""
    cautious_after: int = 10
    """attempts in a row that failed, whatever the journeys: from then on one at a time, slower and slower"""
    cautious_most: float = 60.0
    draw: Callable[[], float] = random.random

    def delay(self, attempts: int, asked: float | None = None) -> float:
        """Seconds until the next attempt after so many; at least as long as the receiver asked, within reason.

        Between half and all of the step: notices that failed together come back apart.
        """
        step = min(self.most, self.first * self.factor ** min(attempts - 1, 30))
        return max(step * (0.5 + self.draw() / 2), min(asked or 0.0, self.most))

    def pause(self, failures: int) -> float:
        """Seconds between attempts at a receiver that has failed so many in a row; 0: none."""
        if failures < self.cautious_after:
            return 0.0
        step = min(self.cautious_most, self.first * 2.0 ** min(failures - self.cautious_after, 30))
        return step * (0.5 + self.draw() / 2)
