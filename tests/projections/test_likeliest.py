"""Likeliest to close: deals by their chance, strong and weak stages, deals per person, expected revenue."""

from collections import Counter
from datetime import date
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings

from engine.projections.figures import Amount
from engine.projections.filters import Filters
from engine.projections.likeliest import Likeliest, likeliest
from engine.projections.likelihood import likelihoods
from engine.stages.definition import Definition
from engine.stages.facts import Fact
from tests.projections.journeys import Funnel, Journey, date_of, funnel, journey, look, person
from tests.projections.one_by_one import one_by_one
from tests.properties.random_logs import definitions, facts

AS_OF = 10_000


def asked(told: Funnel, filters: Filters | None = None, **options: Any) -> Likeliest:
    return likeliest(told.look, filters or Filters(), **options)


def past() -> list[Journey]:
    """Of 40 that came, 20 were offered and 10 of these won: 25 % from contact, 50 % from proposal."""
    return [
        *[journey("contact@0", "qualified@1", "proposal@2", "won@9") for _ in range(10)],
        *[journey("contact@0", "qualified@1", "proposal@2", "lost@9") for _ in range(10)],
        *[journey("contact@0", "lost@9") for _ in range(20)],
    ]


@pytest.mark.checklist("S30", "S35")
def test_the_most_winnable_deals_come_first() -> None:
    told = funnel(*past(), *past(), journey("contact@50"), journey("contact@50", "proposal@51"))
    found = asked(told)
    assert [(card.key, card.stage, card.likelihood) for card in found.deals] == [
        ("81", "proposal", 0.5),
        ("80", "contact", 0.25),
    ]
    assert [card.key for card in asked(told, limit=1).deals] == ["81"]
    assert [card.key for card in asked(told, limit=1, after=asked(told, limit=1).next).deals] == ["80"]


@pytest.mark.checklist("S30")
def test_strong_and_weak_stages_are_named() -> None:
    found = asked(funnel(*past(), *past()))
    shares = {stage.stage: (stage.conversion, stage.strength) for stage in found.stages}
    assert shares == {"contact": (0.5, "weakest"), "qualified": (1.0, "strongest"), "proposal": (0.5, None)}
    assert all(stage.strength is None for stage in asked(funnel(*past()[:5])).stages)


@pytest.mark.checklist("S30")
def test_deals_per_team_member_are_counted_and_weighed() -> None:
    told = funnel(
        *past(),
        *past(),
        journey("contact", "proposal", value="300 EUR", owner=person(1)),
        journey("contact", value="100 EUR", owner=person(1)),
        journey("contact", value=None, owner=person(2)),
    )
    one, two = asked(told).groups
    assert (one.key, one.count, one.value[0].amount, one.weighted[0].amount) == ("rep-1", 2, "400.00", "175.00")
    assert (two.key, two.count, two.without_value, two.weighted) == ("rep-2", 1, 1, ())


@pytest.mark.checklist("S30")
def test_the_revenue_projection_is_weighted_by_the_month_of_the_expected_close() -> None:
    told = funnel(
        *past(),
        *past(),
        journey("contact", "proposal", value="100 EUR", expected_close=date(2026, 4, 14)),
        journey("contact", "proposal", value="200 EUR", expected_close=date(2026, 4, 15)),
        journey("contact", "proposal", value="400 EUR", expected_close=date(2026, 5, 1)),
        journey("contact", value="800 EUR"),
    )
    months = [(month.month, month.overdue, month.weighted[0].amount) for month in asked(told).months]
    assert months == [
        (None, True, "50.00"),
        ("2026-04", False, "100.00"),
        ("2026-05", False, "200.00"),
        (None, False, "200.00"),
    ]


def test_where_too_few_were_decided_value_is_counted_and_not_weighed() -> None:
    found = asked(funnel(journey("contact", value="100 EUR")))
    assert (found.value[0].amount, found.weighted, found.without_likelihood) == ("100.00", (), 1)
    configured = asked(funnel(journey("contact", value="100 EUR")), basis="configured")
    assert configured.weighted[0].amount == "10.00"


def test_the_window_is_that_of_the_opening() -> None:
    told = funnel(journey("contact@0"), journey("contact@5"))
    assert asked(told, Filters(since=date_of(4))).count == 1


@settings(max_examples=50, deadline=None)
@given(facts(), definitions())
def test_expected_revenue_equals_the_sum_one_by_one(journeys: list[list[Fact]], definition: Definition) -> None:
    seen = look(dict(enumerate(journeys)), definition, as_of=AS_OF)
    chances = likelihoods(seen, "configured")
    told = [each for each in one_by_one(journeys, definition, as_of=AS_OF) if each.outcome == "open"]
    expected: Counter[str] = Counter()
    for each in told:
        chance = chances[each.ranks[-1]].value if each.ranks[-1] >= 0 else None
        if each.value is not None and chance is not None:
            expected[each.value[1]] += each.value[0] * Fraction(chance)  # type: ignore[assignment]
    found = likeliest(seen, basis="configured")
    assert found.count == len(told) == sum(month.count for month in found.months)
    assert list(found.weighted) == [Amount.of(minor, currency) for currency, minor in sorted(expected.items())]
    ranks = Counter(each.ranks[-1] for each in told)
    assert {stage.stage: stage.count for stage in found.stages} == {
        stage.key: ranks[rank] for rank, stage in enumerate(definition.stages) if stage.kind == "open"
    }
