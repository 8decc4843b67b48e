"""The frames of the present, which follow the log, and what was worked out of them, which follows too."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple, TypeVar

import polars as pl

from engine.projections.frames import Frames
from engine.projections.rows_alone import RowsAlone, flat, framed
from engine.projections.spans import Spans

MANY = 1_024
"""journeys changed since, from which on everything is worked out anew"""
QUESTIONS = 64
"""that are remembered, the newest"""

T = TypeVar("T")
Few = Collection[RowsAlone]
"""the rows of a few journeys, one beside the other"""


class Moment:
    """Between two changes, and what the next one changed. Who was told something keeps the moment, and so all since."""

    def __init__(self, number: int) -> None:
        self.number = number
        """rises with every change, by the journeys that it touches"""
        self.were: dict[int, RowsAlone] = {}
        """the rows that the changed journeys had"""
        self.next: Moment | None = None


class Told(NamedTuple):
    """Something worked out of live frames as they were."""

    found: Any
    as_of: int | None
    at: Moment


class Live:
    """What is derived of one pipeline by one definition. An instance never changes what it tells."""

    def __init__(
        self,
        spans: tuple[Spans, Spans, Spans, Spans],
        told: dict[str, Told] | None = None,
        newest: dict[str, Told] | None = None,
        at: Moment | None = None,
    ) -> None:
        """spans: of the fields of Frames. told: by question what was worked out up to now. newest: what was worked out
        last, by this one, those before and those after.
        """
        self._visits, self._journeys, self._attributes, self._void = self.spans = spans
        self._told = told or {}
        self._newest = {} if newest is None else newest
        self._at = at or Moment(0)
        self._since: tuple[Moment, Few, Few] | None = None

    @classmethod
    def of(cls, frames: Frames) -> "Live":
        visits, journeys, attributes, void = map(Spans.of, frames)
        return cls((visits, journeys, attributes, void))

    @property
    def visits(self) -> pl.DataFrame:
        return self._visits.whole

    @property
    def journeys(self) -> pl.DataFrame:
        return self._journeys.whole

    @property
    def attributes(self) -> pl.DataFrame:
        return self._attributes.whole

    @property
    def void(self) -> pl.DataFrame:
        return self._void.whole

    @property
    def void_count(self) -> int:
        return self._void.height

    def replaced(self, fresh: Mapping[int, RowsAlone]) -> "Live":
        """With what is derived anew of a few journeys, by code: all that changed."""
        were = {journey: self.rows_alone(journey) for journey in fresh}
        visits, journeys, attributes, void = (
            spans.replaced({code: (were[code][place], rows[place]) for code, rows in fresh.items()})
            for place, spans in enumerate(self.spans)
        )
        here, then = self._at, Moment(self._at.number + max(1, len(fresh)))
        if here.next is not None:
            # Another instance went on from here: what it changed is none of this one's.
            return Live((visits, journeys, attributes, void), at=then)
        here.were, here.next = were, then
        for question, each in list(self._newest.items()):
            if then.number - each.at.number > MANY:
                self._newest.pop(question, None)
        return Live((visits, journeys, attributes, void), dict(self._newest), self._newest, then)

    def spliced(self, fresh: Frames, changed: pl.Series) -> "Live":
        """With what is derived anew of many journeys; changed: their codes, sorted. What was told is forgotten."""
        visits, journeys, attributes, void = (
            spans.spliced(rows, changed) for spans, rows in zip(self.spans, fresh, strict=True)
        )
        return Live((visits, journeys, attributes, void))

    def holds(self, journey: int) -> bool:
        """Whether the journey is or was in the pipeline."""
        return bool(self._visits.rows_alone(journey) or self._void.rows_alone(journey))

    def rows_alone(self, journey: int) -> RowsAlone:
        return RowsAlone(*(spans.rows_alone(journey) for spans in self.spans))

    def framed(self, journeys: Few) -> Frames:
        """The frames of these journeys alone, which are sorted."""
        return Frames(
            *(framed(flat(rows[place] for rows in journeys), spans.blank) for place, spans in enumerate(self.spans))
        )

    def carried(
        self, question: str, as_of: int | None, anew: Callable[[], T], changed: Callable[[T, Few, Few], T | None]
    ) -> T:
        """What `anew` works out, the same whenever it is asked as of the same time; question: its name.

        After a change only the changed journeys are looked at: `changed` is given what was found, the rows that they
        had, and those they have. None: it can't tell by these.
        """
        # Two threads may both do this: they come to the same.
        before, found = self._before(question), None
        if before is not None and before.as_of == as_of:
            if before.at is self._at:
                same: T = before.found
                return same
            found = changed(before.found, *self.changes(before.at))
        result = anew() if found is None else found
        told = Told(result, as_of, self._at)
        keep(self._told, question, told)
        newest = self._newest.get(question)
        if newest is None or newest.at.number <= told.at.number:
            keep(self._newest, question, told)
        return result

    def _before(self, question: str) -> Told | None:
        """What was worked out last of this one and those before it, also by who was still at it when this was made."""
        own, newest = self._told.get(question), self._newest.get(question)
        if newest is None or newest.at.number > self._at.number:
            return own
        return newest if own is None or own.at.number < newest.at.number else own

    def changes(self, since: Moment) -> tuple[Few, Few]:
        """The rows that the journeys changed since then had, and those they have; by their codes."""
        # Several questions are asked, one after the other, of the same moment.
        known = self._since
        if known is None or known[0] is not since:
            were: dict[int, RowsAlone] = {}
            moment = since
            while moment is not self._at:
                assert moment.next is not None
                for code, rows in moment.were.items():
                    were.setdefault(code, rows)
                moment = moment.next
            codes = sorted(were)
            # Read again it might be another thread's, of another moment.
            known = self._since = since, [were[code] for code in codes], [self.rows_alone(code) for code in codes]
        return known[1], known[2]


def keep(told: dict[str, Told], question: str, newest: Told) -> None:
    """And forget what was asked least recently, where that is too much."""
    told.pop(question, None)
    told[question] = newest
    for oldest in list(told)[:-QUESTIONS]:
        told.pop(oldest, None)
