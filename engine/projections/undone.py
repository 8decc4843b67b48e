"""What was withdrawn because of an entry that counts no more: it is due again, as if it had never been asked for.

The new follow-up's id is made of the old one's (`again`), so that however many ask for it, it is there once.
"""

from collections.abc import Container
from typing import TYPE_CHECKING
from uuid import UUID

import polars as pl

from engine.projections.columns import POSITION
from engine.projections.seen import is_live
from engine.stages.criteria_polars import CODE
from engine.values import again

if TYPE_CHECKING:
    from engine.projections.look import Look

WITHDRAWN = "policy:withdraw_pointless"


def undone(look: "Look") -> set[str]:
    """Ids of follow-ups that were withdrawn because of what was retracted, and that nobody completed all the same."""
    seen = look.seen()
    steps = seen.sides["follow_ups"]
    gone = steps.filter((pl.col("kind") == CODE["FollowUpCancelled"]) & (pl.col("origin") == WITHDRAWN))
    if gone.is_empty():
        return set()
    hidden = seen.rows.filter(~is_live() & pl.col("journey").is_in(gone["journey"].unique().implode()))
    gone = gone.filter(pl.col("journey").is_in(hidden["journey"].unique().implode()))
    done = steps.filter(pl.col("kind") == CODE["FollowUpCompleted"]).select("follow_up")
    gone = gone.join(done, on="follow_up", how="anti")
    wrong = set(look.event_ids(hidden["position"]).values())
    because = look.causes(gone["position"])
    return {
        follow_up
        for follow_up, position in gone.select("follow_up", "position").iter_rows()
        if because.get(position) in wrong
    }


def current(step: UUID, over: Container[str]) -> UUID:
    """The id under which the step is asked for now. over: undone(look)."""
    while str(step) in over:
        step = again(step)
    return step


def retracted_causes(look: "Look", rows: pl.DataFrame) -> pl.DataFrame:
    """Of follow-ups (journey, follow_up, made) those that were asked for because of what was retracted; because: where
    the log has that.
    """
    seen = look.seen()
    hidden = seen.rows.filter(~is_live() & pl.col("journey").is_in(rows["journey"].unique().implode()))
    rows = rows.filter(pl.col("journey").is_in(hidden["journey"].unique().implode()))
    wrong = {name: position for position, name in look.event_ids(hidden["position"]).items()}
    asked = look.causes(rows["made"])
    because = [wrong.get(asked[made]) if made in asked else None for made in rows["made"]]
    return rows.with_columns(because=pl.Series(because, dtype=POSITION)).filter(pl.col("because").is_not_null())
