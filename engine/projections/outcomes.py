"""One row a journey: its profile, and where the definition's stages put it."""

from typing import Final, Literal, get_args

import polars as pl

from engine.projections.abreast import side_by_side
from engine.projections.columns import POSITION
from engine.projections.journeys import PROFILE, first, last
from engine.projections.seen import Seen
from engine.stages.criteria_polars import CODE, is_touch
from engine.stages.definition import Definition
from engine.values import TouchKind

Outcome = Literal["open", "won", "lost", "disqualified", "transferred", "merged"]
OUTCOME: Final = pl.Enum(get_args(Outcome))


def derive_journeys(visits: pl.DataFrame, profiles: pl.DataFrame, seen: Seen, definition: Definition) -> pl.DataFrame:
    """One row for each journey with a visit: the profile, and stage, outcome, close and qualification.

    visits: with_values(derive_visits(...)), of some of the journeys that have profiles.
    """
    ranks = range(len(definition.stages))
    won = [rank for rank in ranks if definition.stages[rank].kind == "won"]
    lost = [rank for rank in ranks if definition.stages[rank].kind == "lost"]
    after_sale = [rank for rank in ranks if definition.stages[rank].kind == "after_sale"]
    stage = pl.col("stage")
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
    told = [profiles, *newest_touches(seen, definition)]
    if seen.first.sum() > stands.height:
        # Of other pipelines' journeys too.
        told = [rows.filter(pl.col("journey").is_in(stands["journey"].implode())) for rows in told]
    parts = [
        *told,
        closings.join(reasons, on="position", how="left", maintain_order="left"),
        first(visits.filter(stage.is_in(won))).select("journey", ever_won=True),
        first(visits.filter((stage >= definition.qualified_rank) & ~stage.is_in(lost))).select(
            "journey", qualified_at="entered_at"
        ),
    ]
    rows = side_by_side(stands, parts).with_columns(**counting_touches(definition))
    disqualified = (pl.col("by_kind") == CODE["LeadDisqualified"]) & pl.col("qualified_at").is_null()
    outcome = (
        pl.when(pl.col("merged_at").is_not_null())
        .then(pl.lit("merged", OUTCOME))
        .when(pl.col("transferred"))
        .then(pl.lit("transferred", OUTCOME))
        .when(stage.is_in(won + after_sale))
        .then(pl.lit("won", OUTCOME))
        .when(stage.is_in(lost) & disqualified)
        .then(pl.lit("disqualified", OUTCOME))
        .when(stage.is_in(lost))
        .then(pl.lit("lost", OUTCOME))
        .otherwise(pl.lit("open", OUTCOME))
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
        .drop("transferred", "by_kind", "position", "merged_at", "^(at|position)_[0-9]+$")
    )


def profiles_told(journeys: pl.DataFrame) -> pl.DataFrame:
    """What derive_profiles gives of a pipeline's journeys, read from the rows that derive_journeys made of them."""
    merged = pl.when(pl.col("outcome") == "merged").then("closed_at")
    return journeys.with_columns(merged_at=merged).select("journey", *PROFILE)


def counting(definition: Definition) -> dict[tuple[TouchKind, ...] | None, list[int]]:
    """The stages whose rule counts days since a touch, by the kinds of touches it counts."""
    found: dict[tuple[TouchKind, ...] | None, list[int]] = {}
    for rank, stage in enumerate(definition.stages):
        if stage.stall is not None and stage.stall.touch_days is not None:
            found.setdefault(stage.stall.touch_kinds, []).append(rank)
    return found


def newest_touches(seen: Seen, definition: Definition) -> list[pl.DataFrame]:
    """For each kinds of counting() the journeys' newest touch of them."""
    rows = seen.rows.lazy()
    return pl.collect_all(
        last(rows.filter(is_touch(kinds))).select(
            "journey", **{f"at_{number}": "occurred_at", f"position_{number}": "position"}
        )
        for number, kinds in enumerate(counting(definition))
    )


def counting_touches(definition: Definition) -> dict[str, pl.Expr]:
    """touched_at, touched_position: the newest touch of the kinds that count where the journey stands; null: none."""
    found = {"touched_at": pl.lit(None, pl.Int64), "touched_position": pl.lit(None, POSITION)}
    for number, here in enumerate(counting(definition).values()):
        for name, column in (("touched_at", "at"), ("touched_position", "position")):
            found[name] = pl.when(pl.col("stage").is_in(here)).then(f"{column}_{number}").otherwise(found[name])
    return found
