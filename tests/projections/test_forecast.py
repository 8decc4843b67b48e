"""Forecast: quota, won, gap and pipeline by team and rep, worked by hand and counted one by one."""

from dataclasses import replace
from datetime import date
from itertools import count
from typing import Any
from uuid import UUID

import polars as pl
import pytest

from engine.errors import Rejected
from engine.projections.filters import Filters
from engine.projections.forecast import Forecast, Line, TeamForecast, forecast
from engine.projections.look import Look
from engine.projections.targets import SCHEMA
from engine.values import Money
from replay.explain import explain
from tests.projections.journeys import Journey, day, funnel, journey, person

NUMBERS = count(1)
APRIL = 90
"""a day of it: 5 April 2026; as_of is 15 April"""


def goal(
    period: str, amount: str | int, *, rep: int | None = None, team: str | None = None, **kind: str
) -> dict[str, Any]:
    """A target that stands: of "1000 EUR", or of a number of wins; kind: the attribute it is about."""
    value = None if isinstance(amount, int) else Money.of(*amount.split())
    ((name, wanted),) = kind.items() or [(None, None)]
    return {
        "target": UUID(int=next(NUMBERS)).hex,
        "rep": None if rep is None else person(rep),
        "team": team,
        "period": period,
        "pipeline": "sales",
        "attribute": name,
        "attribute_value": wanted,
        "currency": None if value is None else value.currency,
        "amount_minor": None if value is None else value.amount_minor,
        "wins": amount if isinstance(amount, int) else None,
        "changes": 1,
        "position": 1,
    }


def place(rep: int, team: str | None, since: float = -10, until: float | None = None, **more: str) -> dict[str, Any]:
    till = None if until is None else day(until)
    return {
        "rep": person(rep),
        "since": day(since),
        "until": till,
        "team": team,
        "manager": None,
        "region": None,
    } | more


ROSTER = [place(1, "north"), place(2, "north"), place(3, "south")]


def asked(
    journeys: list[Journey],
    goals: list[dict[str, Any]],
    filters: Filters | None = None,
    roster: list[dict[str, Any]] | None = None,
    **options: Any,
) -> Forecast:
    return forecast(seen(journeys, goals, roster), filters or Filters(), **options)


def seen(journeys: list[Journey], goals: list[dict[str, Any]], roster: list[dict[str, Any]] | None = None) -> Look:
    look = funnel(*journeys, roster=ROSTER if roster is None else roster).look
    return replace(look, targets=lambda: pl.DataFrame(goals, schema=SCHEMA))


def won(owner: int, value: str = "100 EUR", at: int = APRIL, **more: Any) -> Journey:
    return journey("contact@80", f"won@{at}", value=value, owner=person(owner), **more)


def expected(owner: int, close: date | None, value: str = "100 EUR", stage: str = "proposal", **more: Any) -> Journey:
    return journey("contact@80", f"{stage}@81", value=value, owner=person(owner), expected_close=close, **more)


def past() -> list[Journey]:
    """Of 30 that came to a proposal in January a third was won."""
    return [journey("contact@0", "proposal@1", "won@2" if n % 3 == 0 else "lost@2") for n in range(30)]


def money(told: Line, figure: str) -> dict[str, str]:
    return {each.currency: each.amount for each in getattr(told, figure)}


def shares(told: Line, figure: str) -> dict[str, float]:
    return {each.currency: each.share for each in getattr(told, figure)}


def team_of(found: Forecast, name: str | None) -> TeamForecast:
    (period,) = found.periods
    (team,) = (team for team in period.teams if team.team == name)
    return team


