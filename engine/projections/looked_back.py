"""Journeys to look back at: leads found unfit late, and deals that were won in spite of doubts.

Exact definitions: docs/metrics.md#losses.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import polars as pl

from engine.projections.cards import Owner
from engine.projections.days import micros_of
from engine.projections.doubts import Doubt, Evidence, doubtful
from engine.projections.figures import SECOND, Amount, Figures
from engine.projections.groups import named
from engine.projections.pages import Pages
from engine.stages.criteria_polars import CODE
from engine.values import from_micros

if TYPE_CHECKING:
    from engine.projections.look import Look


class Reviewed(Figures):
    """One journey to look back at."""

    journey: str
    key: str | None
    label: str | None
    owner: Owner | None
    opened_at: datetime
    closed_at: datetime
    age_seconds: float
    """opening to close"""
    value: Amount | None


class LateLoss(Reviewed):
    """A lead found unfit after it was qualified, or long after it came."""

    stage: str | None
    reason: str | None
    was_qualified: bool


class DoubtfulWin(Reviewed):
    doubts: tuple[Doubt, ...]
    """when it was qualified"""
    evidence: tuple[Evidence, ...]
    """what settled a doubt afterwards, and the event that won it"""
    touches: int


def found_late(late_days: float) -> pl.Expr:
    """A lead found unfit after it was qualified, or when it was old."""
    unfit = pl.col("by_kind") == CODE["LeadDisqualified"]
    return unfit & ((pl.col("outcome") == "lost") | (pl.col("age") >= micros_of("late_days", late_days)))


def late_losses(look: "Look", rows: pl.DataFrame, pages: Pages) -> list[LateLoss]:
    shown = pages.page("late", rows.with_columns(place=0 - pl.col("age")), ("place", "journey_id"))
    return [
        LateLoss(
            **told,
            stage=None if row["stage_before"] is None else look.definition.key_of(row["stage_before"]),
            reason=row["reason"],
            was_qualified=row["outcome"] == "lost",
        )
        for row, told in reviewed(look, shown)
    ]


def doubtful_wins(look: "Look", won: pl.DataFrame, score_below: int | None, pages: Pages) -> list[DoubtfulWin]:
    doubted = doubtful(look, won, score_below)
    counts = pl.DataFrame(
        [
            (journey, -sum(doubt.verdict == "denied" for doubt in doubts), -len(doubts))
            for journey, (doubts, _) in doubted.items()
        ],
        {"journey": won.schema["journey"], "denied": pl.Int64, "doubts": pl.Int64},
        orient="row",
    )
    rows = won.join(counts, on="journey").with_columns(
        age=pl.col("closed_at") - pl.col("opened_at"), place=0 - pl.col("closed_at")
    )
    shown = pages.page("doubtful", rows, ("denied", "doubts", "place", "journey_id"))
    return [
        DoubtfulWin(
            **told, doubts=doubted[row["journey"]][0], evidence=doubted[row["journey"]][1], touches=row["touches"]
        )
        for row, told in reviewed(look, shown)
    ]


def reviewed(look: "Look", rows: pl.DataFrame) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Each row with the fields of Reviewed."""
    people = named(look, rows["owner"].drop_nulls().unique().to_list())
    found = []
    for row in look.named(rows).iter_rows(named=True):
        key, label = people.get(row["owner"] or "", (row["owner"], row["owner"]))
        told = {
            "journey": str(UUID(row["journey_id"])),
            "key": row["key"],
            "label": row["label"],
            "owner": None if key is None else Owner(key=key, label=label),
            "opened_at": from_micros(row["opened_at"]),
            "closed_at": from_micros(row["closed_at"]),
            "age_seconds": row["age"] / SECOND,
            "value": None if row["amount_minor"] is None else Amount.of(row["amount_minor"], row["currency"]),
        }
        found.append((row, told))
    return found
