"""The board: what stands in each stage, what it is worth, what of it is stalled; and the cards.

Exact definitions: docs/metrics.md#board.
"""

from typing import TYPE_CHECKING, Any

import polars as pl

from engine.projections.cards import FIRST_PAGE, Card, Cards, page
from engine.projections.figures import Amount, Answer, Figures, Group, amounts, group_by, head, median_seconds, sums
from engine.projections.filters import EVERYTHING, Filters, chosen, narrowed
from engine.projections.groups import grouped, labels
from engine.projections.likelihood import Basis, Likelihood, likelihoods
from engine.projections.stalling import is_stalled
from engine.stages.definition import UNMAPPED, Definition, Stage, StageKind
from engine.stages.names import called

if TYPE_CHECKING:
    from engine.projections.views import Look


class Standing(Figures):
    """Journeys in one place. Several currencies stay apart; journeys without a value are counted, not valued."""

    stage: str
    count: int
    value: tuple[Amount, ...]
    without_value: int
    age_p50_seconds: float | None
    """since they entered it, at as_of"""


class StageStanding(Standing):
    name: str
    kind: StageKind
    weighted: tuple[Amount, ...]
    """value x likelihood, rounded half to even"""
    likelihood: float | None
    """won / (won + lost) among the closed journeys that visited the stage"""
    closed_n: int
    insufficient_history: bool
    stalled: int


class BoardGroup(Group):
    stages: tuple[StageStanding, ...]
    unmapped: Standing


class Board(Answer):
    stages: tuple[StageStanding, ...]
    unmapped: Standing
    """journeys whose stage the definition does not know"""
    cards: tuple[Card, ...]
    next: str | None
    """cursor of the following page of cards"""
    transferred: int
    """now in another pipeline; not on the board"""
    merged: int
    void: int
    groups: tuple[BoardGroup, ...] | None = None


def board(
    look: "Look",
    filters: Filters = EVERYTHING,
    *,
    by: str | None = None,
    basis: Basis = "observed",
    cards: Cards = FIRST_PAGE,
    language: str | None = None,
) -> Board:
    """Every journey in the pipeline at as_of, stage by stage; of the window, those opened in it.

    basis: likelihood as observed, or as the definition's probabilities configure it. language: of the
    stages' names.
    """
    chances = likelihoods(look, basis)
    rows = placed(look, filters, by, chances).collect()
    on_board = rows.filter(~pl.col("outcome").is_in(["merged", "transferred"]))
    found, following = page(on_board, look, cards)
    groups = None
    if by is not None:
        each = figures(on_board, look.definition, chances, language)
        groups = tuple(
            BoardGroup(key=key, label=label, **each[value]) for value, key, label in labels(look, by, list(each))
        )
    return Board(
        **head(look),
        **figures(on_board.with_columns(group=pl.lit(None, pl.String)), look.definition, chances, language)[None],
        cards=found,
        next=following,
        transferred=rows.filter(pl.col("outcome") == "transferred").height,
        merged=rows.filter(pl.col("outcome") == "merged").height,
        void=look.void,
        groups=groups,
    )


def placed(look: "Look", filters: Filters, by: str | None, chances: list[Likelihood]) -> pl.LazyFrame:
    """The journeys opened in the window as they stand, with `group`; merged and transferred ones too."""
    journeys = chosen(look, filters).filter(filters.window.holds("opened_at")).with_columns(at=pl.lit(look.as_of))
    rows = with_state(narrowed(journeys, look, filters), look, chances)
    return grouped(rows.with_columns(at="opened_at") if by == "month" else rows, look, by, filters)


def with_state(journeys: pl.LazyFrame, look: "Look", chances: list[Likelihood]) -> pl.LazyFrame:
    """Adds age (microseconds in the stage), stalled and likelihood, all at as_of."""
    ranks = range(len(chances))

    def of_stage(values: list[Any], dtype: type[pl.DataType]) -> pl.Expr:
        return pl.col("stage").replace_strict(ranks, values, default=None, return_dtype=dtype)

    age = look.as_of - pl.col("stage_since")
    shares = [None if chance.value is None else float(chance.value) for chance in chances]
    open_ranks = pl.col("stage").is_between(0, look.definition.open_count - 1)
    return journeys.with_columns(
        age=age,
        stalled=is_stalled(look.definition, look.as_of),
        likelihood=pl.when(open_ranks).then(of_stage(shares, pl.Float64)),
    )


def figures(
    rows: pl.DataFrame, definition: Definition, chances: list[Likelihood], language: str | None
) -> dict[str | None, dict[str, Any]]:
    """n, stages and unmapped of each group; of None where the board is empty."""
    counts = group_by(
        rows,
        "group",
        "stage",
        told=[
            pl.len().alias("count"),
            pl.col("amount_minor").null_count().alias("without_value"),
            median_seconds("age").alias("age_p50_seconds"),
            pl.col("stalled").sum(),
        ],
    ).rows_by_key(["group", "stage"], named=True, unique=True)
    values = sums(rows.lazy(), "group", "stage").collect().rows_by_key(["group", "stage"], named=True)

    def standing(group: str | None, rank: int) -> dict[str, Any]:
        found = counts.get((group, rank), EMPTY)
        return found | {"stage": definition.key_of(rank), "value": amounts(values.get((group, rank), []))}

    def stage_standing(group: str | None, rank: int, stage: Stage, chance: Likelihood) -> StageStanding:
        share, money = chance.value, values.get((group, rank), [])
        return StageStanding(
            name=called(stage.name, language, stage.key),
            kind=stage.kind,
            weighted=() if share is None else tuple(Amount.of(row["minor"] * share, row["currency"]) for row in money),
            likelihood=None if share is None else float(share),
            closed_n=chance.closed_n,
            insufficient_history=chance.insufficient_history,
            **standing(group, rank),
        )

    stages = list(enumerate(zip(definition.stages, chances, strict=True)))
    answer: dict[str | None, dict[str, Any]] = {}
    for group in dict.fromkeys(group for group, _ in counts) or {None: None}:
        unmapped = standing(group, UNMAPPED)
        unmapped.pop("stalled")
        placed = tuple(stage_standing(group, rank, stage, chance) for rank, (stage, chance) in stages)
        answer[group] = {
            "n": sum(stage.count for stage in placed) + unmapped["count"],
            "stages": placed,
            "unmapped": Standing(**unmapped),
        }
    return answer


EMPTY: dict[str, Any] = {"count": 0, "without_value": 0, "age_p50_seconds": None, "stalled": 0}