@pytest.mark.checklist("S36")
def test_quota_won_gap_and_pipeline_are_told_by_team_and_by_rep() -> None:
    found = asked(
        [
            *past(),
            won(1, "400 EUR"),
            won(2, "700 EUR"),
            expected(1, date(2026, 4, 20), "300 EUR"),
            expected(2, date(2026, 4, 10), "120 EUR"),
            expected(3, date(2026, 5, 1), "999 EUR"),
            expected(3, None, "999 EUR"),
        ],
        [
            goal("2026-04", "1000 EUR", rep=1),
            goal("2026-04", "500 EUR", rep=2),
            goal("2026-04", "800 EUR", team="south"),
        ],
    )
    assert (found.n, found.without_date) == (4, 1)
    north, south = team_of(found, "north"), team_of(found, "south")
    one, two = north.people
    assert (one.rep, two.rep) == ("rep-1", "rep-2")
    assert (money(one, "quota"), money(one, "won_value"), money(one, "gap")) == (
        {"EUR": "1000.00"},
        {"EUR": "400.00"},
        {"EUR": "600.00"},
    )
    assert (shares(one, "attainment"), shares(one, "coverage")) == ({"EUR": 0.4}, {"EUR": 0.5})
    assert (one.won, one.pipeline_n, one.overdue) == (1, 1, 0)
    assert (money(one, "pipeline_value"), money(one, "weighted")) == ({"EUR": "300.00"}, {"EUR": "100.00"})
    # More was won than asked for: nothing is missing that a pipeline could cover.
    assert (money(two, "gap"), shares(two, "attainment"), two.coverage) == ({"EUR": "-200.00"}, {"EUR": 1.4}, ())
    assert (two.overdue, two.weighted_wins) == (1, 1 / 3)
    assert (money(north, "quota"), money(north, "won_value"), money(north, "gap")) == (
        {"EUR": "1500.00"},
        {"EUR": "1100.00"},
        {"EUR": "400.00"},
    )
    assert (money(south, "quota"), money(south, "gap"), south.people) == ({"EUR": "800.00"}, {"EUR": "800.00"}, ())
    (whole,) = found.periods
    assert (whole.period, whole.complete, whole.won, whole.pipeline_n) == ("2026-04", False, 2, 2)
    assert (money(whole, "quota"), money(whole, "gap")) == ({"EUR": "2300.00"}, {"EUR": "1200.00"})


def test_a_team_s_own_target_goes_before_the_sum_of_its_people_s_measure_by_measure() -> None:
    goals = [
        goal("2026-04", "900 EUR", team="north"),
        goal("2026-04", "500 EUR", rep=1),
        goal("2026-04", "500 EUR", rep=2),
        goal("2026-04", 4, rep=1),
        goal("2026-04", 2, rep=2),
    ]
    north = team_of(asked([won(1), won(1)], goals), "north")
    assert (money(north, "quota"), north.quota_wins, north.gap_wins, north.attainment_wins) == (
        {"EUR": "900.00"},
        6,
        4,
        1 / 3,
    )
    assert set(north.targets) == {UUID(each["target"]) for each in (goals[0], goals[3], goals[4])}


def test_a_quota_of_some_is_held_against_what_they_have_won_and_all_is_told_beside() -> None:
    journeys = [
        *past(),
        won(1, "40 EUR"),
        won(2, "70 EUR"),
        won(3, "500 EUR"),
        expected(1, date(2026, 4, 20), "30 EUR"),
        expected(3, date(2026, 4, 20), "900 EUR"),
    ]
    goals = [goal("2026-04", "100 EUR", rep=1), goal("2026-04", 4, team="south")]
    found = asked(journeys, goals)
    (whole,) = found.periods
    assert (money(whole, "won_value"), money(whole, "toward_quota")) == ({"EUR": "610.00"}, {"EUR": "40.00"})
    assert (money(whole, "gap"), shares(whole, "attainment"), shares(whole, "coverage")) == (
        {"EUR": "60.00"},
        {"EUR": 0.4},
        {"EUR": 0.5},
    )
    assert (whole.won, whole.toward_quota_wins, whole.gap_wins, whole.attainment_wins) == (3, 1, 3, 0.25)
    assert whole.coverage_wins == 1 / 3
    north = team_of(found, "north")
    assert (money(north, "won_value"), money(north, "gap"), north.quota_wins) == (
        {"EUR": "110.00"},
        {"EUR": "60.00"},
        None,
    )
    for part, deals in {"gap": 1, "toward_quota_wins": 1, "won": 3, "coverage": 1, "coverage_wins": 1}.items():
        assert explain(seen(journeys, goals), "forecast", {"part": part}).figure == deals, part


def test_who_changes_teams_counts_once_towards_the_quota_of_all() -> None:
    roster = [place(1, "north", until=92), place(1, "south", since=92), place(2, "north")]
    journeys = [won(1, "10 EUR", at=88), won(1, "5 EUR", at=95), won(2, "1 EUR")]
    goals = [goal("2026-04", "100 EUR", rep=1), goal("2026-04", "50 EUR", team="north")]
    found = asked(journeys, goals, roster=roster)
    north, south = team_of(found, "north"), team_of(found, "south")
    assert (money(north, "toward_quota"), money(south, "toward_quota")) == ({"EUR": "11.00"}, {"EUR": "5.00"})
    assert money(found.periods[0], "gap") == {"EUR": "134.00"}
    # Alone they are held against all they won, in whatever team.
    own = asked(journeys, goals, Filters(owner="rep-1"), roster=roster)
    assert (money(own.periods[0], "quota"), money(own.periods[0], "gap")) == ({"EUR": "100.00"}, {"EUR": "85.00"})


