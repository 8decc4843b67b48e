"""Sizing: the deals, leads and stage entries that a target takes."""

from collections import Counter
from fractions import Fraction
from math import ceil
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from engine.errors import Rejected
from engine.projections.filters import Filters
from engine.projections.sizing import Needed, Sizing, Target, needed, sizing
from engine.stages.definition import Definition
from engine.stages.facts import Fact
from engine.values import Money
from tests.projections.journeys import Funnel, date_of, funnel, journey, look, person
from tests.projections.one_by_one import one_by_one
from tests.properties.random_logs import definitions, facts

AS_OF = 10_000


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def asked(told: Funnel, filters: Filters | None = None, by: str | None = None, **target: Any) -> Sizing:
    return sizing(told.look, Target(**target), filters or Filters(), by=by)


@pytest.mark.checklist("S22", "S23")
def test_a_target_of_100000_at_500_a_sale_and_80_percent_takes_200_deals_and_250_leads_25_a_rep() -> None:
    assert needed(Fraction(100_000), Fraction(500), Fraction(80, 100)) == Needed(deals=200, leads=250)
    given_all: dict[str, Any] = {"revenue": eur("100000"), "average": eur("500"), "close_rate": 0.8, "reps": 10}
    found = asked(funnel(journey("contact")), **given_all)
    assert (found.deals, found.leads, found.leads_per_rep) == (200, 250, 25)


@pytest.mark.checklist("S22", "S23")
def test_the_same_from_what_was_observed() -> None:
    won = [journey("contact", "won", value="500 EUR") for _ in range(4)]
    found = asked(funnel(*won, journey("contact", "disqualified")), revenue=eur("100000"), reps=10)
    assert found.average_sale is not None
    assert (found.average_sale.amount, found.close_rate) == ("500.00", 0.8)
    assert (found.deals, found.leads, found.leads_per_rep, found.n) == (200, 250, 25, 5)


def test_a_part_of_a_deal_is_a_deal() -> None:
    found = asked(funnel(journey("contact")), revenue=eur("1000.01"), average=eur("1000"), close_rate=0.3, reps=2)
    assert (found.deals, found.leads, found.leads_per_rep) == (2, 7, 4)


@pytest.mark.checklist("S41")
def test_a_number_of_contracts_takes_as_many_clients_at_every_stage_as_observed() -> None:
    story = [
        *[journey("contact", "qualified", "proposal", "won") for _ in range(2)],
        *[journey("contact", "qualified", "lost") for _ in range(3)],
        *[journey("contact", "disqualified") for _ in range(5)],
        journey("contact", "qualified"),
    ]
    found = asked(funnel(*story), deals=10)
    assert found.leads == 50
    assert {stage.stage: stage.entries for stage in found.stages} == {
        "contact": 50,
        "qualified": 25,
        "proposal": 10,
        "won": 10,
    }


@pytest.mark.checklist("S42")
def test_each_manager_gets_an_equal_share_planned_at_the_own_conversion() -> None:
    good = [journey("contact", "qualified", "won", owner=person(1)) for _ in range(2)]
    bad = [journey("contact", "won", owner=person(2)), journey("contact", "lost", owner=person(2))]
    groups = asked(funnel(*good, *bad, journey("contact", "lost")), by="owner", deals=20).groups or ()
    assert [(group.key, group.deals, group.leads) for group in groups] == [("rep-1", 10, 10), ("rep-2", 10, 20)]
    assert [stage.entries for stage in groups[0].stages[:2]] == [10, 10]
    assert [stage.entries for stage in groups[1].stages[:2]] == [20, 0]


@pytest.mark.checklist("S42")
def test_the_leads_that_come_in_foretell_deals_and_money() -> None:
    told = funnel(
        *[journey(f"contact@{day}", f"won@{day + 1}", value="60 EUR") for day in range(5)],
        *[journey(f"contact@{day}", f"lost@{day + 1}") for day in range(5, 10)],
        as_of=10,
    )
    coming = asked(told, deals=1).incoming
    assert (coming.leads, coming.days) == (10, 10)
    assert (coming.leads_per_month, coming.deals_per_month) == (31.0, 15.5)
    assert [money.amount for money in coming.value_per_month] == ["930.00"]


def test_the_window_is_where_the_rates_are_learnt() -> None:
    told = funnel(journey("contact@0", "lost@1"), journey("contact@0", "won@10"))
    found = asked(told, Filters(since=date_of(5)), deals=3)
    assert (found.close_rate, found.leads, found.incoming.leads) == (1.0, 3, 0)


def test_where_nothing_was_won_there_is_nothing_to_tell() -> None:
    found = asked(funnel(journey("contact", "lost")), revenue=eur("100"))
    assert (found.deals, found.leads, found.average_sale, found.close_rate) == (None, None, None, 0.0)
    assert asked(funnel(journey("contact")), deals=3).leads is None
    assert asked(funnel(journey("contact", "lost")), deals=3).leads is None
    assert asked(funnel(journey("contact", "won", value="5 JPY")), revenue=eur("100")).deals is None


def test_a_target_is_one_and_in_one_currency() -> None:
    wrongs: tuple[dict[str, Any], ...] = (
        {},
        {"revenue": eur("1"), "deals": 1},
        {"revenue": eur("1"), "average": Money.of("1", "JPY")},
        {"deals": 1, "average": eur("0")},
        {"deals": 1, "close_rate": 0},
        {"deals": 1, "close_rate": 1.2},
        {"deals": 1, "close_rate": 1e-300},
        {"deals": 1, "reps": 0},
    )
    for wrong in wrongs:
        with pytest.raises(ValidationError):
            Target(**wrong)
    with pytest.raises(Rejected, match="month"):
        asked(funnel(journey("contact")), by="month", deals=1)


@settings(max_examples=50, deadline=None)
@given(facts(), definitions(), st.integers(1, 50))
def test_sizing_equals_the_count_one_by_one(journeys: list[list[Fact]], definition: Definition, deals: int) -> None:
    closed = [each for each in one_by_one(journeys, definition, as_of=AS_OF) if each.closed_at is not None]
    won = sum(each.outcome == "won" for each in closed)
    found = sizing(look(dict(enumerate(journeys)), definition, as_of=AS_OF), Target(deals=deals))
    assert (found.won, found.decided) == (won, len(closed))
    assert found.leads == (ceil(Fraction(deals * len(closed), won)) if won else None)
    reached = Counter(rank for each in closed for rank in set(each.ranks))
    assert {stage.stage: stage.observed for stage in found.stages} == {
        stage.key: reached[rank] for rank, stage in enumerate(definition.stages) if stage.kind in ("open", "won")
    }
