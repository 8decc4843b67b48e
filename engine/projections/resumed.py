"""Silences that go on: the follow-up of their alert was withdrawn because of something that was retracted since."""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import polars as pl

from engine.projections.columns import POSITION
from engine.projections.journeys import open_follow_ups
from engine.projections.stalling import LIMITS, STARTED_BY, Episode, is_stalled, ran
from engine.projections.undone import current, undone
from engine.stages.criteria_polars import CODE
from engine.values import again

if TYPE_CHECKING:
    from engine.projections.look import Look


@dataclass(frozen=True)
class Resumed:
    episode: Episode
    follow_up: UUID
    """that is to be asked for"""


def resumed(look: "Look", policy: str) -> list[Resumed]:
    """Where a clock that rang runs still, and its follow-up is undone; none where another is open, or one put off."""
    over = undone(look)
    if not over:
        return []
    seen = look.seen()
    asked = seen.sides["follow_ups"].filter(
        (pl.col("kind") == CODE["FollowUpScheduled"]) & (pl.col("origin") == f"policy:{policy}")
    )
    made = asked.select("journey", "follow_up", made="position")
    waiting = open_follow_ups(seen).join(made, on="follow_up", how="semi")
    silent = look.journeys.filter(is_stalled(look.definition, look.as_of) & pl.col("snoozed_until").is_null())
    gone = made.filter(pl.col("follow_up").is_in(list(over))).join(silent, on="journey")
    gone = with_alert(gone.join(waiting, on="journey", how="anti"), look)
    gone = gone.with_columns(
        **{f"by_{clock}": pl.when(ran(clock, look.definition, look.as_of)).then(STARTED_BY[clock]) for clock in LIMITS}
    )
    ids = look.event_ids(position for clock in LIMITS for position in gone[f"by_{clock}"].drop_nulls())
    known, found = set(made["follow_up"]), dict[str, Resumed]()
    for row in gone.sort("made").iter_rows(named=True):
        follow_up = current(UUID(row["follow_up"]), over)
        rule = look.definition.stages[row["stage"]].stall
        for clock in LIMITS:
            started_by = ids.get(row[f"by_{clock}"])
            limit = None if rule is None else LIMITS[clock](rule)
            if started_by is None or limit is None or started_by.hex != row["started_by"] or str(follow_up) in known:
                continue
            stream, stage = UUID(hex=row["stream"]), look.definition.key_of(row["stage"])
            owner = None if row["owner"] is None else UUID(hex=row["owner"])
            journey = UUID(hex=row["journey_id"])
            episode = Episode(journey, stream, stage, clock, limit, started_by, owner)
            found[row["journey_id"]] = Resumed(episode, follow_up)
    return list(found.values())


def with_alert(steps: pl.DataFrame, look: "Look") -> pl.DataFrame:
    """Adds started_by of the alert to follow-ups of alerts (journey, follow_up, made and more): it stands just before
    the one that it asks for; what was asked for again is still of the first one's alert.
    """
    said, over = look.seen().sides["follow_ups"], list(undone(look))
    gone = said.filter((pl.col("kind") == CODE["FollowUpScheduled"]) & pl.col("follow_up").is_in(over))
    first: dict[str, int] = {}
    for follow_up, position in gone.sort("position").select("follow_up", "position").iter_rows():
        first[str(again(UUID(follow_up)))] = first.get(follow_up, position)
    known = pl.col("follow_up").replace_strict(
        list(first), list(first.values()), default=pl.col("made"), return_dtype=POSITION
    )
    alerts = look.seen().sides["stalls"].select("journey", "started_by", at_first=pl.col("position") + 1)
    asked = steps.with_columns(at_first=known if first else pl.col("made"))
    return asked.join(alerts, on=["journey", "at_first"], how="left", maintain_order="left").drop("at_first")
