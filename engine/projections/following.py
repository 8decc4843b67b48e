"""The journeys that changed, derived anew: a few of them one by one, more of them together.

A call of Polars costs some 50 microseconds whatever it holds, and deriving takes hundreds of them; the twenty entries
of a journey are read through by plain Python in less. docs/adr/0010 tells how the two ways are held together.
"""

from collections.abc import Sequence
from typing import Final

import polars as pl

from engine.projections import journey_alone
from engine.projections.alone import Alone, Words, alone
from engine.projections.columns import Columns
from engine.projections.frames import derive
from engine.projections.journeys import derive_profiles
from engine.projections.live import Live
from engine.projections.profile_alone import profile
from engine.projections.rows_alone import RowsAlone, by_journey
from engine.projections.seen import see
from engine.stages.definition import Definition

FEW: Final = 50
"""journeys that are derived one by one"""
PLAIN: Final = 256
"""journeys derived together that are then told by plain rows; of more, whatever was worked out is so anew"""
WHOLESALE: Final = 0.03
"""from this share of changed journeys on, deriving all of them anew is cheaper"""


def derived_anew(columns: Columns, changed: pl.Series) -> "OneByOne | Together | None":
    """changed: codes of journeys, sorted. None: so many that all should be derived anew."""
    if len(changed) <= FEW:
        return OneByOne(columns, changed.to_list())
    return Together(columns, changed) if len(changed) <= WHOLESALE * len(columns.streams) else None


class OneByOne:
    """By the plain fold."""

    def __init__(self, columns: Columns, changed: Sequence[int]) -> None:
        words = Words.of(columns.codes)
        self._journeys = [alone(columns, journey, words) for journey in changed]
        self._profiles = {each.journey: profile(each, words) for each in self._journeys if each.entries}
        self.pipelines = {pipeline for each in self._journeys for pipeline in each.pipelines}
        """every pipeline that one of them is or was in"""

    def put_in(self, live: Live, definition: Definition) -> Live:
        """What derive gives, with these journeys'."""
        return live.replaced({each.journey: self._rows(each, definition) for each in self._journeys})

    def _rows(self, each: Alone, definition: Definition) -> RowsAlone:
        void = [{"journey": each.journey}] if each.void_in == definition.pipeline else []
        own = journey_alone.visits(each, definition)
        if not own:
            return RowsAlone((), (), (), void)
        row = journey_alone.row(each, self._profiles[each.journey], own, definition)
        return RowsAlone(own, [row], journey_alone.attributes(each), void)


class Together:
    """By columns, as all journeys are."""

    def __init__(self, columns: Columns, changed: pl.Series) -> None:
        self._columns, self._changed = columns, changed
        self._seen = see(columns, as_of=None, known=None, only=changed)
        self._profiles = derive_profiles(self._seen, columns.codes)
        names = list(columns.codes.pipelines)
        self.pipelines = {names[code] for code in self._seen.pipelines(changed) if code >= 0}

    def put_in(self, live: Live, definition: Definition) -> Live:
        frames = derive(self._seen, self._columns, definition, self._profiles)
        if len(self._changed) > PLAIN:
            return live.spliced(frames, self._changed)
        rows = [by_journey(each) for each in frames]
        return live.replaced({code: RowsAlone(*(each.get(code, ()) for each in rows)) for code in self._changed})
