"""One row a journey: what no definition can change (profiles), and where the definition's stages put it."""

from collections.abc import Sequence
from typing import Final, TypeVar

import polars as pl

from engine.projections.columns import Codes
from engine.projections.kept import ORDER
from engine.projections.seen import Seen
from engine.stages.criteria_polars import CODE, VERDICTS, is_kind, is_touch, valued
from engine.stages.definition import Definition
from engine.values import Dimension

OUTCOME: Final = pl.Enum(["open", "won", "lost", "disqualified", "transferred", "merged"])
VERDICT: Final = pl.Enum([verdict.value for verdict in VERDICTS])
NAMES: Final = dict(enumerate(VERDICT.categories))


Rows = TypeVar("Rows", pl.DataFrame, pl.LazyFrame)


def last(rows: Rows) -> Rows:
    """The last row of each journey; rows are clustered by journey."""
    return rows.filter((pl.col("journey") != pl.col("journey").shift(-1)).fill_null(True))


def first(rows: Rows) -> Rows:
    """The first row of each journey; rows are clustered by journey."""
    return rows.filter((pl.col("journey") != pl.col("journey").shift()).fill_null(True))


def derive_profiles(seen: Seen, codes: Codes) -> pl.DataFrame:
    """What the entries say of each journey whatever its stages: value, owner, touches, BANT, scores, next action."""
    events = seen.events.lazy()
    touched = events.filter(is_kind("Touched")).select("journey", "occurred_at")
    scored, bant = events.filter(is_kind("Scored")), events.filter(is_kind("BantAssessed"))
    parts = [
        first(events).select("journey", opened_at="occurred_at"),
        last(events.filter(~pl.col("policy"))).select(
            "journey", last_activity_at="occurred_at", last_activity_position="position"
        ),
        touched.select(pl.col("journey").rle()).unnest("journey").select(journey="value", touches="len"),
        first(touched).rename({"occurred_at": "first_touch_at"}),
        last(touched).rename({"occurred_at": "last_touch_at"}),
        last(events.filter(valued())).select("journey", amount_minor="value", currency=named("unit", codes.currencies)),
        owners(seen, codes),
        *opened(seen),
        last(scored.filter(pl.col("code") >= 0)).select("journey", fit=pl.col("code").cast(pl.Int16)),
        last(scored.filter(pl.col("value").is_not_null())).select("journey", engagement=pl.col("value").cast(pl.Int16)),
        next_actions(seen),
        alarms(seen),
        last(events.filter(is_kind("LeadMerged", "DealMerged"))).select("journey", merged_at="occurred_at"),
    ]
    for place, dimension in enumerate(Dimension):
        verdict = (pl.col("code") % 3).replace_strict(NAMES, return_dtype=VERDICT)
        parts.append(last(bant.filter(pl.col("code") // 3 == place)).select("journey", verdict.alias(dimension.value)))
    begun, *told = pl.collect_all(parts)
    return side_by_side(begun, told, len(seen.began)).with_columns(
        pl.col("touches").fill_null(0),
        pl.col("last_activity_at").fill_null(pl.col("opened_at")),
        *clock(seen),
        *[pl.col(dimension.value).fill_null("unknown") for dimension in Dimension],
    )


def side_by_side(rows: pl.DataFrame, parts: Sequence[pl.DataFrame], length: int) -> pl.DataFrame:
    """The rows with what each part says of their journeys, null where it says nothing: left joins, for less.

    parts: one row for each of some of the journeys in rows. length: of the journeys, whose codes are below it.
    """
    numbers = pl.int_range(rows.height, dtype=pl.UInt32, eager=True)
    nothing = pl.repeat(None, rows.height, dtype=pl.UInt32, eager=True)
    row_of = pl.repeat(None, length, dtype=pl.UInt32, eager=True).scatter(rows["journey"], numbers)
    beside = [rows]
    for part in parts:
        told = part.drop("journey")
        if told.is_empty():
            beside.append(told.clear(rows.height))
        else:
            at = row_of[part["journey"]]
            beside.append(told[nothing.clone().scatter(at, numbers.head(told.height))])
    return pl.concat(beside, how="horizontal")


def named(column: str, codes: dict[str, int]) -> pl.Expr:
    """The words of a column of codes."""
    if not codes:
        return pl.lit(None, pl.String)
    return pl.col(column).replace_strict(list(codes.values()), list(codes), default=None, return_dtype=pl.String)


def owners(seen: Seen, codes: Codes) -> pl.LazyFrame:
    """The newest owner of each journey: of an assignment, or named at an opening."""
    keys = ["journey", "occurred_at", "position"]
    assigned = seen.events.lazy().filter(is_kind("OwnerAssigned")).select(*keys, owner="code")
    at_opening = seen.sides["openings"].lazy().filter(pl.col("owner").is_not_null()).select(*keys, "owner")
    return last(pl.concat([assigned, at_opening]).sort(keys)).select("journey", owner=named("owner", codes.people))


def opened(seen: Seen) -> list[pl.LazyFrame]:
    """The stream that takes new entries; source and channel as first told; title and expected close as last told."""
    openings = seen.sides["openings"].lazy()
    closes = pl.concat(
        [
            openings.select("journey", "occurred_at", "position", "expected_close"),
            seen.sides["closes"].lazy().select("journey", "occurred_at", "position", "expected_close"),
        ]
    ).sort("journey", "occurred_at", "position")

    def told(rows: pl.LazyFrame, column: str) -> pl.LazyFrame:
        return rows.filter(pl.col(column).is_not_null()).select("journey", column)

    return [
        last(told(openings, "stream")),
        first(told(openings, "source")),
        first(told(openings, "channel")),
        last(told(openings, "title")),
        last(told(closes, "expected_close")).with_columns(pl.col("expected_close").str.to_date()),
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
    newest = seen.sides["follow_ups"].unique(["journey", "follow_up"], keep="last", maintain_order=True)
    return newest.filter(~pl.col("kind").is_in(ended))


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
    awake = last(seen.events.filter(pl.col("journey").is_in(snoozed.implode()) & ~quiet))
    keys, hidden = awake["journey"], pl.col("journey").is_in(snoozed.implode())

    def of(column: str, otherwise: pl.Expr) -> pl.Expr:
        found = pl.col("journey").replace_strict(keys, awake[column], default=None, return_dtype=pl.Int64)
        return pl.when(hidden).then(found).otherwise(otherwise)

    return [of("occurred_at", at).alias("active_at"), of("position", position).alias("active_position")]


def with_values(visits: pl.DataFrame, seen: Seen, codes: Codes) -> pl.DataFrame:
    """Adds amount_minor and currency: the journey's value when it entered the stage (null: none was known yet)."""
    amounts = (
        seen.events.with_row_index("row")
        .filter(valued())
        .select("row", "value", of="journey", amount_currency=named("unit", codes.currencies))
    )
    joined = visits.join_asof(amounts.set_sorted("row"), on="row", strategy="backward")
    own = pl.col("of") == pl.col("journey")
    return joined.with_columns(
        amount_minor=pl.when(own).then("value"), currency=pl.when(own).then("amount_currency")
    ).drop("value", "of", "amount_currency")


def derive_journeys(visits: pl.DataFrame, profiles: pl.DataFrame, seen: Seen, definition: Definition) -> pl.DataFrame:
    """One row for each journey with a visit: the profile, and stage, outcome, close and qualification.

    visits: with_values(derive_visits(...)), of the same journeys as the profiles and others.
    """
    ranks = range(len(definition.stages))
    won = [rank for rank in ranks if definition.stages[rank].kind == "won"]
    lost = [rank for rank in ranks if definition.stages[rank].kind == "lost"]
    after_sale = [rank for rank in ranks if definition.stages[rank].kind == "after_sale"]
    stage = pl.col("stage")
    qualified = first(visits.filter((stage >= definition.qualified_rank) & ~stage.is_in(lost)))
    stands = last(visits).select(
        "journey", "stage", "transferred", "by_kind", stage_since="entered_at", stage_position="entered_position"
    )
    closings = last(visits.filter(stage.is_in(won + lost))).select(
        "journey",
        closed_at="entered_at",
        close_amount_minor="amount_minor",
        close_currency="currency",
        position="entered_position",
    )
    reasons = seen.sides["reasons"].select("position", "reason")
    ever_won = visits.filter(stage.is_in(won)).select(pl.col("journey").unique(maintain_order=True), ever_won=True)
    rows = (
        stands.join(profiles, on="journey", how="left", maintain_order="left")
        .join(closings, on="journey", how="left", maintain_order="left")
        .join(reasons, on="position", how="left", maintain_order="left")
        .join(ever_won, on="journey", how="left", maintain_order="left")
        .join(qualified.select("journey", qualified_at="entered_at"), on="journey", how="left", maintain_order="left")
        .with_columns(**counting_touches(seen, definition))
    )
    disqualified = (pl.col("by_kind") == CODE["LeadDisqualified"]) & pl.col("qualified_at").is_null()
    outcome = (
        pl.when(pl.col("merged_at").is_not_null())
        .then(pl.lit("merged"))
        .when(pl.col("transferred"))
        .then(pl.lit("transferred"))
        .when(stage.is_in(won + after_sale))
        .then(pl.lit("won"))
        .when(stage.is_in(lost) & disqualified)
        .then(pl.lit("disqualified"))
        .when(stage.is_in(lost))
        .then(pl.lit("lost"))
        .otherwise(pl.lit("open"))
        .cast(OUTCOME)
    )
    closed = pl.col("outcome").is_in(["won", "lost", "disqualified"])
    return (
        rows.with_columns(outcome=outcome, ever_won=pl.col("ever_won").fill_null(False))
        .with_columns(
            stage=pl.when(~pl.col("transferred")).then("stage"),
            stage_since=pl.when(~pl.col("transferred")).then("stage_since"),
            closed_at=pl.when(closed).then("closed_at").when(pl.col("outcome") == "merged").then("merged_at"),
            close_amount_minor=pl.when(closed).then("close_amount_minor"),
            close_currency=pl.when(closed).then("close_currency"),
            reason=pl.when(closed & (pl.col("outcome") != "won")).then("reason"),
        )
        .drop("transferred", "by_kind", "position", "merged_at")
    )


def counting_touches(seen: Seen, definition: Definition) -> dict[str, pl.Expr]:
    """touched_at, touched_position: the newest touch of the kinds that count where the journey stands; null: none."""
    rules = [(rank, stage.stall) for rank, stage in enumerate(definition.stages) if stage.stall is not None]
    found = {"touched_at": pl.lit(None, pl.Int64), "touched_position": pl.lit(None, pl.Int64)}
    for kinds in {rule.touch_kinds for _, rule in rules if rule.touch_days is not None}:
        here = [rank for rank, rule in rules if rule.touch_days is not None and rule.touch_kinds == kinds]
        newest = last(seen.events.filter(is_touch(kinds)))
        for name, column in (("touched_at", "occurred_at"), ("touched_position", "position")):
            of = pl.col("journey").replace_strict(
                newest["journey"], newest[column], default=None, return_dtype=pl.Int64
            )
            found[name] = pl.when(pl.col("stage").is_in(here)).then(of).otherwise(found[name])
    return found
