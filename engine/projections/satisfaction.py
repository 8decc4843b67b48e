"""Satisfaction: how content customers said they were after the sale.

Exact definitions: docs/metrics.md#satisfaction.
"""

from typing import TYPE_CHECKING, Any

import polars as pl

from engine.projections.closings import at_their_close
from engine.projections.figures import Answer, Figures, Group, head, share
from engine.projections.filters import EVERYTHING, Filters, chosen, narrowed
from engine.projections.groups import grouped, labels
from engine.projections.journeys import last
from engine.stages.criteria_polars import is_kind

if TYPE_CHECKING:
    from engine.projections.look import Look

PROMOTER, DETRACTOR = 9, 6
"""a promoter says so much or more, a detractor so much or less"""


class Score(Figures):
    score: int
    """0 to 10"""
    n: int


class Satisfied(Figures):
    scored: int
    """journeys by their newest score"""
    mean: float | None
    scores: tuple[Score, ...]
    """those that were given, highest first"""
    promoters: int
    """9 or 10"""
    passives: int
    """7 or 8"""
    detractors: int
    """0 to 6"""
    net_promoter: float | None
    """share of promoters less share of detractors, -1 to 1"""
    unscored: int
    """won in the window and never asked, or silent"""


class SatisfactionGroup(Satisfied, Group):
    pass


class Satisfaction(Satisfied, Answer):
    """n = scored."""

    groups: tuple[SatisfactionGroup, ...] | None = None


def satisfaction(look: "Look", filters: Filters = EVERYTHING, *, by: str | None = None) -> Satisfaction:
    """Of the journeys whose newest score was given in the window; beside them those won in it that have none."""
    scored, silent = (rows.collect() for rows in asked_of(look, filters, by))
    groups = None
    if by is not None:
        parts = scored.partition_by("group", as_dict=True), silent.partition_by("group", as_dict=True)
        found = labels(look, by, list(dict.fromkeys(group for part in parts for (group,) in part)))
        groups = tuple(
            SatisfactionGroup(
                key=key,
                label=label,
                **figures(parts[0].get((value,), scored.clear()), parts[1].get((value,), silent.clear())),
            )
            for value, key, label in found
        )
    return Satisfaction(**head(look), **figures(scored, silent), groups=groups)


def asked_of(look: "Look", filters: Filters, by: str | None) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """The journeys with their newest score (score, at, position) in the window; the won ones without any."""
    given = last(look.seen().events.filter(is_kind("SatisfactionRecorded")))
    newest = given.lazy().select("journey", "position", score="code", at="occurred_at")
    kept = chosen(look, filters).filter(pl.col("outcome") != "merged")
    scored = kept.join(newest, on="journey", how="inner").filter(filters.window.holds("at"))
    won = at_their_close(look, filters).filter((pl.col("outcome") == "won") & filters.window.holds("closed_at"))
    silent = won.join(newest, on="journey", how="anti")
    return grouped(narrowed(scored, look, filters), look, by, filters), grouped(silent, look, by, filters)


def figures(scored: pl.DataFrame, silent: pl.DataFrame) -> dict[str, Any]:
    """n and the fields of Satisfied."""
    counts = dict(scored.group_by("score").len().sort("score", descending=True).iter_rows())
    promoters = sum(n for score, n in counts.items() if score >= PROMOTER)
    detractors = sum(n for score, n in counts.items() if score <= DETRACTOR)
    return {
        "n": scored.height,
        "scored": scored.height,
        "mean": share(int(scored["score"].sum()), scored.height),
        "scores": tuple(Score(score=score, n=n) for score, n in counts.items()),
        "promoters": promoters,
        "passives": scored.height - promoters - detractors,
        "detractors": detractors,
        "net_promoter": share(promoters - detractors, scored.height),
        "unscored": silent.height,
    }
