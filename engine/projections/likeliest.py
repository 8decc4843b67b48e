"""Likeliest to close: open deals by their chance, strong and weak stages, deals per person, and the revenue to expect.

Exact definitions: docs/metrics.md#likeliest.
"""

from collections import defaultdict
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

import polars as pl

from engine.projections.board import placed
from engine.projections.cards import Card, Cards, page
from engine.projections.conversion import conversion
from engine.projections.figures import Amount, Answer, Figures, Group, amounts, head, sums
from engine.projections.filters import EVERYTHING, Filters
from engine.projections.groups import labels
from engine.projections.likelihood import ENOUGH, Basis, Likelihood, likelihoods
from engine.values import from_micros

if TYPE_CHECKING:
    from engine.projections.look import Look

Strength = Literal["strongest", "weakest"]


class Standing(Figures):
    """Open deals with what they are worth, and what of it may be expected: value x likelihood, rounded once."""

    count: int
    value: tuple[Amount, ...]
    weighted: tuple[Amount, ...]
    without_value: int
    without_likelihood: int
    """in a stage that too few were decided from: in value, not in weighted"""


class StageStrength(Standing):
    stage: str
    likelihood: float | None
    """of being won, of those that visited the stage"""
    closed_n: int
    entered: int
    conversion: float | None
    """of those that entered the stage, how many went further"""
    strength: Strength | None
    """highest and lowest conversion of the open stages that enough entered"""


class Month(Standing):
    month: str | None
    """of the expected close; None: it is overdue, or nobody expects one"""
    overdue: bool
    """expected before the day of as_of"""


class Member(Group, Standing):
    """n = count, the open deals of one person, team, ..."""


class Likeliest(Standing, Answer):
    """n = count: the open deals."""

    deals: tuple[Card, ...]
    """likeliest first"""
    next: str | None
    stages: tuple[StageStrength, ...]
    months: tuple[Month, ...]
    """the revenue projection; overdue first, then by month"""
    by: str
    groups: tuple[Member, ...]
    void: int


def likeliest(
    look: "Look",
    filters: Filters = EVERYTHING,
    *,
    by: str = "owner",
    basis: Basis = "observed",
    limit: int = 50,
    after: str | None = None,
) -> Likeliest:
    """The open journeys at as_of; of the window, those opened in it. limit and after: pages of the deals."""
    chances = likelihoods(look, basis)
    rows = placed(look, filters, by, chances).filter(pl.col("outcome") == "open").collect()
    deals, following = page(rows.lazy(), look, Cards(order="likelihood", limit=limit, after=after), chances)
    each = standings(rows, "group", chances)
    found = standings(rows.with_columns(all=pl.lit(True)), "all", chances).get(True, NOBODY)
    return Likeliest(
        **head(look),
        n=found["count"],
        **found,
        deals=deals,
        next=following,
        stages=stages(look, filters, rows, chances),
        months=months(rows, chances, due(look, filters)),
        by=by,
        groups=tuple(
            Member(key=key, label=label, n=each[value]["count"], **each[value])
            for value, key, label in labels(look, by, list(each))
        ),
        void=look.void,
    )


OVERDUE = "!"
"""sorts before every month"""
NOBODY: dict[str, Any] = {"count": 0, "value": (), "weighted": (), "without_value": 0, "without_likelihood": 0}


def standings(rows: pl.DataFrame, by: str, chances: list[Likelihood]) -> dict[Any, dict[str, Any]]:
    """The fields of Standing for each value of a column."""
    counts = rows.group_by(by).agg(
        count=pl.len(),
        without_value=pl.col("amount_minor").null_count(),
        without_likelihood=pl.col("likelihood").null_count(),
    )
    worth = sums(rows.lazy(), by).collect().rows_by_key(by, named=True)
    expected: dict[Any, dict[str, Fraction]] = defaultdict(dict)
    for row in sums(rows.lazy().with_columns(rank=pl.col("stage")), by, "rank").collect().iter_rows(named=True):
        chance = chances[row["rank"]].value if row["rank"] >= 0 else None
        if chance is not None:
            own = expected[row[by]]
            own[row["currency"]] = own.get(row["currency"], Fraction(0)) + row["minor"] * chance
    return {
        row[by]: {
            "count": row["count"],
            "without_value": row["without_value"],
            "without_likelihood": row["without_likelihood"],
            "value": amounts(worth.get(row[by], [])),
            "weighted": tuple(Amount.of(minor, currency) for currency, minor in sorted(expected[row[by]].items())),
        }
        for row in counts.iter_rows(named=True)
    }


def stages(look: "Look", filters: Filters, rows: pl.DataFrame, chances: list[Likelihood]) -> tuple[StageStrength, ...]:
    """The open stages in definition order; conversion as the answer of that name tells it."""
    passing = {stage.stage: stage for stage in conversion(look, filters).stages}
    standing = standings(rows, "stage", chances)
    opens = [stage.key for stage in look.definition.stages[: look.definition.open_count]]
    shares = {key: passing[key].conversion or 0.0 for key in opens if passing[key].entered >= ENOUGH}
    marks: dict[str, Strength] = {}
    if len(set(shares.values())) > 1:
        marks = {
            min(shares, key=lambda key: shares[key]): "weakest",
            max(shares, key=lambda key: shares[key]): "strongest",
        }
    return tuple(
        StageStrength(
            stage=key,
            likelihood=None if chances[rank].value is None else float(chances[rank].value or 0),
            closed_n=chances[rank].closed_n,
            entered=passing[key].entered,
            conversion=passing[key].conversion,
            strength=marks.get(key),
            **standing.get(rank, NOBODY),
        )
        for rank, key in enumerate(opens)
    )


def due(look: "Look", filters: Filters) -> pl.Expr:
    """The month of the expected close, or OVERDUE; null without one."""
    today = from_micros(look.as_of).astimezone(ZoneInfo(filters.tz)).date()
    close = pl.col("expected_close")
    return pl.when(close < today).then(pl.lit(OVERDUE)).otherwise(close.dt.strftime("%Y-%m"))


def months(rows: pl.DataFrame, chances: list[Likelihood], due: pl.Expr) -> tuple[Month, ...]:
    """All that is overdue, the months to come, and what has no date."""
    found = standings(rows.with_columns(due=due), "due", chances)
    return tuple(
        Month(month=None if name == OVERDUE else name, overdue=name == OVERDUE, **found[name])
        for name in sorted(found, key=lambda name: (name is None, name or ""))
    )
