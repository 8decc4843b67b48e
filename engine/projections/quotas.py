"""What each rep and team shall win in each period: the targets that are about what is asked, and their sums.

Exact definitions: docs/metrics.md#forecast.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

import polars as pl

from engine.periods import Period, every_of, months_of
from engine.projections.filters import Filters, person

if TYPE_CHECKING:
    from engine.projections.look import Look

WINS = "wins"
Holder = tuple[str, str]
"""rep and person_id, or team and its name"""


@dataclass(frozen=True)
class Goal:
    amount: int
    """minor units, or wins"""
    targets: tuple[UUID, ...]
    """what it is made of"""
    holders: frozenset[Holder]
    """whose they are"""

    def plus(self, other: "Goal | None") -> "Goal":
        if other is None:
            return self
        return Goal(self.amount + other.amount, (*self.targets, *other.targets), self.holders | other.holders)

    def is_of(self, team: str | None, person: str | None) -> bool:
        """What the person wins in the team is won towards it."""
        return ("team", team) in self.holders or ("rep", person) in self.holders


Quota = dict[str, Goal]
"""of one holder in one period, by measure: by currency, and WINS"""


@dataclass
class TeamQuota:
    own: Quota = field(default_factory=dict)
    people: dict[str, Quota] = field(default_factory=dict)
    """by person_id"""

    @property
    def whole(self) -> Quota:
        """The team's own, and in measures in which it has none the sum of its people's."""
        return {**together(self.people.values()), **self.own}


def together(quotas: Iterable[Quota]) -> Quota:
    """The sum, measure by measure."""
    found: Quota = {}
    for quota in quotas:
        for measure, goal in quota.items():
            found[measure] = goal.plus(found.get(measure))
    return found


def quotas(look: "Look", filters: Filters, axis: list[Period]) -> list[dict[str | None, TeamQuota]]:
    """Of each period, by team; None: of people in no team."""
    holders = by_holder(about(look, filters), axis)
    found: list[dict[str | None, TeamQuota]] = [defaultdict(TeamQuota) for _ in axis]
    owner = None if filters.owner is None else person(look, filters.owner, "owner", look.journeys["owner"])
    manager = None if filters.manager is None else person(look, filters.manager, "manager", look.membership["manager"])
    spans = look.membership.rows_by_key("rep", named=True)
    whole_teams = owner is manager is filters.region is None
    for (kind, holder), told in holders.items():
        for n, quota in told.items():
            if kind == "team":
                if whole_teams and filters.team in (None, holder):
                    found[n][holder].own = quota
                continue
            place = placed(spans.get(holder, ()), axis[n], look.as_of, today=filters.membership == "today")
            wanted = {"team": filters.team, "manager": manager, "region": filters.region}
            if owner in (None, holder) and all(value in (None, place.get(name)) for name, value in wanted.items()):
                found[n][place.get("team")].people[holder] = quota
    return found


def about(look: "Look", filters: Filters) -> pl.DataFrame:
    """The targets of just the kind of deals that is asked about: all, or those with one attribute."""
    rows = look.targets().filter(pl.col("pipeline") == look.pipeline)
    other_kinds = (filters.source, filters.channel, filters.value_min, filters.value_max)
    if any(each is not None for each in other_kinds) or len(filters.attributes) > 1:
        return rows.clear()
    if filters.currency is not None:
        rows = rows.filter(pl.col("currency") == filters.currency)
    if not filters.attributes:
        return rows.filter(pl.col("attribute").is_null())
    ((name, value),) = filters.attributes
    return rows.filter(pl.col("attribute") == name, pl.col("attribute_value") == value)


def by_holder(rows: pl.DataFrame, axis: list[Period]) -> dict[Holder, dict[int, Quota]]:
    """Of each holder, by the number of the period. A quarter without a target of its own has the sum of its months'
    where each of them has one.
    """
    told: dict[Holder, dict[tuple[str, str], Goal]] = defaultdict(dict)
    for row in rows.iter_rows(named=True):
        holder = ("team", row["team"]) if row["rep"] is None else ("rep", row["rep"])
        measure, amount = (WINS, row["wins"]) if row["currency"] is None else (row["currency"], row["amount_minor"])
        told[holder][row["period"], measure] = Goal(amount, (UUID(row["target"]),), frozenset({holder}))
    found: dict[Holder, dict[int, Quota]] = defaultdict(dict)
    for holder, goals in told.items():
        measures = {measure for _, measure in goals}
        for n, period in enumerate(axis):
            parts = [
                {measure: goals[name, measure]} for measure in measures for name in names_of(period, measure, goals)
            ]
            if parts:
                found[holder][n] = together(parts)
    return found


def names_of(period: Period, measure: str, goals: Iterable[tuple[str, str]]) -> list[str]:
    """The periods whose targets make up the one of this period."""
    if (period.name, measure) in goals:
        return [period.name]
    months = months_of(period.name) if every_of(period.name) == "quarter" else []
    return months if all((month, measure) in goals for month in months) else []


def placed(spans: Iterable[dict[str, Any]], period: Period, as_of: int, *, today: bool) -> dict[str, Any]:
    """The membership in which a rep's target counts: the last one of the period as far as it has come, of a period to
    come that of as_of; or today's. Empty: in no team.
    """
    end = as_of if today else min(period.until - 1, as_of)
    start = end if today else min(period.since, end)
    here = [span for span in spans if span["since"] <= end and (span["until"] is None or span["until"] > start)]
    return here[-1] if here else {}
