"""Trend: every figure by week, month or quarter, as it stood then and as it is seen now."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import Rejected
from engine.periods import back, beginning, following, name, periods
from engine.projections.board import board
from engine.projections.conversion import conversion
from engine.projections.cycle_time import cycle_time
from engine.projections.figures import Amount
from engine.projections.filters import Filters
from engine.projections.points import Flow, Point
from engine.projections.trend import Trend, trend
from engine.projections.velocity import velocity
from engine.projections.win_rate import win_rate
from engine.stages.definition import Definition
from engine.stages.facts import Fact
from engine.values import from_micros, to_micros
from tests.projections.journeys import DAY, FoundLook, Funnel, date_of, day, funnel, journey, look, person
from tests.properties.random_logs import definitions, facts

AS_OF = 64 * DAY


def asked(told: Funnel, **options: Any) -> Trend:
    return trend(told.look, Filters(**options.pop("filters", {})), **options)


def month(found: Trend, key: str) -> Point:
    (point,) = (point for point in found.points if point.period == key)
    return point


def test_what_was_won_in_a_month_and_taken_up_again_later_was_won_then_and_is_not_now() -> None:
    told = funnel(
        journey("contact@0", "won@10", "^proposal@40", "lost@50", value="100 EUR"),
        journey("contact@0", "lost@10"),
        as_of=60,
    )
    january, february = month(asked(told), "2026-01"), month(asked(told), "2026-02")
    assert (january.then.won, january.then.lost, january.then.win_rate) == (1, 1, 0.5)
    assert (january.now.won, january.now.lost, january.now.win_rate) == (0, 1, 0.0)
    assert (february.then.lost, february.now.lost) == (1, 1)
    assert [money.amount for money in january.then.won_value] == ["100.00"]
    assert january.now.won_value == ()


def test_what_stands_open_belongs_to_the_team_its_owner_was_in_at_the_end_of_each_period() -> None:
    def member(since: float, until: float | None, team: str) -> dict[str, Any]:
        return {
            "rep": person(1),
            "since": day(since),
            "until": None if until is None else day(until),
            "team": team,
            "manager": person(4),
            "region": None,
        }

    told = funnel(
        journey("contact@0", "qualified@3", "won@60", owner=person(1)),
        journey("contact@0", "value=9 EUR@30", owner=person(1)),
        journey("contact@0", owner=person(2)),
        as_of=64,
        roster=[member(0, 20, "north"), member(20, 50, "south")],
    )
    found = trend(told.look, by="team", every="week", count=10)
    for group in found.groups or ():
        for point in group.points:
            moment = min(to_micros(point.until) - 1, told.look.as_of)
            if moment >= day(0):
                assert (point.open, point.pipeline_value) == told_then(told, moment, group.key), (
                    group.key,
                    point.period,
                )
    north = trend(told.look, Filters(team="north"), every="week", count=10)
    assert [point.open for point in north.points] == [
        point.open for group in found.groups or () if group.key == "north" for point in group.points
    ]
    today = trend(told.look, Filters(membership="today"), by="team", every="week", count=10)
    assert {group.key for group in today.groups or ()} == {None}


def told_then(told: Funnel, moment: int, team: str | None) -> tuple[int, tuple[Amount, ...]]:
    """What the board of that moment shows of a team: open deals, and their value."""
    then = replace(told, as_of=(moment - day(0)) / DAY).look
    for group in board(then, by="team").groups or ():
        if group.key == team:
            opens = [stage for stage in group.stages if stage.kind == "open"]
            worth = sum(Decimal(money.amount) for stage in opens for money in stage.value)
            count = sum(stage.count for stage in opens)
            return count, (Amount(amount=f"{worth:.2f}", currency="EUR"),) if count else ()
    return 0, ()


def test_the_pipeline_is_told_as_it_was_worth_at_the_end_of_each_month() -> None:
    told = funnel(
        journey("contact@0", "value=250 EUR@5", "value=90 EUR@30", "won@60", value="100 EUR"),
        journey("contact@0", value="7 JPY"),
        as_of=70,
    )
    values = {
        point.period: ([f"{money.amount} {money.currency}" for money in point.pipeline_value], point.open)
        for point in asked(told, count=4).points
    }
    assert values == {
        "2025-12": ([], 0),
        "2026-01": (["250.00 EUR", "7 JPY"], 2),
        "2026-02": (["90.00 EUR", "7 JPY"], 2),
        "2026-03": (["7 JPY"], 1),
    }


@pytest.mark.checklist("S25")
def test_velocity_is_told_month_by_month() -> None:
    told = funnel(
        *[journey("contact@0", "qualified@1") for _ in range(4)],
        journey("contact@0", "won@10", value="500 EUR"),
        journey("contact@0", "won@35", value="700 EUR"),
        as_of=60,
    )
    speeds = [[money.amount for money in point.velocity] for point in asked(told, count=3).points]
    assert speeds == [["200.00"], ["80.00"], []]


def test_conversion_is_that_of_the_entries_of_the_month_by_then_and_by_now() -> None:
    told = funnel(journey("contact@0", "won@40"), journey("contact@2", "qualified@3"), as_of=60)
    january = month(asked(told), "2026-01")
    assert (january.then.entered, january.then.conversion, january.now.conversion) == (2, 0.0, 0.5)
    staged = month(asked(told, stage="contact"), "2026-01")
    assert (staged.then.conversion, staged.now.conversion, staged.now.advanced) == (0.5, 1.0, 2)
    with pytest.raises(Rejected, match="stage"):
        asked(told, stage="nowhere")


def test_each_group_has_its_own_points() -> None:
    told = funnel(journey("contact@0", "won@5", source="ads"), journey("contact@40", source="fair"), as_of=60)
    found = asked(told, by="source", count=3)
    groups = {group.key: [point.then.entered for point in group.points] for group in found.groups or ()}
    assert groups == {"ads": [1, 0, 0], "fair": [0, 1, 0]}
    assert [point.open for point in found.points] == [0, 1, 1]
    with pytest.raises(Rejected, match="every"):
        asked(told, by="month")


def test_weeks_begin_on_monday_and_quarters_in_january() -> None:
    assert [each.name for each in periods("week", "UTC", first=at(2025, 12, 28), last=at(2026, 1, 5))] == [
        "2025-W52",
        "2026-W01",
        "2026-W02",
    ]
    assert [each.name for each in periods("quarter", "UTC", first=at(2025, 11, 5), last=at(2026, 4, 1))] == [
        "2025-Q4",
        "2026-Q1",
        "2026-Q2",
    ]
    assert from_micros(back("month", "UTC", last=at(2026, 1, 15), count=3)) == datetime(2025, 11, 1, tzinfo=UTC)


def test_a_month_begins_at_its_own_midnight_also_where_clocks_change() -> None:
    (march,) = periods("month", "Europe/Madrid", first=at(2026, 3, 5), last=at(2026, 3, 5))
    assert march.since == to_micros(datetime(2026, 2, 28, 23, tzinfo=UTC))
    assert march.until == to_micros(datetime(2026, 3, 31, 22, tzinfo=UTC))


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)), st.sampled_from(["week", "month", "quarter"]))
def test_every_day_is_in_one_period(day: date, every: Any) -> None:
    start = beginning(every, day)
    assert start <= day < following(every, start)
    assert beginning(every, following(every, start) - timedelta(days=1)) == start
    assert name(every, start) == name(every, beginning(every, day))


def at(*day: int) -> int:
    year, month, of_month = day
    return to_micros(datetime(year, month, of_month, tzinfo=UTC))


def test_the_window_says_which_periods_and_too_many_are_refused() -> None:
    told = funnel(journey("contact@0", "won@5"), as_of=60)
    window = {"since": date_of(3), "until": date_of(30)}
    assert [point.period for point in asked(told, filters=window).points] == ["2026-01", "2026-02"]
    assert [point.complete for point in asked(told, count=2).points] == [True, False]
    for wrong in ({"count": 0}, {"count": 601}, {"filters": {"since": date_of(90)}}):
        with pytest.raises(Rejected):
            asked(told, **wrong)


@settings(max_examples=25, deadline=None)
@given(facts(), definitions(), st.sampled_from(["week", "month"]), st.booleans())
def test_every_point_is_what_the_answers_say_as_of_its_end_and_now(
    journeys: list[list[Fact]], definition: Definition, every: Any, staged: bool
) -> None:
    days = {
        number: [replace(fact, occurred_at=fact.occurred_at * DAY, recorded_at=fact.recorded_at * DAY) for fact in told]
        for number, told in enumerate(journeys)
    }
    now = look(days, definition, as_of=AS_OF)
    stage = definition.stages[0].key if staged else None
    for point in trend(now, Filters(since=from_micros(0)), every=every, stage=stage).points:
        then = look(days, definition, as_of=min(to_micros(point.until) - 1, AS_OF))
        inside = Filters(since=point.since, until=point.until)
        assert point.then == flow(then, inside, stage)
        assert point.now == flow(now, inside, stage)
        stood = board(then)
        standing = [each for each in stood.stages if each.kind == "open"]
        assert point.open == sum(each.count for each in standing) + stood.unmapped.count
        worth: dict[str, float] = {}
        for money in [money for each in (*standing, stood.unmapped) for money in each.value]:
            worth[money.currency] = worth.get(money.currency, 0) + float(money.amount)
        assert {money.currency: float(money.amount) for money in point.pipeline_value} == pytest.approx(worth)
        speed = velocity(then, inside)
        assert (point.qualified_open, point.velocity) == (speed.qualified_open, speed.per_day)


def flow(seen: FoundLook, inside: Filters, stage: str | None) -> Flow:
    """The figures of one period by the answers themselves."""
    rates, funnel_of = win_rate(seen, inside), conversion(seen, inside)
    entered, advanced = funnel_of.overall.entered, funnel_of.overall.won
    if stage is not None:
        (own,) = (each for each in funnel_of.stages if each.stage == stage)
        entered, advanced = own.entered, own.advanced
    return Flow(
        entered=entered,
        advanced=advanced,
        conversion=advanced / entered if entered else None,
        won=rates.won,
        lost=rates.lost,
        disqualified=rates.disqualified,
        win_rate=rates.win_rate,
        won_value=rates.won_value,
        cycle_p50_seconds=cycle_time(seen, inside).won.p50_seconds,
    )


def test_merged_journeys_stood_until_they_were_merged() -> None:
    told = funnel(journey("contact@0", "merged@40", value="5 EUR"), as_of=60)
    january, february = asked(told, count=3).points[0], asked(told, count=3).points[1]
    assert (january.then.entered, january.now.entered, january.open) == (1, 0, 1)
    assert (february.open, january.pipeline_value) == (0, (Amount(amount="5.00", currency="EUR"),))