def test_what_is_in_no_period_and_what_is_not_weighted_is_counted() -> None:
    journeys = [
        expected(1, date(2026, 4, 20)),
        expected(1, date(2026, 3, 31)),
        expected(1, date(2026, 5, 2)),
        expected(1, None),
    ]
    found = asked(journeys, [])
    (april,) = found.periods
    assert (april.pipeline_n, april.without_likelihood, april.weighted) == (1, 1, ())
    assert (found.overdue_earlier, found.without_date) == (1, 1)
    # Before a period to come they are not overdue: they are in the one before it.
    june = asked(journeys, [], period="2026-06")
    assert june.overdue_earlier == 1
    weighted = asked([*past(), *journeys], [])
    assert (weighted.periods[0].without_likelihood, money(weighted.periods[0], "weighted")) == (0, {"EUR": "33.33"})
    for part in ("overdue_earlier", "without_likelihood"):
        (story,) = explain(seen(journeys, []), "forecast", {"part": part}).journeys
        assert [event.what for event in story.events] == ["entered"], part


@pytest.mark.checklist("S15", "S11")
def test_there_are_quotas_by_week_by_month_and_by_quarter() -> None:
    goals = [
        *(goal(f"2026-0{month}", f"{month}00 EUR", team="north") for month in (4, 5, 6)),
        goal("2026-Q1", "7000 EUR", team="north"),
        goal("2026-W14", 2, team="north"),
    ]
    journeys = [won(1), won(1, at=75)]
    week = asked(journeys, goals, period="2026-W14")
    assert (team_of(week, "north").quota_wins, team_of(week, "north").won, week.every) == (2, 1, "week")
    # A quarter without a target of its own has those of its months, if each has one.
    assert money(team_of(asked(journeys, goals, every="quarter"), "north"), "quota") == {"EUR": "1500.00"}
    assert team_of(asked(journeys, goals[1:], every="quarter"), "north").quota == ()
    own = [*goals, goal("2026-Q2", "1 EUR", team="north")]
    assert money(team_of(asked(journeys, own, every="quarter"), "north"), "quota") == {"EUR": "1.00"}
    # And a month has no part of its quarter's.
    assert team_of(asked(journeys, goals, period="2026-03"), "north").quota == ()
    both = asked(journeys, goals, Filters(since=date(2026, 3, 31), until=date(2026, 7, 1)), every="quarter")
    assert [(each.period, each.won, money(each, "quota")) for each in both.periods] == [
        ("2026-Q1", 1, {"EUR": "7000.00"}),
        ("2026-Q2", 1, {"EUR": "1500.00"}),
    ]


@pytest.mark.checklist("S36")
def test_a_forecast_is_of_one_currency_or_of_one_kind_of_deal() -> None:
    journeys = [
        won(1, "100 EUR", attributes={"type": "new"}),
        won(1, "50 USD", attributes={"type": "existing"}),
    ]
    goals = [
        goal("2026-04", "1000 EUR", rep=1),
        goal("2026-04", "80 USD", rep=1),
        goal("2026-04", "300 EUR", rep=1, type="new"),
        goal("2026-04", 9, rep=1),
    ]
    every = team_of(asked(journeys, goals), "north")
    assert (money(every, "quota"), money(every, "gap")) == (
        {"EUR": "1000.00", "USD": "80.00"},
        {"EUR": "900.00", "USD": "30.00"},
    )
    dollars = team_of(asked(journeys, goals, Filters(currency="USD")), "north")
    assert (money(dollars, "gap"), dollars.won, dollars.quota_wins) == ({"USD": "30.00"}, 1, None)
    fresh = team_of(asked(journeys, goals, Filters(attributes=(("type", "new"),))), "north")
    assert (money(fresh, "quota"), money(fresh, "gap"), fresh.quota_wins) == (
        {"EUR": "300.00"},
        {"EUR": "200.00"},
        None,
    )
    with pytest.raises(Rejected, match="type 'nwe'"):
        asked(journeys, goals, Filters(attributes=(("type", "nwe"),)))
    # A target may be of what nobody sells yet.
    assert team_of(asked([won(1)], goals, Filters(attributes=(("type", "new"),))), "north").won == 0
    # Nobody set a target for the deals of one source: what is missing of none is not told.
    of_source = asked([*journeys, won(1, source="ads")], goals, Filters(source="ads"))
    assert (team_of(of_source, "north").won, team_of(of_source, "north").quota) == (1, ())


