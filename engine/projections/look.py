"""What a lens shows of one pipeline: everything an answer is computed from."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar
from uuid import UUID

import polars as pl

from engine.log.application import Log
from engine.log.called import called
from engine.log.people import people_frame
from engine.log.positions import causes, event_ids
from engine.projections.columns import Codes
from engine.projections.frames import Frames
from engine.projections.live import Few, Live
from engine.projections.repeated import Repeated
from engine.projections.seen import Seen
from engine.projections.tally import Tally
from engine.projections.targets import none
from engine.stages.definition import Definition

T = TypeVar("T")


def nowhere(*_: int | None) -> "Look":
    raise LookupError("what is told of a part of the log has no other moments")


def never(*_: object) -> bool:
    return False


@dataclass(frozen=True)
class Look:
    """Of the present or of another time, by one definition."""

    pipeline: str
    definition: Definition
    version: int
    as_of: int
    known_at: int | None
    position: int
    frames: Frames | Live
    membership: pl.DataFrame
    people: pl.DataFrame
    """reps and actors: whoever owns, manages or acts, and perhaps others"""
    log: Log
    codes: Codes
    """what the codes in seen() mean"""
    seen: Callable[[], Seen]
    """the entries that the lens leaves, for the few answers that need more than visits and journeys"""
    again: Callable[[], Seen] | None = None
    """seen(), of which nothing is kept"""
    persons: Mapping[str, tuple[str, str]] | None = None
    """key and label of the people by person_id, where somebody keeps them; else they are looked up"""
    erased: int | None = None
    """how many erasures there were when the people were read, where somebody looked"""
    targets: Callable[[], pl.DataFrame] = none
    """what reps and teams shall win (targets.py), of every pipeline"""
    at: "Callable[[int, int | None], Look]" = nowhere
    """the same log, up to the same position, as of and as known at another time: nothing of it is kept. Of an earlier
    one that alone is derived anew which changed in between.
    """

    said: Callable[[str, pl.Expr], bool] = never
    """whether anybody ever said such a thing, whatever the lens leaves: a side table (columns.SIDES), and which rows"""

    def for_later(self) -> "Look":
        """The same to be kept: its entries, half a gigabyte of ten million events, are read again if need be."""
        return self if self.again is None else replace(self, seen=self.again)

    @property
    def visits(self) -> pl.DataFrame:
        return self.frames.visits

    @property
    def journeys(self) -> pl.DataFrame:
        return self.frames.journeys

    @property
    def attributes(self) -> pl.DataFrame:
        return self.frames.attributes

    @property
    def void(self) -> int:
        """Journeys whose opening was retracted."""
        return self.frames.void_count

    def tally(
        self,
        question: str,
        of: "Callable[[Look], Tally]",
        moment: int | None = None,
        alone: "Callable[[Few], Tally] | None" = None,
    ) -> Tally:
        """What all journeys add up to by `of`, carried along where the frames follow the log.

        question: names `of`. moment: as_of, where what is counted depends on it. alone: what a few journeys add up to,
        the same as `of` told row by row, and so in a fraction of its time.
        """
        live = self.frames

        def few(journeys: Few) -> Tally:
            if alone is not None:
                return alone(journeys)
            assert isinstance(live, Live)
            return of(replace(self, frames=live.framed(journeys)))

        def changed(before: Tally, were: Few, are: Few) -> Tally:
            return before.changed(few(were), few(are))

        return self.carried(question, lambda: of(self), changed, moment)

    def carried(
        self,
        question: str,
        anew: Callable[[], T],
        changed: Callable[[T, Few, Few], T | None],
        moment: int | None = None,
    ) -> T:
        """What `anew` works out; where the frames follow the log, brought up to date by `changed` (Live.carried)."""
        return self.frames.carried(question, moment, anew, changed) if isinstance(self.frames, Live) else anew()

    def repeated(self, question: str, of: object, tell: Callable[[], T]) -> T:
        """What `tell` says, which depends on the definition and `of` alone: where these frames, or those before, were
        told the same, it is not told again.
        """
        kept: Repeated[T] = self.carried(question, Repeated, lambda kept, *_: kept)
        return kept.told(of, tell)

    def everybody(self) -> pl.DataFrame:
        """Reps and actors, also those of whom no event speaks yet."""
        return people_frame(self.log, customers=False)

    def event_ids(self, positions: Iterable[int]) -> dict[int, UUID]:
        """event_id by position, of the few events that are shown."""
        return event_ids(self.log, positions)

    def causes(self, positions: Iterable[int]) -> dict[int, UUID]:
        """event_id of what caused each event, of those that have a cause; by position."""
        return causes(self.log, positions)

    def called(self, journeys: Sequence[tuple[str, str | None]]) -> list[tuple[str | None, str | None]]:
        """Key (id in the source system) and label (the title) of journeys given as journey_id and title."""
        return called(self.log, journeys, self.erased)

    def named(self, journeys: pl.DataFrame) -> pl.DataFrame:
        """Adds `key` and `label` to the few journeys that are shown."""
        words = self.called(journeys.select("journey_id", "title").rows())
        return journeys.with_columns(
            pl.Series(name, [each[place] for each in words], dtype=pl.String)
            for place, name in enumerate(("key", "label"))
        )
