"""The journeys that changed, derived anew: a few of them one by one, more of them together.

A call of Polars costs some 50 microseconds whatever it holds, and deriving takes hundreds of them; the twenty entries
of a journey are read through by plain Python in less. docs/adr/0010 tells how the two ways are held together.
"""

from collections.abc import Sequence
from typing import Any, Final

import polars as pl

from engine.projections import journey_alone
from engine.projections.alone import Words, alone
from engine.projections.columns import Columns
from engine.projections.frames import Frames, derive
from engine.projections.journeys import derive_profiles
from engine.projections.profile_alone import profile
from engine.projections.seen import see
from engine.projections.spans import Blank
from engine.stages.definition import Definition

FEW: Final = 50
"""journeys that are derived one by one"""
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

    def profiles(self, blank: Blank) -> pl.DataFrame:
        """As derive_profiles. blank: of what it gives."""
        return framed(list(self._profiles.values()), blank)

    def frames(self, definition: Definition, blanks: Sequence[Blank]) -> Frames:
        """As derive. blanks: of the fields of Frames."""
        visits, journeys, attributes, void = (list[dict[str, Any]]() for _ in blanks)
        for each in self._journeys:
            if each.void_in == definition.pipeline:
                void.append({"journey": each.journey})
            if own := journey_alone.visits(each, definition):
                visits += own
                journeys.append(journey_alone.row(each, self._profiles[each.journey], own, definition))
                attributes += journey_alone.attributes(each)
        return Frames(*map(framed, (visits, journeys, attributes, void), blanks))


def framed(rows: Sequence[dict[str, Any]], blank: Blank) -> pl.DataFrame:
    """The rows, of each the columns that there are."""
    if not rows:
        return blank.rows
    # Polars would put null where a row lacks a column.
    if missing := blank.schema.keys() - rows[0].keys():
        raise KeyError(f"a journey derived alone has no {', '.join(sorted(missing))}")
    return pl.from_dicts(rows, schema=blank.schema)


class Together:
    """By columns, as all journeys are."""

    def __init__(self, columns: Columns, changed: pl.Series) -> None:
        self._columns = columns
        self._seen = see(columns, as_of=None, known=None, only=changed)
        self._profiles = derive_profiles(self._seen, columns.codes)
        names = list(columns.codes.pipelines)
        self.pipelines = {names[code] for code in self._seen.pipelines(changed) if code >= 0}

    def profiles(self, _blank: Blank) -> pl.DataFrame:
        return self._profiles

    def frames(self, definition: Definition, _blanks: Sequence[Blank]) -> Frames:
        return derive(self._seen, self._columns, definition, self._profiles)
