"""Which journeys are stalled, and by which event: the one function that the board, the list and the policy share.

Three clocks run in a stage with a rule: since the newest activity, since the newest touch that counts (or since it came
here), and since it came here. One that has run for its days makes the journey stalled. While an open follow-up is
snoozed it sleeps. Exact definitions: docs/policies.md#stalled.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal
from uuid import UUID

import polars as pl

from engine.stages.calendar import counted_before
from engine.stages.definition import Definition, StallRule

if TYPE_CHECKING:
    from engine.projections.look import Look

Clock = Literal["idle", "touch", "stage"]
Limit = Callable[[StallRule], float | None]
LIMITS: Final[dict[Clock, Limit]] = {
    "idle": lambda rule: rule.idle_days,
    "touch": lambda rule: rule.touch_days,
    "stage": lambda rule: rule.stage_days,
}
"""The days of each clock, in the order in which they name an episode."""

active, entered, touched = pl.col("active_at"), pl.col("stage_since"), pl.col("touched_at")
_later = (touched > entered) | ((touched == entered) & (pl.col("touched_position") > pl.col("stage_position")))
STARTED_AT: Final[dict[Clock, pl.Expr]] = {
    "idle": active,
    "touch": pl.when(_later).then(touched).otherwise(entered),
    "stage": entered,
}
STARTED_BY: Final[dict[Clock, pl.Expr]] = {
    "idle": pl.col("active_position"),
    "touch": pl.when(_later).then("touched_position").otherwise("stage_position"),
    "stage": pl.col("stage_position"),
}
"""When each clock started (microseconds), and the position of the event that started it."""


def is_stalled(definition: Definition, as_of: int) -> pl.Expr:
    """True for the open journeys of Look.journeys that are stalled at as_of (microseconds)."""
    ran_out = [ran(clock, definition, as_of) for clock in LIMITS]
    return (pl.col("outcome") == "open") & ~asleep(as_of) & pl.any_horizontal(ran_out)


def asleep(as_of: int) -> pl.Expr:
    return (pl.col("snoozed_until") > as_of).fill_null(False)


def ran(clock: Clock, definition: Definition, moment: int | Mapping[str, int]) -> pl.Expr:
    """Whether the clock had run for its stage's days at the moment, one for all or one for each stage."""
    return (STARTED_AT[clock] <= of_stage(latest_starts(clock, definition, moment))).fill_null(False)


def latest_starts(clock: Clock, definition: Definition, moment: int | Mapping[str, int]) -> dict[int, int]:
    """By rank, until when the clock must have started to have run for the stage's days at the moment."""
    latest = {}
    for rank, stage in enumerate(definition.stages):
        days = None if stage.stall is None else LIMITS[clock](stage.stall)
        if stage.stall is not None and days is not None:
            at = moment if isinstance(moment, int) else moment[stage.key]
            latest[rank] = counted_before(definition.clock(stage.stall.business), at, days)
    return latest


def of_stage(values: Mapping[int, int]) -> pl.Expr:
    """A number by rank; null where there is none."""
    if not values:
        return pl.lit(None, pl.Int64)
    return pl.col("stage").replace_strict(list(values), list(values.values()), default=None, return_dtype=pl.Int64)


@dataclass(frozen=True)
class Episode:
    """A stall that nobody was told of yet."""

    journey: UUID
    stream: UUID
    """which takes the alert"""
    stage: str
    clock: Clock
    limit_days: float
    started_by: UUID
    """event_id of what started the clock, or of the snooze that is over: names the episode"""
    owner: UUID | None


def episodes(look: "Look", since: Mapping[str, int]) -> list[Episode]:
    """The open journeys that stalled after `since` (microseconds by stage), not alerted yet; longest silent first.

    Once for each event that started a clock, and once in a silence: after an alert, only what was recorded since (a
    touch, a move, a snooze that is over) begins another episode.
    """
    rows = candidates(look, since)
    if rows.is_empty():
        return []
    names = [*(f"by_{clock}" for clock in LIMITS), "snooze"]
    positions = {position for name in names for position in rows[name].drop_nulls()}
    ids = look.event_ids(positions)
    found = []
    for row in rows.iter_rows(named=True):
        rule = look.definition.stages[row["stage"]].stall
        known = {UUID(hex=name) for name in row["alerted"] or ()}
        for clock in LIMITS:
            position = row[f"by_{clock}"]
            started_by = None if position is None else ids[row["snooze"] or position]
            limit = None if rule is None else LIMITS[clock](rule)
            if started_by is not None and limit is not None and started_by not in known:
                stream, stage = UUID(hex=row["stream"]), look.definition.key_of(row["stage"])
                owner = None if row["owner"] is None else UUID(hex=row["owner"])
                found.append(Episode(UUID(hex=row["journey_id"]), stream, stage, clock, limit, started_by, owner))
                break
    return found


def candidates(look: "Look", since: Mapping[str, int]) -> pl.DataFrame:
    """Stalled journeys without an alert since the newest sign of life.

    Columns: journey_id, stream, stage, owner, alerted; by_idle, by_touch, by_stage: where the log has the event that
    started the clock, if it ran out after `since`; snooze: where it has the snooze that is over.
    """
    slept = (pl.col("snoozed_at") > active) | (
        (pl.col("snoozed_at") == active) & (pl.col("snoozed_position") > pl.col("active_position"))
    )
    snooze = pl.when(slept).then("snoozed_position")
    signs = pl.max_horizontal("active_position", "stage_position", snooze)
    told = (pl.col("alerted_position") > signs).fill_null(False)
    begins = of_stage({rank: since[stage.key] for rank, stage in enumerate(look.definition.stages)})
    woke = slept.fill_null(False) & (pl.col("snoozed_until") > begins)
    rows = look.journeys.lazy().filter(is_stalled(look.definition, look.as_of) & ~told)
    fresh = {
        clock: pl.when(ran(clock, look.definition, look.as_of) & (woke | ~ran(clock, look.definition, since))).then(
            STARTED_BY[clock]
        )
        for clock in LIMITS
    }
    chosen = rows.with_columns(snooze=snooze, waiting=active, **{f"by_{clock}": fresh[clock] for clock in LIMITS})
    some = pl.any_horizontal(pl.col(f"by_{clock}").is_not_null() for clock in LIMITS)
    return (
        chosen.filter(some)
        .sort("waiting", "journey_id")
        .select("journey_id", "stream", "stage", "owner", "alerted", "snooze", *(f"by_{clock}" for clock in LIMITS))
        .collect()
    )
