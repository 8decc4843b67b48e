"""What is derived of one pipeline by one definition."""

from typing import NamedTuple

import polars as pl

from engine.projections.columns import Codes, Columns
from engine.projections.journeys import with_values
from engine.projections.newest import newest_of_each
from engine.projections.outcomes import derive_journeys
from engine.projections.parts import cut, on_threads
from engine.projections.seen import Seen
from engine.projections.visits import derive_visits
from engine.stages.definition import Definition


class Frames(NamedTuple):
    """Derived frames of one pipeline by one definition; see docs/architecture.md for their columns."""

    visits: pl.DataFrame
    journeys: pl.DataFrame
    attributes: pl.DataFrame
    void: pl.DataFrame
    """the journeys whose opening was retracted"""

    @property
    def void_count(self) -> int:
        return self.void.height


TAKEN_BY = pl.col("stream").fill_null(pl.col("journey_id"))
"""Before a journey's opening, where late entries came first, its first stream takes what is new."""


def derive(seen: Seen, columns: Columns, definition: Definition, profiles: pl.DataFrame) -> Frames:
    """Everything about one pipeline: a pure function of live entries and a definition."""
    parts = zip(seen.parts, cut(profiles["journey"], seen.starts), strict=True)
    found = on_threads(lambda part: derive_part(part[0], columns.codes, definition, profiles[part[1]]), parts)
    visits, journeys, attributes = zip(*found, strict=True)
    # One after the other: who reads ids may put away the newest among the others.
    named = [each.with_columns(columns.streams.ids(each["journey"])).with_columns(TAKEN_BY) for each in journeys]
    void = seen.voided.filter(pl.col("pipeline") == columns.codes.pipelines.get(definition.pipeline, -1))
    return Frames(pl.concat(visits), pl.concat(named), pl.concat(attributes), void.select("journey"))


def derive_part(
    seen: Seen, codes: Codes, definition: Definition, profiles: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Visits, journeys and attributes of some journeys."""
    visits = derive_visits(seen, definition, codes)
    visits = with_values(visits, seen, codes).drop("row")
    journeys = derive_journeys(visits, profiles, seen, definition)
    of_these = seen.sides["attributes"].filter(pl.col("journey").is_in(journeys["journey"].implode()))
    attributes = newest_of_each(of_these, "name").select("journey", "name", "value")
    return visits, journeys, attributes
