"""Forecast: what reps and teams shall win in a period, what they have won, what is missing, and what may still come.

Exact definitions: docs/metrics.md#forecast.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from engine.errors import Rejected
from engine.periods import Every, Period, every_of, first_day, midnight, periods
from engine.projections.figures import Amount, Answer, Figures, head
from engine.projections.filters import EVERYTHING, Filters
from engine.projections.groups import labels
from engine.projections.likelihood import Basis, likelihoods
from engine.projections.prospects import Count, Minor, added, counted, prospects
from engine.projections.quotas import WINS, Goal, Quota, TeamQuota, quotas, together
from engine.values import from_micros

if TYPE_CHECKING:
    from engine.projections.look import Look

Cells = Mapping[tuple[str | None, str | None], Count]
"""by team and person_id"""
MOST = 120
"""periods: more are a mistake"""


class Share(Figures):
    """Of the money in one currency."""

    currency: str
    share: float


class Line(Figures):
    """Each currency by itself; what is of a quota, of the currencies that there is one in."""

    quota: tuple[Amount, ...]
    won_value: tuple[Amount, ...]
    """at the close"""
    toward_quota: tuple[Amount, ...]
    """of it, won by the teams and people whose targets the period's quotas are"""
    gap: tuple[Amount, ...]
    """quota - toward_quota; below zero where more was won"""
    attainment: tuple[Share, ...]
    """toward_quota / quota"""
    pipeline_value: tuple[Amount, ...]
    """of the open deals that are expected to close in the period"""
    weighted: tuple[Amount, ...]
    """value x likelihood, rounded half to even"""
    coverage: tuple[Share, ...]
    """value of the qualified ones of their pipeline / gap, where there is a gap"""
    quota_wins: int | None
    won: int
    toward_quota_wins: int | None
    gap_wins: int | None
    attainment_wins: float | None
    pipeline_n: int
    overdue: int
    """of them: expected before the day of as_of"""
    without_likelihood: int
    """of them: weighted leaves them out, too few were decided from where they stand"""
    weighted_wins: float
    """the sum of the likelihoods"""
    coverage_wins: float | None
    targets: tuple[UUID, ...]
    """what the quota is made of"""


class PersonForecast(Line):
    rep: str | None
    """id in the source system; None: deals of nobody"""
    label: str | None


class TeamForecast(Line):
    team: str | None
    """None: who is in no team"""
    people: tuple[PersonForecast, ...]


class PeriodForecast(Line):
    period: str
    """2026-W05, 2026-02 or 2026-Q1"""
    since: datetime
    until: datetime
    complete: bool
    """over at as_of"""
    teams: tuple[TeamForecast, ...]


class Forecast(Answer):
    """n: the journeys won in these periods, and the open ones expected to close in them."""

    every: Every
    periods: tuple[PeriodForecast, ...]
    without_date: int
    """open ones of which nobody says when they close: in no period"""
    overdue_earlier: int
    """open ones that should have closed before all of these periods: in none of them"""


def forecast(
    look: "Look",
    filters: Filters = EVERYTHING,
    *,
    every: Every | None = None,
    period: str | None = None,
    basis: Basis = "observed",
) -> Forecast:
    """Of the periods that the window touches, without its beginning or end up to the one of as_of; or of one by name.

    Months, where neither says what kind of period. Team by team, person by person. Rejected: a period that is none, or
    given beside a window or another kind; too many periods.
    """
    axis = axis_of(look, filters, every, period)
    found = prospects(look, filters, axis)
    counts: list[dict[str | None, dict[str | None, Count]]] = [{} for _ in axis]
    for (n, team, owner), count in counted(found, likelihoods(look, basis)).items():
        counts[n].setdefault(team, {})[owner] = count
    told = quotas(look, filters, axis)
    return Forecast(
        **head(look),
        n=found.won.height + found.expected.height,
        every=every_of(axis[0].name),
        periods=tuple(of_period(look, each, own, goals) for each, own, goals in zip(axis, counts, told, strict=True)),
        without_date=found.undated.height,
        overdue_earlier=found.earlier.height,
    )


