"""How often a journey was tried to be reached in vain, since the customer last answered.

Exact definitions: docs/policies.md#attempts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from engine.projections.duties import PLACE, Place, placed, scheduled, standing
from engine.projections.journeys import open_follow_ups
from engine.projections.worked import AUTOMATED, INBOUND
from engine.stages.criteria_polars import CODE, is_kind

if TYPE_CHECKING:
    from engine.projections.look import Look

SOON_AFTER = 3_600_000_000
"""a touch written down within the hour after a follow-up was completed is the one that completed it"""


@dataclass(frozen=True, slots=True)
class Attempts(Place):
    """So many unanswered attempts since it came into the stage; at: the last of them, the answer, or the entry."""

    made: int


def attempts(look: "Look", since: Mapping[str, int], rungs: Mapping[int, int], policy: str) -> list[Attempts]:
    """Attempts on open journeys in stages with a ladder, where the policy asked for nothing since the last one.

    rungs: how many attempts are declared, by rank. An attempt that somebody put off is waited for.
    """
    here = standing(look, since, rungs).filter(pl.col("outcome") == "open").collect()
    asked = scheduled(look, policy)
    newest = asked.group_by("journey").agg(asked=pl.col("position").max())
    waiting = open_follow_ups(look.seen()).filter(pl.col("kind") == CODE["FollowUpSnoozed"])
    here = here.join(waiting.join(asked, on="follow_up", how="semi"), on="journey", how="anti")
    found = (
        tried(look, here, asked, rungs)
        .join(newest, on="journey", how="left")
        .filter((pl.col("asked") < pl.col("position")).fill_null(True))
        .select(*PLACE, "at", "position", "made")
    )
    return [Attempts(**place, made=row["made"]) for row, place in placed(look, found)]


def tried(look: "Look", here: pl.DataFrame, asked: pl.DataFrame, rungs: Mapping[int, int]) -> pl.DataFrame:
    """The journeys with made, and at and position of the last attempt, of the answer, or of the entry into the stage.

    here: journey, stage, stage_since, stage_position and more. asked: scheduled(look, policy).
    """
    of_these = pl.col("journey").is_in(here["journey"].implode())
    by_people = is_kind("Touched") & ((pl.col("code") & AUTOMATED) == 0) & ~pl.col("policy")
    touches = look.seen().events.filter(by_people & of_these)
    told = touches.select(
        "journey", "occurred_at", "position", answered=(pl.col("code") & INBOUND) != 0, done=pl.lit(False)
    )
    entered = here.select("journey", "stage", "stage_since", "stage_position")
    after = (pl.col("occurred_at") > pl.col("stage_since")) | (
        (pl.col("occurred_at") == pl.col("stage_since")) & (pl.col("position") > pl.col("stage_position"))
    )
    declared = pl.col("stage").replace_strict(list(rungs), list(rungs.values()), default=0, return_dtype=pl.UInt32)
    # Counted from the last answer on, in the order in which it happened. The suggestion at the end is no attempt.
    run, nth = pl.col("answered").cum_sum().over("journey"), (~pl.col("answered")).cum_sum().over("journey")
    counted = (
        pl.concat([told, completed(look, touches, asked.filter(of_these))])
        .join(entered, on="journey")
        .filter(after)
        .sort("journey", "occurred_at", "position")
        .with_columns(run=run)
        .filter(pl.col("run") == pl.col("run").max().over("journey"))
        .filter(~pl.col("done") | (nth <= declared))
    )
    made = counted.group_by("journey", maintain_order=True).agg(
        made=(~pl.col("answered")).sum(), last_at=pl.col("occurred_at").last(), last=pl.col("position").last()
    )
    return here.join(made, on="journey", how="left").with_columns(
        position=pl.coalesce("last", "stage_position"),
        at=pl.coalesce("last_at", "stage_since"),
        made=pl.col("made").fill_null(0),
    )


def completed(look: "Look", touches: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """The asked-for attempts that somebody completed and for which no touch was recorded: they are touches too."""
    ended = look.seen().sides["follow_ups"].filter(pl.col("kind") == CODE["FollowUpCompleted"])
    done = ended.select("journey", "follow_up", "occurred_at", "position").join(
        asked.select("follow_up", asked="position"), on="follow_up"
    )
    both = done.join(touches.select("journey", touched_at="occurred_at", touched="position"), on="journey")
    recorded = both.filter(
        (pl.col("touched") > pl.col("asked")) & (pl.col("touched_at") <= pl.col("occurred_at") + SOON_AFTER)
    )
    return done.join(recorded, on="position", how="anti").select(
        "journey", "occurred_at", "position", answered=pl.lit(False), done=pl.lit(True)
    )
