"""What is derived of one pipeline by one definition."""

from typing import NamedTuple

import polars as pl

from engine.projections.columns import Columns
from engine.projections.journeys import derive_journeys, with_values
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


def derive(seen: Seen, columns: Columns, definition: Definition, profiles: pl.DataFrame) -> Frames:
    """Everything about one pipeline: a pure function of live entries and a definition."""
    visits = derive_visits(seen, definition, columns.codes)
    visits = with_values(visits, seen, columns.codes).drop("row")
    journeys = derive_journeys(visits, profiles, seen, definition)
    journeys = journeys.with_columns(columns.streams.ids(journeys["journey"]))
    attributes = (
        seen.sides["attributes"]
        .filter(pl.col("journey").is_in(journeys["journey"].implode()))
        .unique(["journey", "name"], keep="last", maintain_order=True)
        .select("journey", "name", "value")
    )
    void = seen.voided.filter(pl.col("pipeline") == columns.codes.pipelines.get(definition.pipeline, -1))
    return Frames(visits, journeys, attributes, void.select("journey"))
