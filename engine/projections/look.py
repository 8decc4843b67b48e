"""What a lens shows of one pipeline: everything an answer is computed from."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from uuid import UUID

import polars as pl

from engine.log.application import Log
from engine.log.keys import keys_of
from engine.log.people import people_frame
from engine.log.positions import causes, event_ids
from engine.log.texts import texts
from engine.projections.columns import Codes
from engine.projections.frames import Frames
from engine.projections.live import Live
from engine.projections.seen import Seen
from engine.projections.tally import Tally
from engine.stages.definition import Definition


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
        return self.frames.void.height

    def tally(self, question: str, of: "Callable[[Look], Tally]", moment: int | None = None) -> Tally:
        """What all journeys add up to by `of`, carried along where the frames follow the log.

        question: names `of`. moment: as_of, where what is counted depends on it.
        """
        if isinstance(self.frames, Live):
            return self.frames.tally(question, lambda frames: of(replace(self, frames=frames)), moment)
        return of(self)

    def everybody(self) -> pl.DataFrame:
        """Reps and actors, also those of whom no event speaks yet."""
        return people_frame(self.log, customers=False)

    def event_ids(self, positions: Iterable[int]) -> dict[int, UUID]:
        """event_id by position, of the few events that are shown."""
        return event_ids(self.log, positions)

    def causes(self, positions: Iterable[int]) -> dict[int, UUID]:
        """event_id of what caused each event, of those that have a cause; by position."""
        return causes(self.log, positions)

    def named(self, journeys: pl.DataFrame) -> pl.DataFrame:
        """Adds `key` (id in the source system) and `label` (the title) to the few journeys that are shown."""
        ids = [UUID(hex=journey) for journey in journeys["journey_id"]]
        titles = {title: UUID(hex=title) for title in journeys["title"].drop_nulls()}
        bodies = texts(self.log, list(titles.values()))
        keys = keys_of(self.log, ids)
        return journeys.with_columns(
            key=pl.Series([keys.get(journey) for journey in ids], dtype=pl.String),
            label=pl.Series(
                [None if title is None else bodies.get(titles[title]) for title in journeys["title"]], dtype=pl.String
            ),
        )
