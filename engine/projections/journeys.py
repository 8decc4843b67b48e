"""One row a journey: what the entries say of it whatever the stages are (profiles)."""

from functools import partial
from typing import Final, TypeVar

import polars as pl
from polars._typing import PolarsDataType

from engine.projections.abreast import side_by_side
from engine.projections.columns import STAMP, WORD, Codes
from engine.projections.kept import BEGINS, ENDS, ORDER
from engine.projections.newest import newest_of_each
from engine.projections.parts import on_threads
from engine.projections.seen import Seen, is_live
from engine.stages.criteria_polars import CODE, VERDICTS, is_kind, valued
from engine.values import Dimension

VERDICT: Final = pl.Enum([verdict.value for verdict in VERDICTS])
PROFILE: Final = (
    "opened_at",
    "last_activity_at",
    "last_activity_position",
    "touches",
    "first_touch_at",
    "last_touch_at",
    "amount_minor",
    "currency",
    "owner",
    "stream",
    "source",
    "channel",
    "title",
    "expected_close",
    "fit",
    "engagement",
    "next_action_at",
    "step_position",
    "snoozed_until",
    "snoozed_at",
    "snoozed_position",
    "alerted",
    "alerted_position",
    "merged_at",
    *(dimension.value for dimension in Dimension),
    "active_at",
    "active_position",
)
"""what is told of a journey whatever its stages are"""

Rows = TypeVar("Rows", pl.DataFrame, pl.LazyFrame)


def last(rows: Rows) -> Rows:
    """The last row of each journey; rows are clustered by journey."""
    return rows.filter(ENDS)


def first(rows: Rows) -> Rows:
    """The first row of each journey; rows are clustered by journey."""
    return rows.filter(BEGINS)


def derive_profiles(seen: Seen, codes: Codes) -> pl.DataFrame:
    """What the entries say of each journey whatever its stages: journey, and PROFILE.

    Remembered with the entries, which several pipelines and definitions are derived from.
    """
    if not seen.profiles:
        # Two threads may both do this: they come to the same.
        seen.profiles.append(pl.concat(on_threads(partial(profiles_of, codes=codes), seen.parts)))
    return seen.profiles[0]


