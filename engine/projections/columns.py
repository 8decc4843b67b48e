"""The log as columns: one narrow row an event in small codes, and side tables for what only some events carry.

A row's `code` means, by kind: Touched: touch kind + 16 inbound + 32 automated + 64 * who recorded it; BantAssessed:
dimension * 3 + verdict; SignalRecorded: signal; moves: stage; Scored: fit; SatisfactionRecorded: score; OwnerAssigned:
owner; openings, ValueChanged, DealWon: currency; -1: none. When an event was recorded is not kept: the order of
positions is that of recording.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import copy, deepcopy
from dataclasses import dataclass, field
from typing import Final

import polars as pl
from polars._typing import PolarsDataType

from engine.projections.kept import Kept, Row
from engine.projections.streams import Streams

POSITION: Final = pl.UInt32
"""half of what the log gives: as far as Polars counts rows, 4.29 billion. What is beyond is refused, never cut."""
STAMP: Final[dict[str, PolarsDataType]] = {"journey": pl.UInt32, "occurred_at": pl.Int64, "position": POSITION}
EVENTS: Final[dict[str, PolarsDataType]] = STAMP | {
    "kind": pl.UInt8,
    "code": pl.Int32,
    "policy": pl.Boolean,
}
ACTOR: Final = 64
"""of a touch's code: so many times who recorded it"""
WORD: Final = pl.Categorical()
"""Words that come again and again: a number in the rows, and each word once a process."""
SIDES: Final[dict[str, dict[str, PolarsDataType]]] = {
    "openings": STAMP
    | {
        "stream": pl.String,
        "pipeline": pl.Int16,
        "first": pl.Boolean,
        "owner": pl.Int32,
        "source": WORD,
        "channel": WORD,
        "title": pl.String,
        "expected_close": WORD,
    },
    "customers": STAMP | {"person": pl.String},
    "attributes": STAMP | {"name": WORD, "value": WORD},
    "follow_ups": STAMP
    | {
        "kind": pl.UInt8,
        "follow_up": pl.String,
        "due_at": pl.Int64,
        "touch": WORD,
        "owner": WORD,
        "reason": WORD,
        "origin": WORD,
    },
    "notes": STAMP | {"note": pl.String},
    "stalls": STAMP | {"started_by": pl.String},
    "proposals": STAMP | {"kind": pl.UInt8, "proposal": pl.String, "expires_at": pl.Int64},
    "numbers": STAMP | {"value": pl.Int64},
    "corrections": STAMP | {"takes_back": POSITION},
    "reasons": STAMP | {"reason": WORD},
    "closes": STAMP | {"expected_close": WORD},
}
"""openings.first: the opening of the journey itself, not of a deal that continues its lead's. customers: of those
openings that name one. numbers: a row for every
entry that has_number; value, by kind: the amount in minor units, engagement (null: not told), PipelineChanged: the
pipeline. corrections.takes_back: the position of what is retracted. notes: of those entries of follow_ups that have
one.
"""

EntriesOf = Callable[[list[str]], pl.DataFrame]
"""The log's way to the entries of some streams (stream_id, event_id, position): what a retraction names may be old."""


@dataclass
class Codes:
    """Small integers for the words of the log, given as they appear; they live as long as the process."""

    pipelines: dict[str, int] = field(default_factory=dict)
    stages: dict[str, int] = field(default_factory=dict)
    signals: dict[str, int] = field(default_factory=dict)
    currencies: dict[str, int] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)

    def count(self) -> int:
        return sum(len(words) for words in vars(self).values())


class Columns:
    """All events of the log as columns, kept as they come; nothing here depends on a definition or a lens."""

    def __init__(self) -> None:
        self.codes = Codes()
        self._codes_as_they_were = Codes()
        self.position = 0
        self.streams = Streams()
        self.events = Kept.none(EVENTS)
        self.sides = {name: Kept.none(schema) for name, schema in SIDES.items()}

    def add(self, position: int, events: pl.DataFrame, sides: Mapping[str, pl.DataFrame]) -> None:
        """The rows that the log has up to a position, after those that were there."""
        # Made before any of it is set: all of them are there or none.
        fuller = {name: self.sides[name].plus(more) for name, more in sides.items()}
        self.position, self.events, self.sides = position, self.events.plus(events), self.sides | fuller

    def add_few(self, position: int, events: Sequence[Row], sides: Mapping[str, Sequence[Row]]) -> None:
        """As add, of a few rows; the columns of events are those of EVENTS, of a side table those of SIDES."""
        fuller = {name: self.sides[name].plus_few(more) for name, more in sides.items()}
        self.position, self.events, self.sides = position, self.events.plus_few(events), self.sides | fuller

    def as_it_is(self) -> "Columns":
        """What there is now, for a question that is computed while more is taken."""
        found = copy(self)
        # Codes are only ever added, so that what was copied last serves until one is.
        if self._codes_as_they_were.count() != self.codes.count():
            self._codes_as_they_were = deepcopy(self.codes)
        found.codes, found.streams, found.sides = self._codes_as_they_were, copy(self.streams), dict(self.sides)
        return found
