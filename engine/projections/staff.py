"""Who sells and acts, in which team, and what they shall win: read again only where somebody told something of it."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import polars as pl

from engine.log.application import Log
from engine.log.people import erasures, people_frame
from engine.projections.groups import by_id
from engine.projections.lens import Lens
from engine.projections.roster import memberships
from engine.projections.targets import STAFF, targets_standing


class People(NamedTuple):
    frame: pl.DataFrame
    """reps and actors, as people_frame has them"""
    by_id: Mapping[str, tuple[str, str]]
    """key and label by person_id"""
    erased: int
    """how many erasures and corrections there were before they were read"""


class Staff:
    """Of one process. Whoever asks holds the lock of the views."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._told: list[pl.DataFrame] = []
        """the feed's rows of the roster and of targets, as they came"""
        self._people: tuple[tuple[int, int, int] | None, People] = (None, People(pl.DataFrame(), {}, 0))
        self._members: tuple[tuple[int, int | None, int | None] | None, pl.DataFrame] = (None, pl.DataFrame())

    def take(self, feed: pl.DataFrame) -> None:
        """What comes next in the log; of it what is about staff."""
        told = feed.filter(pl.col("type").is_in(STAFF))
        if not told.is_empty():
            self._told.append(told)

    def as_it_is(self) -> "Staff":
        """What was told up to now, whatever is taken later."""
        same = Staff(self._log)
        same._told = list(self._told)
        return same

    def people(self, spoken_of: int) -> People:
        """Reps and actors, as they are called now. spoken_of: how many people events speak of."""
        told = (spoken_of, len(self._told), erasures(self._log))
        if self._people[0] != told:
            people = people_frame(self._log, customers=False)
            self._people = (told, People(people, by_id(people), told[2]))
        return self._people[1]

    def membership(self, lens: Lens) -> pl.DataFrame:
        asked = (len(self._told), lens.horizon, lens.known_at)
        if self._members[0] != asked:
            self._members = (asked, memberships(self._told, as_of=lens.horizon, known_at=lens.known_at))
        return self._members[1]

    def targets(self, lens: Lens) -> Callable[[], pl.DataFrame]:
        """What stands under the lens, of what was told up to now; for the few answers that need it."""
        return partial(targets_standing, tuple(self._told), as_of=lens.horizon, known_at=lens.known_at)
