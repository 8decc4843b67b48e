"""Velocity: qualified open journeys x win rate x value of a win / days of a cycle."""

from fractions import Fraction

import pytest
from hypothesis import given, settings

from engine.errors import Rejected
from engine.projections.figures import Amount
from engine.projections.filters import Filters
from engine.projections.velocity import Velocity, velocity
from engine.stages.definition import Definition
from engine.stages.facts import Fact
from replay.plain_answers import quantile
from tests.projections.journeys import Funnel, date_of, funnel, journey, look
from tests.projections.one_by_one import one_by_one
from tests.properties.random_logs import definitions, facts

AS_OF = 10_000


def asked(told: Funnel, filters: Filters | None = None, **options: str) -> Velocity:
    return velocity(told.look, filters or Filters(), **options)  # type: ignore[arg-type]  # options in words


def per_day(found: Velocity) -> list[str]:
    return [f"{money.amount} {money.currency}" for money in found.per_day]


@pytest.mark.checklist("S25")
def test_velocity_is_open_leads_times_win_rate_times_deal_size_over_days() -> None:
    ready = [journey("contact@80", "qualified@81") for _ in range(10)]
    won = [journey("contact@0", "won@20", value="500 EUR") for _ in range(3)]
    lost = [journey("contact@0", "lost@90")]
    found = asked(funnel(*ready, *won, *lost, journey("contact@95")))
    assert (found.qualified_open, found.win_rate, found.cycle_days) == (10, 0.75, 20.0)
    assert per_day(found) == ["187.50 EUR"]
    assert found.days_in_month == 30
    assert [money.amount for money in found.per_month] == ["5625.00"]
    assert found.n == 14


def test_the_cycle_is_the_median_or_the_mean() -> None:
    spans = [journey("contact@0", f"won@{days}") for days in (10, 20, 60)]
    told = funnel(journey("contact", "qualified"), *spans)
    assert asked(told).cycle_days == 20
    assert asked(told, pace="mean").cycle_days == 30
    assert per_day(asked(told)) == ["5.00 EUR"]


def test_currencies_stay_apart_and_share_the_wins() -> None:
    euro = journey("contact@0", "won@10", value="100 EUR")
    yen = journey("contact@0", "won@10", value="9000 JPY")
    none = journey("contact@0", "won@10", value=None)
    found = asked(funnel(journey("contact", "qualified"), euro, euro, yen, none))
    assert [(money.amount, money.currency) for money in found.value_per_win] == [("66.67", "EUR"), ("3000", "JPY")]
    assert per_day(found) == ["6.67 EUR", "300 JPY"]


def test_without_a_win_or_with_a_cycle_of_no_time_there_is_no_speed() -> None:
    ready = journey("contact", "qualified")
    assert per_day(asked(funnel(ready))) == []
    assert asked(funnel(ready)).win_rate is None
    assert per_day(asked(funnel(ready, journey("contact", "lost")))) == []
    assert per_day(asked(funnel(ready, journey("contact@3", "won@3")))) == []


def test_the_window_is_that_of_the_closes_and_the_open_ones_are_all_that_stand() -> None:
    told = funnel(journey("contact@0", "qualified@1"), journey("contact@0", "won@10"), journey("contact@0", "won@30"))
    found = asked(told, Filters(since=date_of(20)))
    assert (found.qualified_open, found.won, found.cycle_days) == (1, 1, 30)


def test_each_group_goes_at_its_own_speed() -> None:
    told = funnel(
        journey("contact", "qualified", source="ads"),
        journey("contact@0", "won@10", source="ads"),
        journey("contact@0", "won@5", source="fair"),
        journey("contact", "qualified"),
    )
    groups = asked(told, by="source").groups or ()
    assert [(group.key, group.qualified_open, group.won, group.cycle_days) for group in groups] == [
        ("ads", 1, 1, 10),
        ("fair", 0, 1, 5),
        (None, 1, 0, None),
    ]
    with pytest.raises(Rejected, match="trend"):
        asked(told, by="month")


@settings(max_examples=60, deadline=None)
@given(facts(), definitions())
def test_velocity_equals_the_count_one_by_one(journeys: list[list[Fact]], definition: Definition) -> None:
    told = one_by_one(journeys, definition, as_of=AS_OF)
    ready = sum(each.outcome == "open" and each.qualified_at is not None for each in told)
    won = [each for each in told if each.outcome == "won"]
    lost = sum(each.outcome == "lost" for each in told)
    values = [each.close_value for each in won if each.close_value is not None]
    median = quantile(sorted((each.closed_at or 0) - each.opened_at for each in won), 50)
    found = velocity(look(dict(enumerate(journeys)), definition, as_of=AS_OF))
    assert (found.qualified_open, found.won, found.lost) == (ready, len(won), lost)
    assert found.cycle_days == (None if median is None else median / 86_400)
    expected = []
    if won and median:
        for currency in sorted({currency for _, currency in values}):
            worth = Fraction(sum(minor for minor, own in values if own == currency), len(values))
            days = Fraction(median) / 86_400
            speed = ready * Fraction(len(won), len(won) + lost) * worth / days
            expected.append(Amount.of(speed, currency))
    assert list(found.per_day) == expected
