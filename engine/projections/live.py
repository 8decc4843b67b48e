"""The frames of the present, which follow the log, and what was added up of them, which follows too."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import polars as pl

from engine.projections.frames import Frames
from engine.projections.spans import Blank, Spans
from engine.projections.tally import Tally

MANY = 512
"""changes since, from which on everything is counted anew"""


class Moment:
    """Between two changes, and what the next one changed. Who was told something keeps the moment, and so all since."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.changed: list[int] = []
        self.were: Frames | None = None
        """the rows that the changed journeys had"""
        self.next: Moment | None = None


class Told(NamedTuple):
    """A tally of live frames as they were."""

    tally: Tally
    as_of: int | None
    at: Moment


class Live:
    """What is derived of one pipeline by one definition. An instance never changes what it tells."""

    def __init__(
        self,
        spans: tuple[Spans, Spans, Spans, Spans],
        told: dict[str, Told] | None = None,
        at: Moment | None = None,
    ) -> None:
        """spans: of the fields of Frames."""
        self._visits, self._journeys, self._attributes, self._void = self._spans = spans
        self._told = told or {}
        self._at = at or Moment(0)
        self._since: tuple[Moment, Frames, Frames] | None = None

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
    def blanks(self) -> tuple[Blank, Blank, Blank, Blank]:
        """Of the fields of Frames."""
        return self._visits.blank, self._journeys.blank, self._attributes.blank, self._void.blank

    def replaced(self, frames: Frames, changed: pl.Series) -> "Live":
        """With what is derived anew of the changed journeys; changed: their codes, sorted."""
        visits, journeys, attributes, void = (
            spans.replaced(fresh, changed) for spans, fresh in zip(self._spans, frames, strict=True)
        )
        here, then = self._at, Moment(self._at.number + 1)
        told = {question: each for question, each in list(self._told.items()) if then.number - each.at.number <= MANY}
        if here.next is not None:
            # Another instance went on from here: what it changed is none of this one's.
            told = {}
        if told:
            here.changed, here.were, here.next = changed.to_list(), self.rows_of(changed), then
        return Live((visits, journeys, attributes, void), told, then)

    def holds(self, journeys: pl.Series) -> bool:
        """Whether any of the journeys is or was in the pipeline; journeys: codes, sorted."""
        return self._visits.holds(journeys) or self._void.holds(journeys)

    def rows_of(self, journeys: pl.Series) -> Frames:
        """The rows of some journeys; journeys: codes, sorted."""
        return Frames(*(spans.rows_of(journeys) for spans in self._spans))

    def tally(self, question: str, of: "Callable[[Frames | Live], Tally]", as_of: int | None) -> Tally:
        """What all journeys add up to by `of`, which gives the same whenever it is asked as of the same time.

        question: names `of`. After a change only the changed journeys are counted: less what they were, plus what
        they are.
        """
        # Two threads may both do this: they come to the same.
        before = self._told.get(question)
        if before is None or before.as_of != as_of:
            found = of(self)
        elif before.at is self._at:
            return before.tally
        else:
            were, are = self.changes(before.at)
            found = before.tally.changed(of(were), of(are))
        self._told[question] = Told(found, as_of, self._at)
        return found

    def changes(self, since: Moment) -> tuple[Frames, Frames]:
        """The rows that the journeys changed since then had, and those they have."""
        # Several questions are asked, one after the other, of the same moment.
        known = self._since
        if known is None or known[0] is not since:
            first: set[int] = set()
            parts = []
            moment = since
            while moment is not self._at:
                assert moment.were is not None
                assert moment.next is not None
                fresh = [journey for journey in moment.changed if journey not in first]
                parts.append(moment.were if len(fresh) == len(moment.changed) else of_these(moment.were, fresh))
                first.update(fresh)
                moment = moment.next
            # Read again it might be another thread's, of another moment.
            known = self._since = since, together(parts), self.rows_of(pl.Series(sorted(first), dtype=pl.UInt32))
        return known[1], known[2]


def of_these(rows: Frames, journeys: list[int]) -> Frames:
    return Frames(*(each.filter(pl.col("journey").is_in(journeys)) for each in rows))


def together(parts: Sequence[Frames]) -> Frames:
    """The rows of different journeys, sorted by journey."""
    if len(parts) == 1:
        return parts[0]
    return Frames(*(pl.concat(each).sort("journey", maintain_order=True) for each in zip(*parts, strict=True)))
