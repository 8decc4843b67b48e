"""Stage keys that lead journeys nowhere by a definition: people moved them there, and it has no such open stage."""

import polars as pl

from engine.projections.figures import Figures
from engine.projections.look import Look
from engine.stages.criteria_polars import is_kind
from engine.stages.definition import UNMAPPED
from engine.stages.facts import MOVES

NO_KEY = "(none)"
"""of a reopening that names no stage"""


class UnmappedKey(Figures):
    key: str
    moves: int
    """that led to unmapped"""
    journeys: int
    standing: int
    """of them, those that stand unmapped now because of it"""


def unmapped_keys(look: Look) -> tuple[UnmappedKey, ...]:
    """Over all journeys of the pipeline; most journeys first."""
    visits = look.visits.filter(pl.col("stage") == UNMAPPED)
    if visits.is_empty():
        return ()
    names = {code: key for key, code in look.codes.stages.items()}
    moves = look.seen().rows.filter(is_kind(*sorted(MOVES)))
    told = (
        visits.join(moves.select("position", "code"), left_on="entered_position", right_on="position", how="inner")
        .group_by("code")
        .agg(
            moves=pl.len(),
            journeys=pl.col("journey").n_unique(),
            standing=pl.col("left_at").is_null().sum(),
        )
        .sort("journeys", "code", descending=[True, False])
    )
    return tuple(
        UnmappedKey(
            key=names.get(row["code"], NO_KEY), **{name: row[name] for name in ("moves", "journeys", "standing")}
        )
        for row in told.iter_rows(named=True)
    )
