"""The board: what stands in each stage, what it is worth, what of it is stalled; and the cards.

Exact definitions: docs/metrics.md#board.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from engine.projections.cards import APART, FIRST_PAGE, Card, Cards, page
from engine.projections.figures import Amount, Answer, Figures, Group, head
from engine.projections.filters import EVERYTHING, Filters, chosen, narrowed
from engine.projections.first_page import first_page, is_carried
from engine.projections.groups import grouped, labels
from engine.projections.lengths import Lengths
from engine.projections.likelihood import Basis, Likelihood, likelihoods
from engine.projections.stalling import is_stalled
from engine.projections.stalling_alone import stalled_at
from engine.projections.state import with_state
from engine.projections.tally import Tally, counts, lengths, money, tally
from engine.stages.definition import UNMAPPED, Definition, Stage, StageKind
from engine.stages.names import called

if TYPE_CHECKING:
    from engine.projections.live import Few
    from engine.projections.look import Look


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

    def whole(counted: Tally) -> Board:
        return told(head(look), counted, look.definition, look.as_of, chances, language)

    groups = None
    if by is None and filters == EVERYTHING:
        here = look.tally("standing", standing, alone=standing_alone)
        late = look.tally("stalled", stalled, look.as_of, stalled_alone(look))
        found = look.repeated("board", (here, late, chances, look.as_of, language), lambda: whole(here.plus(late)))
    else:
        counted = standing(look, filters, by).plus(stalled(look, filters, by))
        if by is not None:
            groups = tuple(
                BoardGroup(
                    key=key, label=label, **figures(counted, value, look.definition, look.as_of, chances, language)
                )
                for value, key, label in labels(look, by, counted.groups("standing count"))
            )
            counted = counted.whole()
        found = whole(counted)
    if filters == EVERYTHING and is_carried(cards):
        shown, following = first_page(look, cards, chances)
    else:
        shown, following = page(asked_of(look, filters, None).filter(ON_BOARD), look, cards, chances)
    return found.model_copy(
        update={**head(look), "cards": shown, "next": following, "void": look.void, "groups": groups}
    )


ON_BOARD = ~pl.col("outcome").is_in(APART)


def standing(look: "Look", filters: Filters = EVERYTHING, by: str | None = None) -> Tally:
    """What stands in each stage, and what it is worth; how many were merged, and transferred."""
    rows = asked_of(look, filters, by)
    here, outcome = rows.filter(ON_BOARD), pl.col("outcome")
    unvalued = pl.col("amount_minor").null_count()
    return tally(
        counts("standing", here, by, "stage", count=pl.len(), without_value=unvalued),
        money("standing", here, by, "stage"),
        # As of 0, so that it holds at every moment.
        lengths("age", here, by, "stage", of=0 - pl.col("stage_since")),
        counts("gone", rows, None, transferred=(outcome == "transferred").sum(), merged=(outcome == "merged").sum()),
    )


def stalled(look: "Look", filters: Filters = EVERYTHING, by: str | None = None) -> Tally:
    """What of it is stalled at as_of."""
    rows = asked_of(look, filters, by).filter(is_stalled(look.definition, look.as_of))
    return tally(counts("stalled", rows, by, "stage", count=pl.len()))


def standing_alone(journeys: "Few") -> Tally:
    """standing, journey by journey."""
    found, since = Tally(), defaultdict(list)
    for rows in journeys:
        for row in rows.journeys:
            if row["outcome"] in APART:
                found.raise_by(1, f"gone {row['outcome']}", None)
                continue
            stage, minor = row["stage"], row["amount_minor"]
            since[stage].append(-row["stage_since"])
            found.raise_by(1, "standing count", None, stage)
            if minor is None:
                found.raise_by(1, "standing without_value", None, stage)
            else:
                found.value(minor, row["currency"], "standing", None, stage)
    found.lengths = {("age", None, stage): Lengths.of(ages) for stage, ages in since.items()}
    return found


def stalled_alone(look: "Look") -> "Callable[[Few], Tally]":
    """stalled, journey by journey."""
    is_stalled = stalled_at(look.definition, look.as_of)

    def stalled(journeys: "Few") -> Tally:
        found = Tally()
        for rows in journeys:
            for row in rows.journeys:
                found.raise_by(is_stalled(row), "stalled count", None, row["stage"])
        return found

    return stalled


def asked_of(look: "Look", filters: Filters, by: str | None) -> pl.LazyFrame:
    """The journeys opened in the window as they stand, with `group`; merged and transferred ones too."""
    journeys = chosen(look, filters).filter(filters.window.holds("opened_at")).with_columns(at=pl.lit(look.as_of))
    rows = narrowed(journeys, look, filters)
    return grouped(rows.with_columns(at="opened_at") if by == "month" else rows, look, by, filters)


def placed(look: "Look", filters: Filters, by: str | None, chances: list[Likelihood]) -> pl.LazyFrame:
    """asked_of, with_state."""
    return with_state(asked_of(look, filters, by), look, chances)


def told(
    head: Mapping[str, Any],
    counted: Tally,
    definition: Definition,
    as_of: int,
    chances: list[Likelihood],
    language: str | None = None,
) -> Board:
    """The board without cards. counted: standing and stalled of all that is asked for. as_of: microseconds."""
    return Board(
        **head,
        **figures(counted, None, definition, as_of, chances, language),
        cards=(),
        next=None,
        transferred=counted.count("gone transferred", None),
        merged=counted.count("gone merged", None),
        void=0,
    )


def figures(
    counted: Tally,
    group: str | None,
    definition: Definition,
    as_of: int,
    chances: list[Likelihood],
    language: str | None,
) -> dict[str, Any]:
    """n, stages and unmapped of one group."""

    def place(rank: int) -> dict[str, Any]:
        return {
            "stage": definition.key_of(rank),
            "count": counted.count("standing count", group, rank),
            "value": counted.amounts("standing", group, rank),
            "without_value": counted.count("standing without_value", group, rank),
            "age_p50_seconds": counted.of("age", group, rank).quantile(50, plus=as_of),
        }

    def stage_standing(rank: int, stage: Stage, chance: Likelihood) -> StageStanding:
        share, worth = chance.value, counted.sums("standing", group, rank)
        return StageStanding(
            **place(rank),
            name=called(stage.name, language, stage.key),
            kind=stage.kind,
            weighted=()
            if share is None
            else tuple(Amount.of(minor * share, currency) for currency, (minor, _) in worth.items()),
            likelihood=None if share is None else float(share),
            closed_n=chance.closed_n,
            insufficient_history=chance.insufficient_history,
            stalled=counted.count("stalled count", group, rank),
        )

    stages = tuple(
        stage_standing(rank, stage, chance)
        for rank, (stage, chance) in enumerate(zip(definition.stages, chances, strict=True))
    )
    unmapped = Standing(**place(UNMAPPED))
    return {"n": sum(stage.count for stage in stages) + unmapped.count, "stages": stages, "unmapped": unmapped}