def profiles_of(seen: Seen, codes: Codes) -> pl.DataFrame:
    rows = seen.rows.lazy()
    numbers = seen.numbers.lazy()
    worth, scored = numbers.filter(valued()), numbers.filter(is_kind("Scored"))
    parts = [
        rows.filter(seen.first).select("journey", opened_at="occurred_at"),
        activity(rows),
        touches(rows),
        last(worth).select("journey", amount_minor="value", currency=named("code", codes.currencies)),
        stamped(rows.filter(is_kind("OwnerAssigned")), "code", "assigned"),
        *opened(seen),
        last(scored.filter(pl.col("code") >= 0)).select("journey", fit=pl.col("code").cast(pl.Int16)),
        last(scored.filter(pl.col("value").is_not_null())).select("journey", engagement=pl.col("value").cast(pl.Int16)),
        next_actions(seen),
        alarms(seen),
        last(rows.filter(is_kind("LeadMerged", "DealMerged"))).select("journey", merged_at="occurred_at"),
    ]
    bant = (
        seen.rows.lazy()
        .filter(is_kind("BantAssessed"))
        .select("journey", pl.col("code").cast(pl.UInt8, strict=False))
        .collect()
    )
    for place, dimension in enumerate(Dimension):
        verdict = (pl.col("code") % 3).cat.to(VERDICT).alias(dimension.value)
        parts.append(last(bant.lazy().filter(pl.col("code") // 3 == place)).select("journey", verdict))
    begun, active, *told = pl.collect_all(parts)
    stamps = seen.rows.select(last_activity_at="occurred_at", last_activity_position="position")[active["row"]]
    return (
        side_by_side(begun, [active.select("journey").hstack(stamps), *told])
        .with_columns(
            pl.col("touches").fill_null(0),
            pl.col("last_activity_at").fill_null(pl.col("opened_at")),
            *clock(seen),
            *[pl.col(dimension.value).fill_null("unknown") for dimension in Dimension],
            owner=newest("owner", "assigned"),
            expected_close=newest("expected_close", "awaited").cast(pl.String).str.to_date(),
        )
        .with_columns(owner=named("owner", codes.people, pl.String))
        .select("journey", *PROFILE)
    )


def named(column: str, codes: dict[str, int], dtype: PolarsDataType = WORD) -> pl.Expr:
    """The words of a column of codes, which count from 0; null for none."""
    if not codes:
        return pl.lit(None, dtype)
    code = pl.col(column)
    return pl.lit(pl.Series(list(codes), dtype=dtype)).gather(pl.when(code >= 0).then(code).cast(pl.UInt32))


def touches(rows: pl.LazyFrame) -> pl.LazyFrame:
    """How many touches each journey has had, and when the first and the last one was."""
    row = pl.int_range(pl.len(), dtype=pl.UInt32)
    return (
        rows.filter(is_kind("Touched"))
        .select("journey", "occurred_at")
        .select(
            pl.col("journey").filter(BEGINS),
            touches=row.filter(ENDS) - row.filter(BEGINS) + 1,
            first_touch_at=pl.col("occurred_at").filter(BEGINS),
            last_touch_at=pl.col("occurred_at").filter(ENDS),
        )
    )


def activity(rows: pl.LazyFrame) -> pl.LazyFrame:
    """The newest live entry of each journey that is no policy's: `row`, its place."""
    counts = is_live() & ~pl.col("policy")
    row = pl.int_range(pl.len(), dtype=pl.UInt32)
    return rows.select("journey", row=row, counts=counts).filter("counts").select("journey", "row").filter(ENDS)


def stamped(rows: pl.LazyFrame, column: str, name: str) -> pl.LazyFrame:
    """The newest value of a column, as `name`, and when it was told: name_at, name_position."""
    return last(rows.filter(pl.col(column).is_not_null())).select(
        "journey", **{name: pl.col(column), f"{name}_at": "occurred_at", f"{name}_position": "position"}
    )


def newest(one: str, other: str) -> pl.Expr:
    """Of two stamped values the one that was told last."""
    at, position = ((pl.col(f"{other}_{stamp}"), pl.col(f"{one}_{stamp}")) for stamp in ("at", "position"))
    later = (at[0] > at[1]) | ((at[0] == at[1]) & (position[0] > position[1]))
    return pl.when(later | pl.col(one).is_null()).then(other).otherwise(one)


def opened(seen: Seen) -> list[pl.LazyFrame]:
    """The stream that takes new entries; source and channel as first told; title, owner and close as last told."""
    openings = seen.sides["openings"].lazy()

    def told(column: str) -> pl.LazyFrame:
        return openings.filter(pl.col(column).is_not_null()).select("journey", column)

    return [
        stamped(openings, "owner", "owner"),
        last(told("stream")),
        first(told("source")),
        first(told("channel")),
        last(told("title")),
        stamped(openings, "expected_close", "expected_close"),
        stamped(seen.sides["closes"].lazy(), "expected_close", "awaited"),
    ]


def next_actions(seen: Seen) -> pl.LazyFrame:
    """When each journey's earliest open follow-up is due; until when it sleeps, and its newest snooze; step_position:
    from where on in the log something may have ended the reason of one (0: one was put off).
    """
    due = open_follow_ups(seen).lazy()
    snoozed = due.filter(pl.col("kind") == CODE["FollowUpSnoozed"]).sort(ORDER)
    sleeps = snoozed.group_by("journey").agg(
        snoozed_until=pl.col("due_at").max(),
        snoozed_at=pl.col("occurred_at").last(),
        snoozed_position=pl.col("position").last(),
    )
    since = pl.when(pl.col("kind") == CODE["FollowUpScheduled"]).then("position").otherwise(0)
    soonest = due.group_by("journey").agg(next_action_at=pl.col("due_at").min(), step_position=since.min())
    return soonest.join(sleeps, on="journey", how="left").sort("journey")


def open_follow_ups(seen: Seen) -> pl.DataFrame:
    """The newest word on each follow-up that was neither completed nor cancelled, as columns.SIDES has it."""
    ended = [CODE["FollowUpCompleted"], CODE["FollowUpCancelled"]]
    return newest_of_each(seen.sides["follow_ups"], "follow_up").filter(~pl.col("kind").is_in(ended))


def alarms(seen: Seen) -> pl.LazyFrame:
    """The alerts each journey had: by the event_id that started each episode; and where the newest stands."""
    alerts = (
        seen.sides["stalls"]
        .lazy()
        .group_by("journey")
        .agg(alerted=pl.col("started_by"), alerted_position=pl.col("position").max())
    )
    return alerts.sort("journey")


def clock(seen: Seen) -> list[pl.Expr]:
    """The newest activity that starts the stall's clocks: the newest event that is no policy's and no snooze."""
    at, position = pl.col("last_activity_at"), pl.col("last_activity_position")
    snoozed = seen.sides["follow_ups"].filter(pl.col("kind") == CODE["FollowUpSnoozed"])["journey"].unique()
    if snoozed.is_empty():
        return [at.alias("active_at"), position.alias("active_position")]
    # Few journeys have snoozes: only those are looked through again.
    quiet = pl.col("policy") | is_kind("FollowUpSnoozed", "Stalled")
    awake = last(seen.rows.filter(is_live() & pl.col("journey").is_in(snoozed.implode()) & ~quiet))
    keys, hidden = awake["journey"], pl.col("journey").is_in(snoozed.implode())

    def of(column: str, otherwise: pl.Expr) -> pl.Expr:
        found = pl.col("journey").replace_strict(keys, awake[column], default=None, return_dtype=STAMP[column])
        return pl.when(hidden).then(found).otherwise(otherwise)

    return [of("occurred_at", at).alias("active_at"), of("position", position).alias("active_position")]


def with_values(visits: pl.DataFrame, seen: Seen, codes: Codes) -> pl.DataFrame:
    """Adds amount_minor and currency: the journey's value when it entered the stage (null: none was known yet)."""
    amounts = (
        seen.numbers.lazy()
        .filter(valued())
        .select("row", "value", of="journey", amount_currency=named("code", codes.currencies))
        .collect()
    )
    joined = visits.join_asof(amounts.set_sorted("row"), on="row", strategy="backward")
    own = pl.col("of") == pl.col("journey")
    return joined.with_columns(
        amount_minor=pl.when(own).then("value"), currency=pl.when(own).then("amount_currency")
    ).drop("value", "of", "amount_currency")
