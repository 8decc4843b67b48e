"""The frames of the present, which follow the log, and what was added up of them, which follows too."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import polars as pl

from engine.projections.frames import Frames
from engine.projections.spans import Spans
from engine.projections.tally import Tally

MANY = 4096
"""journeys changed since, from which on everything is counted anew"""


class Told(NamedTuple):
    """A tally of live frames as they were, and the journeys that changed since."""

    tally: Tally
    moment: int | None
    changed: pl.Series
    """codes, sorted"""
    were: tuple[Frames, ...]
    """their rows at the time, each journey's in one of these"""


class Live:
    """What is derived of one pipeline by one definition. An instance never changes what it tells."""

    def __init__(self, spans: tuple[Spans, Spans, Spans, Spans], told: dict[str, Told] | None = None) -> None:
        """spans: of the fields of Frames."""
        self._visits, self._journeys, self._attributes, self._void = self._spans = spans
        self._told = {} if told is None else told
        self._asked: tuple[pl.Series, Frames] | None = None

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
    def none(self) -> Frames:
        """The columns, without a row."""
        visits, journeys, attributes, void = (spans.none for spans in self._spans)
        return Frames(visits, journeys, attributes, void)

    def replaced(self, frames: Frames, changed: pl.Series) -> "Live":
        """With what is derived anew of the changed journeys; changed: their codes, sorted."""
        visits, journeys, attributes, void = (
            spans.replaced(fresh, changed) for spans, fresh in zip(self._spans, frames, strict=True)
        )
        told = {}
        for question, before in list(self._told.items()):
            first = changed.filter(~changed.is_in(before.changed.implode()))
            if len(before.changed) + len(first) <= MANY:
                since = pl.concat([before.changed, first]).sort()
                were = before.were if first.is_empty() else (*before.were, self.rows_of(first))
                told[question] = Told(before.tally, before.moment, since, were)
        return Live((visits, journeys, attributes, void), told)

    def holds(self, journeys: pl.Series) -> bool:
        """Whether any of the journeys is or was in the pipeline; journeys: codes, sorted."""
        return self._visits.holds(journeys) or self._void.holds(journeys)

    def rows_of(self, journeys: pl.Series) -> Frames:
        """The rows of some journeys; journeys: codes, sorted."""
        # Several tallies ask for the same, one after the other.
        asked = self._asked
        if asked is None or not asked[0].equals(journeys):
            asked = self._asked = journeys, Frames(*(spans.rows_of(journeys) for spans in self._spans))
        return asked[1]

    def tally(self, question: str, of: "Callable[[Frames | Live], Tally]", moment: int | None) -> Tally:
        """What all journeys add up to by `of`, which gives the same whenever it is asked at the same moment.

        question: names `of`. After a change only the changed journeys are counted: less what they were, plus what
        they are.
        """
        # Two threads may both do this: they come to the same.
        before = self._told.get(question)
        if before is None or before.moment != moment:
            found = of(self)
        elif before.changed.is_empty():
            return before.tally
        else:
            found = before.tally.changed(of(together(before.were)), of(self.rows_of(before.changed)))
        self._told[question] = Told(found, moment, pl.Series("journey", [], dtype=pl.UInt32), ())
        return found


def together(parts: Sequence[Frames]) -> Frames:
    """The rows of different journeys, sorted by journey."""
    if len(parts) == 1:
        return parts[0]
    return Frames(*(pl.concat(each).sort("journey", maintain_order=True) for each in zip(*parts, strict=True)))