def axis_of(look: "Look", filters: Filters, every: Every | None, period: str | None) -> list[Period]:
    window = filters.window
    if period is not None:
        if window.since is not None or window.until is not None:
            raise Rejected(f"period {period!r} says from when to when: leave the window out", field="period")
        try:
            kind, begins = every_of(period), midnight(first_day(period), ZoneInfo(filters.tz))
        except ValueError as error:
            raise Rejected(f"period: {error}", field="period") from None
        if every not in (None, kind):
            said = f"every {every!r} is not what period {period!r} is, a {kind}: leave one of them out"
            raise Rejected(said, field="every")
        return periods(kind, filters.tz, first=begins, last=begins)
    ends = None if window.until is None else window.until - 1
    first = min(look.as_of, ends or look.as_of) if window.since is None else window.since
    last = max(look.as_of, first) if ends is None else ends
    axis = periods(every or "month", filters.tz, first=first, last=last)
    if len(axis) > MOST:
        raise Rejected(
            f"the window holds {len(axis)} periods: ask for at most {MOST}, or for longer ones", field="since"
        )
    return axis


def of_period(
    look: "Look",
    period: Period,
    counts: Mapping[str | None, Mapping[str | None, Count]],
    goals: Mapping[str | None, TeamQuota],
) -> PeriodForecast:
    names = sorted({*counts, *goals}, key=lambda team: (team is None, team or ""))
    each = {team: goals.get(team, TeamQuota()) for team in names}
    cells = {(team, person): count for team, people in counts.items() for person, count in people.items()}
    whole = together(goal.whole for goal in each.values())

    def told(quota: Quota, cells: Cells) -> dict[str, Any]:
        return line(quota, cells, whole)

    return PeriodForecast(
        **told(whole, cells),
        period=period.name,
        since=from_micros(period.since),
        until=from_micros(period.until),
        complete=period.until <= look.as_of,
        teams=tuple(of_team(look, team, cells, each[team], told) for team in names),
    )


def of_team(
    look: "Look", team: str | None, cells: Cells, goals: TeamQuota, told: Callable[[Quota, Cells], dict[str, Any]]
) -> TeamForecast:
    own = {place: count for place, count in cells.items() if place[0] == team}
    people = labels(look, "owner", list({*(person for _, person in own), *goals.people}))
    return TeamForecast(
        **told(goals.whole, own),
        team=team,
        people=tuple(
            PersonForecast(
                **told(
                    goals.people.get(person or "", {}),
                    {place: own[place] for place in [(team, person)] if place in own},
                ),
                rep=key,
                label=label,
            )
            for person, key, label in people
        ),
    )


def line(quota: Quota, cells: Cells, whole: Quota) -> dict[str, Any]:
    """The fields of Line. whole: the quota of the period, of everybody: it says whose wins are won towards a quota."""
    count = added(cells.values())
    toward = {measure: added(of_holders(cells, whole[measure])) for measure in quota}
    goals: Minor = {currency: goal.amount for currency, goal in quota.items() if currency != WINS}
    held: Minor = {currency: toward[currency].won_minor.get(currency, 0) for currency in goals}
    gaps: Minor = {currency: goal - held[currency] for currency, goal in goals.items()}
    covering: Minor = {currency: toward[currency].qualified_minor.get(currency, 0) for currency in goals}
    wins, held_wins = (quota[WINS].amount, toward[WINS].won) if WINS in quota else (None, None)
    gap_wins = None if wins is None or held_wins is None else wins - held_wins
    return {
        "quota": amounts(goals),
        "won_value": amounts(count.won_minor),
        "toward_quota": amounts(held),
        "gap": amounts(gaps),
        "attainment": shares(held, goals),
        "pipeline_value": amounts(count.expected_minor),
        "weighted": amounts(count.weighted_minor),
        "coverage": shares(covering, gaps),
        "quota_wins": wins,
        "won": count.won,
        "toward_quota_wins": held_wins,
        "gap_wins": gap_wins,
        "attainment_wins": held_wins / wins if wins and held_wins is not None else None,
        "pipeline_n": count.expected,
        "overdue": count.overdue,
        "without_likelihood": count.expected - count.likely,
        "weighted_wins": float(count.weighted),
        "coverage_wins": toward[WINS].qualified / gap_wins if gap_wins is not None and gap_wins > 0 else None,
        "targets": tuple(sorted({target for goal in quota.values() for target in goal.targets})),
    }


def of_holders(cells: Cells, goal: Goal) -> list[Count]:
    """What those have that the goal is of."""
    return [count for (team, person), count in cells.items() if goal.is_of(team, person)]


def amounts(minor: Minor) -> tuple[Amount, ...]:
    return tuple(Amount.of(amount, currency) for currency, amount in sorted(minor.items()))


def shares(parts: Minor, wholes: Minor) -> tuple[Share, ...]:
    return tuple(
        Share(currency=currency, share=float(Fraction(parts.get(currency, 0)) / whole))
        for currency, whole in sorted(wholes.items())
        if whole > 0
    )
