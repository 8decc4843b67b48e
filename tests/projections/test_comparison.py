"""Comparison: the same figures over two periods, side by side."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import Rejected
from engine.projections.comparison import Comparison, Difference, comparison
from engine.projections.conversion import conversion
from engine.projections.figures import Amount
from engine.projections.filters import Filters, Window
from engine.projections.win_rate import win_rate
from engine.stages.definition import Definition
from engine.stages.facts import Fact
from engine.values import from_micros
from tests.projections.journeys import Funnel, date_of, day, funnel, journey, look
from tests.properties.random_logs import definitions, facts

AS_OF = 10_000


def asked(told: Funnel, since: float, until: float | None = None, **options: Any) -> Comparison:
    bounds = {"since": date_of(since), "until": None if until is None else date_of(until)}
    return comparison(told.look, Filters(**bounds), **options)


def figure(found: Comparison, name: str, stage: str | None = None) -> Difference:
    (row,) = (row for row in found.figures if (row.figure, row.stage) == (name, stage))
    return row


@pytest.mark.checklist("S43")
def test_an_added_stage_cut_failed_orders_from_11_to_3_a_month() -> None:
    before = [journey(f"contact@{n}", f"lost@{n + 1}") for n in range(11)]
    after = [journey(f"contact@{30 + n}", f"lost@{31 + n}") for n in range(3)]
    won = [journey(f"contact@{30 + n}", f"won@{31 + n}", value="10 EUR") for n in range(3)]
    found = asked(funnel(*before, *after, *won), 30, 60)
    lost = figure(found, "lost")
    assert (lost.before, lost.after, lost.difference, lost.change) == (11, 3, -8, -8 / 11)
    assert (lost.before_per_30_days, lost.after_per_30_days) == (11, 3)
    assert (found.before.since, found.before.until) == (date_of(0), date_of(30))
    rate = figure(found, "win_rate")
    assert (rate.before, rate.after, rate.difference) == (0, 0.5, 0.5)
    value = figure(found, "won_value")
    none, thirty = Amount(amount="0.00", currency="EUR"), Amount(amount="30.00", currency="EUR")
    assert (value.before, value.after, value.difference, value.change) == (none, thirty, thirty, None)
    assert value.after_per_30_days == thirty


def test_periods_of_unequal_length_are_compared_by_30_days() -> None:
    told = funnel(*[journey(f"contact@{n}") for n in range(90)])
    found = asked(told, 60, 90, against=Window(day(0), day(60)))
    entered = figure(found, "entered")
    assert (entered.before, entered.after) == (60, 30)
    assert entered.before_per_30_days == entered.after_per_30_days == 30
    assert (found.before.days, found.after.days, found.n) == (60, 30, 30)


def test_each_period_is_shown_as_it_stood_at_its_end() -> None:
    told = funnel(journey("contact@0", "qualified@35"), journey("contact@30", "qualified@65"))
    conversions = figure(asked(told, 30, 60), "conversion", "contact")
    assert (conversions.before, conversions.after) == (0, 0)


def test_groups_are_compared_one_by_one_and_missing_figures_are_none() -> None:
    told = funnel(
        journey("contact@0", "lost@1", source="ads"), journey("contact@35", "won@36", value="5 EUR", source="fair")
    )
    groups = {group.key: group for group in asked(told, 30, 60, by="source").groups or ()}
    ads = {row.figure: row for row in groups["ads"].figures if row.stage is None}
    fair = {row.figure: row for row in groups["fair"].figures if row.stage is None}
    assert (ads["lost"].before, ads["lost"].after, ads["win_rate"].after) == (1, 0, None)
    assert (fair["won"].before, fair["won"].after, fair["cycle_p50"].before) == (0, 1, None)


def test_a_period_has_a_beginning_and_lasts() -> None:
    told = funnel(journey("contact"))
    with pytest.raises(Rejected, match="since"):
        comparison(told.look)
    with pytest.raises(Rejected, match="empty"):
        asked(told, 200)
    with pytest.raises(Rejected, match="trend"):
        asked(told, 1, by="month")


@settings(max_examples=50, deadline=None)
@given(facts(), definitions(), st.integers(1, 3))
def test_both_sides_are_what_each_period_answers_alone(
    journeys: list[list[Fact]], definition: Definition, cut: int
) -> None:
    seen = look(dict(enumerate(journeys)), definition, as_of=AS_OF)
    bounds = [from_micros(at) for at in (0, cut * 10, 61)]
    found = comparison(seen, Filters(since=bounds[1], until=bounds[2]), against=Window(0, cut * 10))
    sides = [Filters(since=since, until=until) for since, until in pairwise(bounds)]
    alone = [(win_rate(seen, each), conversion(seen, each, in_period=True)) for each in sides]
    for name in ("won", "lost", "win_rate", "disqualified"):
        row = figure(found, name)
        assert (row.before, row.after) == tuple(getattr(rates, name) for rates, _ in alone)
    for place, stage in enumerate(alone[0][1].stages):
        row = figure(found, "conversion", stage.stage)
        assert (row.before, row.after) == (stage.conversion, alone[1][1].stages[place].conversion)
    assert found.n == alone[1][1].overall.entered