def test_who_changes_teams_takes_the_target_along_and_leaves_what_was_won() -> None:
    roster = [place(1, "north", until=92), place(1, "south", since=92), place(3, "south")]
    journeys = [won(1, "10 EUR", at=88), won(1, "5 EUR", at=95)]
    found = asked(journeys, [goal("2026-04", "100 EUR", rep=1)], roster=roster)
    north, south = team_of(found, "north"), team_of(found, "south")
    assert (money(north, "won_value"), north.quota) == ({"EUR": "10.00"}, ())
    assert (money(south, "won_value"), money(south, "gap")) == ({"EUR": "5.00"}, {"EUR": "95.00"})
    today = asked(journeys, [goal("2026-04", "100 EUR", rep=1)], Filters(membership="today"), roster=roster)
    assert [(team.team, money(team, "gap")) for team in today.periods[0].teams] == [("south", {"EUR": "85.00"})]


def test_who_left_within_the_period_counts_where_they_were() -> None:
    roster = [place(1, "north", until=95)]
    goals = [goal("2026-04", "100 EUR", rep=1), goal("2026-05", "100 EUR", rep=1)]
    assert team_of(asked([], goals, roster=roster), "north").people[0].rep == "rep-1"
    assert [team.team for team in asked([], goals, period="2026-05", roster=roster).periods[0].teams] == [None]


def test_a_filter_by_people_leaves_their_own_targets() -> None:
    goals = [
        goal("2026-04", "900 EUR", team="north"),
        goal("2026-04", "50 EUR", rep=1),
        goal("2026-04", "60 EUR", rep=3),
    ]
    assert [team.team for team in asked([won(3)], goals, Filters(team="north")).periods[0].teams] == ["north"]
    own = asked([won(1), won(2), won(3)], goals, Filters(owner="rep-1"))
    assert money(own.periods[0], "quota") == {"EUR": "50.00"}
    assert own.periods[0].won == 1
    roster = [place(1, "north", region="Bergen"), place(3, "south", region="Oslo")]
    oslo = asked([], goals, Filters(region="Oslo"), roster=roster)
    assert [(team.team, money(team, "quota")) for team in oslo.periods[0].teams] == [("south", {"EUR": "60.00"})]


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ({}, ["2026-04"]),
        ({"since": "2026-02-03"}, ["2026-02", "2026-03", "2026-04"]),
        ({"until": "2026-06-01"}, ["2026-04", "2026-05"]),
        ({"since": "2026-06-01"}, ["2026-06"]),
        ({"until": "2026-02-01"}, ["2026-01"]),
    ],
)
def test_where_the_window_is_open_it_goes_to_the_period_of_as_of(window: dict[str, str], expected: list[str]) -> None:
    assert [each.period for each in asked([], [], Filters.model_validate(window)).periods] == expected


def test_a_day_is_one_of_the_time_zone() -> None:
    # 2026-03-31T22:30Z, which is April in Madrid.
    late = journey("contact@80", "won@85.5625", owner=person(1))
    assert [each.won for each in asked([late], [], Filters(tz="Europe/Madrid")).periods] == [1]
    assert [each.won for each in asked([late], []).periods] == [0]


@pytest.mark.parametrize("period", ["2026-13", "next month", "2026-Q5"])
def test_a_period_spelt_wrong_is_refused(period: str) -> None:
    with pytest.raises(Rejected, match=r"period.*2026-Q1"):
        asked([], [], period=period)


def test_one_period_or_a_window_is_asked_for_and_no_endless_one() -> None:
    with pytest.raises(Rejected, match="leave the window out"):
        asked([], [], Filters(since=date(2026, 1, 1)), period="2026-02")
    with pytest.raises(Rejected, match="at most 120"):
        asked([], [], Filters(since=date(1990, 1, 1)))


def test_behind_what_is_missing_are_the_journeys_that_were_won() -> None:
    look = seen([won(1, "40 EUR"), won(2), expected(1, date(2026, 4, 20))], [goal("2026-04", "100 EUR", rep=1)])
    (story,) = explain(look, "forecast", {"part": "gap", "rep": "rep-1", "period": "2026-04"}).journeys
    assert [event.what for event in story.events] == ["opened", "valued", "closed"]
    assert explain(look, "forecast", {"part": "pipeline_n", "team": "north"}).figure == 1
    # Too few were decided: there is no likelihood.
    assert explain(look, "forecast", {"part": "weighted_wins", "team": "north"}).figure == 0
    with pytest.raises(Rejected, match="part=won"):
        explain(look, "forecast", {"part": "quota"})
