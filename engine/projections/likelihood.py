"""How likely a journey is to be won from each stage: as observed, or as the definition says."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

import polars as pl

from engine.stages.definition import Stage

if TYPE_CHECKING:
    from engine.projections.views import Look

Basis = Literal["observed", "configured"]
ENOUGH = 30
"""closed journeys, below which an observed share says nothing"""
CERTAIN = {"won": Fraction(1), "after_sale": Fraction(1), "lost": Fraction(0), "open": None}
"""configured likelihood of a stage whose definition names no probability"""


@dataclass(frozen=True)
class Likelihood:
    value: Fraction | None
    """None: there is none to tell"""
    closed_n: int
    """journeys won or lost that visited the stage"""
    insufficient_history: bool


def likelihoods(look: "Look", basis: Basis) -> list[Likelihood]:
    """By rank, of all journeys in the pipeline, whatever the answer's filters: a card means the same on every board."""
    counts = closed_visitors(look)
    return [likelihood(stage, counts.get(rank, (0, 0)), basis) for rank, stage in enumerate(look.definition.stages)]


def closed_visitors(look: "Look") -> dict[int, tuple[int, int]]:
    """By rank, how many closed journeys (won or lost) ever visited the stage, and how many of them were won."""
    closed = look.journeys.lazy().filter(pl.col("outcome").is_in(["won", "lost"])).select("journey", "outcome")
    found: dict[int, tuple[int, int]] = (
        look.visits.lazy()
        .filter((pl.col("stage") >= 0) & ~pl.col("again"))
        .select("journey", "stage")
        .join(closed, on="journey", how="inner")
        .group_by("stage")
        .agg(pl.len(), won=(pl.col("outcome") == "won").sum())
        .collect()
        .rows_by_key("stage", unique=True)
    )
    return found


def likelihood(stage: Stage, counts: tuple[int, int], basis: Basis) -> Likelihood:
    """counts: the closed journeys that visited the stage, and how many of them were won."""
    closed_n, won = counts
    if basis == "observed":
        enough = closed_n >= ENOUGH
        return Likelihood(Fraction(won, closed_n) if enough else None, closed_n, not enough)
    configured = CERTAIN[stage.kind] if stage.probability is None else Fraction(Decimal(str(stage.probability)))
    return Likelihood(configured, closed_n, False)
