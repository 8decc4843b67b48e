"""How likely a journey is to be won from each stage: as observed, or as the definition says."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

import polars as pl

from engine.projections.tally import Tally, counts, tally
from engine.stages.definition import Definition, Stage

if TYPE_CHECKING:
    from engine.projections.live import Few
    from engine.projections.look import Look

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
    return chances(look.tally("closed visitors", closed_visitors, alone=closed_alone), look.definition, basis)


def chances(closed: Tally, definition: Definition, basis: Basis) -> list[Likelihood]:
    """By rank. closed: what closed_visitors gives."""
    stages = enumerate(definition.stages)
    return [likelihood(stage, visited(closed, rank), basis) for rank, stage in stages]


def visited(closed: Tally, rank: int) -> tuple[int, int]:
    return closed.count("closed visitors", None, rank), closed.count("closed won", None, rank)


def closed_visitors(look: "Look") -> Tally:
    """By rank, how many closed journeys (won or lost) ever visited the stage, and how many of them were won."""
    closed = look.journeys.lazy().filter(pl.col("outcome").is_in(["won", "lost"])).select("journey", "outcome")
    visitors = (
        look.visits.lazy()
        .filter((pl.col("stage") >= 0) & ~pl.col("again"))
        .select("journey", "stage")
        .join(closed, on="journey", how="inner")
    )
    won = (pl.col("outcome") == "won").sum()
    return tally(counts("closed", visitors, None, "stage", visitors=pl.len(), won=won))


def closed_alone(journeys: "Few") -> Tally:
    """closed_visitors, journey by journey."""
    found = Tally()
    for rows in journeys:
        outcome = rows.journeys[0]["outcome"] if rows.journeys else None
        if outcome not in ("won", "lost"):
            continue
        for visit in rows.visits:
            if visit["stage"] >= 0 and not visit["again"]:
                found.raise_by(1, "closed visitors", None, visit["stage"])
                found.raise_by(outcome == "won", "closed won", None, visit["stage"])
    return found


def likelihood(stage: Stage, counts: tuple[int, int], basis: Basis) -> Likelihood:
    """counts: the closed journeys that visited the stage, and how many of them were won."""
    closed_n, won = counts
    if basis == "observed":
        enough = closed_n >= ENOUGH
        return Likelihood(Fraction(won, closed_n) if enough else None, closed_n, not enough)
    configured = CERTAIN[stage.kind] if stage.probability is None else Fraction(Decimal(str(stage.probability)))
    return Likelihood(configured, closed_n, False)
