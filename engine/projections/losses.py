"""Losses: why and from which stage journeys are lost, which leads were found unfit late, and which doubtful ones won.

Exact definitions: docs/metrics.md#losses.
"""

from typing import TYPE_CHECKING, Any

import polars as pl

from engine.projections.closings import at_their_close
from engine.projections.cohort import ranks_of
from engine.projections.figures import Amount, Answer, Figures, Group, amounts, head, share, sums
from engine.projections.filters import EVERYTHING, Filters
from engine.projections.groups import grouped, labels
from engine.projections.looked_back import DoubtfulWin, LateLoss, doubtful_wins, found_late, late_losses
from engine.projections.pages import Pages
from engine.stages.definition import Definition

if TYPE_CHECKING:
    from engine.projections.look import Look

LATE_DAYS = 30.0


class Loss(Figures):
    """n = lost + disqualified."""

    reason: str | None
    n: int
    lost: int
    disqualified: int
    """before they were qualified"""
    share: float | None
    """of all losses"""
    value: tuple[Amount, ...]
    """at the close"""


class StageLosses(Figures):
    stage: str | None
    """where they stood before; None: they were lost as they came"""
    n: int
    share: float | None
    reasons: tuple[Loss, ...]
    """most frequent first"""


class LossFigures(Figures):
    lost: int
    disqualified: int
    stages: tuple[StageLosses, ...]
    """in definition order"""
    reasons: tuple[Loss, ...]
    """whichever the stage, most frequent first"""


class LossGroup(LossFigures, Group):
    pass


class Losses(LossFigures, Answer):
    """n: the losses, unfit leads included."""

    late_days: float
    late: tuple[LateLoss, ...]
    """oldest first"""
    doubtful: tuple[DoubtfulWin, ...]
    """of the journeys won in the window; most doubts first"""
    next: str | None
    """cursor of the following page of both lists"""
    merged: int
    void: int
    groups: tuple[LossGroup, ...] | None = None


def losses(
    look: "Look",
    filters: Filters = EVERYTHING,
    *,
    by: str | None = None,
    late_days: float = LATE_DAYS,
    score_below: int | None = None,
    limit: int | None = None,
    after: str | None = None,
) -> Losses:
    """Of the journeys closed in the window. late_days: unfit leads that old count as late, also unqualified ones.

    score_below: a win is doubtful, too, when the scores summed to less when it was qualified. limit and after: pages of
    late and doubtful, so many of each.
    """
    closed = at_their_close(look, filters).filter(filters.window.holds("closed_at"))
    rows = lost_of(look, filters, by).collect()
    groups = None
    if by is not None:
        each = figures(rows, look.definition)
        groups = tuple(
            LossGroup(key=key, label=label, n=count(each[value]), **each[value])
            for value, key, label in labels(look, by, list(each))
        )
    whole = figures(rows.with_columns(group=pl.lit(None, pl.String)), look.definition).get(None, NONE)
    late = rows.filter(found_late(late_days))
    won = closed.filter(pl.col("outcome") == "won").collect()
    pages = Pages(limit, after, of=("late", "doubtful"))
    merged = closed.filter(pl.col("outcome") == "merged").select(pl.len()).collect().item()
    return Losses(
        **head(look),
        n=count(whole),
        **whole,
        late_days=late_days,
        late=tuple(late_losses(look, late, pages)),
        doubtful=tuple(doubtful_wins(look, won, score_below, pages)),
        next=pages.next,
        merged=merged,
        void=look.void,
        groups=groups,
    )


def lost_of(look: "Look", filters: Filters, by: str | None) -> pl.LazyFrame:
    """The journeys lost in the window, unfit ones too, with `group`, stage_before, by_kind and age (to the close)."""
    closed = at_their_close(look, filters).filter(filters.window.holds("closed_at"))
    gone = closed.filter(pl.col("outcome").is_in(["lost", "disqualified"]))
    return (
        grouped(gone, look, by, filters)
        .join(lost_from(look), on="journey", how="left")
        .with_columns(age=pl.col("closed_at") - pl.col("opened_at"))
    )


NONE: dict[str, Any] = {"lost": 0, "disqualified": 0, "stages": (), "reasons": ()}


def count(found: dict[str, Any]) -> int:
    return int(found["lost"] + found["disqualified"])


def lost_from(look: "Look") -> pl.LazyFrame:
    """journey, stage_before (rank; null where the loss was the first visit) and by_kind of the newest loss."""
    same = (pl.col("journey") == pl.col("journey").shift()).fill_null(False)
    return (
        look.visits.lazy()
        .with_columns(stage_before=pl.when(same).then(pl.col("stage").shift()))
        .filter(pl.col("stage").is_in(ranks_of(look.definition, "lost")))
        .unique("journey", keep="last")
        .select("journey", "stage_before", "by_kind")
    )


def figures(rows: pl.DataFrame, definition: Definition) -> dict[str | None, dict[str, Any]]:
    """The fields of LossFigures for each group."""
    return {
        group: {
            "lost": own.filter(pl.col("outcome") == "lost").height,
            "disqualified": own.filter(pl.col("outcome") == "disqualified").height,
            "reasons": reasons(own, own.height),
            "stages": tuple(
                StageLosses(
                    stage=None if rank is None else definition.key_of(rank),
                    n=here.height,
                    share=share(here.height, own.height),
                    reasons=reasons(here, own.height),
                )
                for (rank,), here in sorted(
                    own.partition_by("stage_before", as_dict=True).items(),
                    key=lambda part: -2 if part[0][0] is None else part[0][0],
                )
            ),
        }
        for (group,), own in rows.partition_by("group", as_dict=True).items()
    }


def reasons(rows: pl.DataFrame, whole: int) -> tuple[Loss, ...]:
    lost = pl.col("outcome") == "lost"
    counts = rows.group_by("reason").agg(n=pl.len(), lost=lost.sum(), disqualified=(~lost).sum())
    money = sums(rows.lazy(), "reason").collect().rows_by_key("reason", named=True)
    ordered = sorted(
        counts.iter_rows(named=True), key=lambda row: (-row["n"], row["reason"] is None, row["reason"] or "")
    )
    return tuple(
        Loss(**row, share=share(row["n"], whole), value=amounts(money.get(row["reason"], []))) for row in ordered
    )
