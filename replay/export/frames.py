"""Visits and journeys as tables for people and BI tools: stage keys, moments, money in major units, names on request.

The filters choose journeys as the board does: the window by the opening, value and team as of the lens. Visits are all
visits of these journeys.
"""

from typing import Final

import polars as pl
from iso4217 import Currency
from polars._typing import PolarsDataType

from engine.projections.columns import WORD
from engine.projections.filters import Filters, chosen, narrowed, with_membership
from engine.projections.look import Look
from engine.stages.definition import UNMAPPED, UNMAPPED_KEY, Definition
from engine.stages.facts import KINDS
from engine.values import Dimension, exponent
from replay.export.files import Batches
from replay.export.shown import dashed, moment, seconds

BATCH: Final = 50_000
AMOUNT: Final = pl.Decimal(20, 4)
"""exact in every currency of ISO 4217, which have at most four decimals"""
UNITS: Final = {currency.code: 10 ** exponent(currency.code) for currency in Currency}
"""minor units in one of each currency"""
ATTRIBUTE: Final = "attr."
MOMENTS: Final = (
    "stage_since",
    "opened_at",
    "closed_at",
    "qualified_at",
    "first_touch_at",
    "last_touch_at",
    "last_activity_at",
    "next_action_at",
)

STAGES: Final[dict[str, PolarsDataType]] = {
    "pipeline": pl.String,
    "rank": pl.Int64,
    "stage": pl.String,
    "kind": pl.String,
    "name": pl.String,
    "team": pl.String,
    "probability": pl.Float64,
    "qualified": pl.Boolean,
}


def picked(look: Look, filters: Filters) -> pl.DataFrame:
    """The journeys of the lens that the filters leave, in the order of their opening, with team, manager, region."""
    rows = chosen(look, filters).filter(filters.window.holds("opened_at")).with_columns(at=pl.lit(look.as_of))
    rows = narrowed(rows, look, filters)
    if "team" not in rows.collect_schema():
        rows = with_membership(rows, look, filters)
    return rows.collect().sort("opened_at", "journey_id")


def journeys(look: Look, rows: pl.DataFrame, names: bool, *, wide: bool = True) -> Batches:
    """One row a journey (docs/exports.md#journeys); rows: of `picked`. wide: free attributes are columns attr.NAME.

    Without names the columns that come from erasable tables are empty.
    """
    told = pivoted(look, rows) if wide else rows.select("journey")
    for start in range(0, max(rows.height, 1), BATCH):
        some = with_people(rows.slice(start, BATCH).cast({WORD: pl.String}), look, names)
        yield some.join(told, on="journey", how="left", maintain_order="left").select(
            pl.lit(look.pipeline).alias("pipeline"),
            dashed("journey_id").alias("journey"),
            "key",
            pl.col("label").alias("title"),
            stage_key(look.definition),
            pl.col("outcome").cast(pl.String),
            *(moment(name) for name in MOMENTS),
            "expected_close",
            *money("amount_minor", "currency", "amount"),
            *money("close_amount_minor", "close_currency", "close_amount"),
            dashed("owner").alias("owner_id"),
            pl.col("owner_key").alias("owner"),
            "owner_name",
            "team",
            dashed("manager").alias("manager_id"),
            pl.col("manager_key").alias("manager"),
            "region",
            "source",
            "channel",
            "reason",
            "ever_won",
            "touches",
            *(pl.col(dimension.value).cast(pl.String) for dimension in Dimension),
            "fit",
            "engagement",
            pl.col("^attr[.].*$"),
        )


def visits(look: Look, rows: pl.DataFrame) -> Batches:
    """One row a stay in a stage (docs/exports.md#visits), journey by journey; rows: of `picked`."""
    ids = rows.select("journey", "journey_id")
    stays = look.visits.join(ids, on="journey", how="semi")
    kinds = {stage.key: stage.kind for stage in look.definition.stages}
    for start in range(0, max(stays.height, 1), BATCH):
        some = (
            stays.slice(start, BATCH).cast({WORD: pl.String}).join(ids, on="journey", how="left", maintain_order="left")
        )
        yield some.select(
            pl.lit(look.pipeline).alias("pipeline"),
            dashed("journey_id").alias("journey"),
            "n",
            stage_key(look.definition),
            stage_key(look.definition).replace_strict(kinds, default=None, return_dtype=pl.String).alias("stage_kind"),
            moment("entered_at"),
            moment("left_at"),
            seconds(pl.col("left_at") - pl.col("entered_at")).alias("seconds"),
            pl.col("how").cast(pl.String),
            pl.col("by_kind")
            .replace_strict(range(len(KINDS)), KINDS, default=None, return_dtype=pl.String)
            .alias("event"),
            pl.col("entered_position").cast(pl.Int64).alias("position"),
            "transferred",
            *money("amount_minor", "currency", "amount"),
        )


def stages(definition: Definition) -> Batches:
    """One row a stage, in order."""
    yield pl.DataFrame(
        [
            {
                "pipeline": definition.pipeline,
                "rank": rank,
                "stage": stage.key,
                "kind": stage.kind,
                "name": stage.name.get("en", stage.key),
                "team": stage.team,
                "probability": stage.probability,
                "qualified": rank == definition.qualified_rank,
            }
            for rank, stage in enumerate(definition.stages)
        ],
        schema=STAGES,
    )


def attributes(look: Look, rows: pl.DataFrame) -> Batches:
    """Free attributes, one row each: pipeline, journey, name, value."""
    ids = rows.select("journey", "journey_id")
    found = look.attributes.cast({WORD: pl.String}).join(ids, on="journey", how="inner", maintain_order="left")
    yield found.select(pl.lit(look.pipeline).alias("pipeline"), dashed("journey_id").alias("journey"), "name", "value")


def pivoted(look: Look, rows: pl.DataFrame) -> pl.DataFrame:
    """journey and a column attr.NAME for each attribute that one of the journeys has."""
    found = look.attributes.cast({WORD: pl.String})
    told = found.join(rows.select("journey"), on="journey", how="semi").with_columns(
        name=pl.lit(ATTRIBUTE) + pl.col("name")
    )
    if told.is_empty():
        return told.select("journey")
    return told.pivot(on="name", index="journey", values="value", sort_columns=True)


def with_people(rows: pl.DataFrame, look: Look, names: bool) -> pl.DataFrame:
    """key, label, and key and name of owner and manager: null of the erased, and of all without names."""
    people = look.people.select("person_id", "key", "name").filter(pl.lit(names))
    for role in ("owner", "manager"):
        own = people.rename({"person_id": role, "key": f"{role}_key", "name": f"{role}_name"})
        rows = rows.join(own, on=role, how="left", maintain_order="left")
    nothing = pl.lit(None, pl.String)
    return look.named(rows) if names else rows.with_columns(key=nothing, label=nothing)


def stage_key(definition: Definition) -> pl.Expr:
    """The permanent key of a rank; null for a journey in another pipeline."""
    keys = {rank: stage.key for rank, stage in enumerate(definition.stages)} | {UNMAPPED: UNMAPPED_KEY}
    return pl.col("stage").replace_strict(keys, default=None, return_dtype=pl.String).alias("stage")


def money(minor: str, currency: str, name: str) -> list[pl.Expr]:
    """An amount in major units, and its currency. Decimals all the way: a float would not hold every amount."""
    of_one = pl.col(currency).replace_strict(UNITS, default=None, return_dtype=pl.Int64).cast(pl.Decimal(38, 0))
    return [(pl.col(minor).cast(pl.Decimal(38, 4)) / of_one).cast(AMOUNT).alias(name), pl.col(currency)]
