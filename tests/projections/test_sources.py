"""Sources: what each brings, converts and earns, and how fast."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings

from engine.projections.filters import Filters
from engine.projections.sources import Sources, sources
from engine.stages.definition import Definition
from engine.stages.facts import Fact
from replay.plain_answers import quantile
from tests.projections.journeys import Funnel, Journey, date_of, funnel, journey, look
from tests.projections.one_by_one import one_by_one
from tests.properties.random_logs import definitions, facts

AS_OF = 10_000


def asked(told: Funnel, filters: Filters | None = None, **options: str) -> Sources:
    return sources(told.look, filters or Filters(), **options)


def market(**columns: Any) -> list[Journey]:
    return [
        journey("contact@0", "qualified@1", "won@10", value="100 EUR", **columns),
        journey("contact@0", "qualified@1", "lost@10", **columns),
        journey("contact@0", "disqualified@3", **columns),
        journey("contact@0", "qualified@5", **columns),
    ]


@pytest.mark.checklist("S16", "S33")
def test_each_source_tells_what_it_brings_converts_and_earns() -> None:
    told = funnel(*market(source="ads"), journey("contact@0", "won@2", value="900 EUR", source="referrals"))
    referrals, ads = asked(told).groups
    assert (referrals.key, referrals.leads, referrals.conversion) == ("referrals", 1, 1.0)
    assert (ads.key, ads.leads, ads.qualified, ads.won, ads.lost, ads.disqualified, ads.open) == (
        "ads",
        4,
        3,
        1,
        1,
        1,
        1,
    )
    assert (ads.conversion, ads.qualified_share, ads.win_rate) == (0.25, 0.75, 0.5)
    assert [money.amount for money in (*ads.earned, *ads.average_sale, *ads.earned_per_lead)] == [
        "100.00",
        "100.00",
        "25.00",
    ]
    assert (ads.cycle.p50_seconds, referrals.cycle.p50_seconds) == (10 * 86_400, 2 * 86_400)
    assert (ads.share_of_leads, ads.share_of_wins) == (0.8, 0.5)


@pytest.mark.checklist("S21")
def test_which_kind_of_customer_converts_most_pays_most_and_closes_fastest() -> None:
    told = funnel(
        journey("contact@0", "won@30", value="500 EUR", attributes={"size": "large"}),
        journey("contact@0", "lost@30", attributes={"size": "large"}),
        journey("contact@0", "won@4", value="90 EUR", attributes={"size": "small"}),
    )
    groups = asked(told, by="attr:size").groups
    best = {
        "converts most": max(groups, key=lambda group: group.conversion or 0).key,
        "pays most": groups[0].key,
        "closes fastest": min(groups, key=lambda group: group.cycle.p50_seconds or 0).key,
    }
    assert best == {"converts most": "small", "pays most": "large", "closes fastest": "small"}


@pytest.mark.checklist("S33")
def test_what_earns_most_comes_first_and_what_has_no_source_last() -> None:
    told = funnel(
        journey("contact", "won", value="5 EUR"),
        journey("contact", "won", value="1 EUR", source="one"),
        journey("contact", "won", value="9000 JPY", source="yen"),
        journey("contact", "won", value="2 EUR", source="two"),
        journey("contact", source="none won"),
    )
    assert [group.key for group in asked(told).groups] == ["two", "one", "yen", "none won", None]


def test_the_window_is_that_of_the_opening_and_merged_ones_are_apart() -> None:
    told = funnel(journey("contact@0", "won@9"), journey("contact@5", "won@6"), journey("contact@5", "merged@6"))
    found = asked(told, Filters(since=date_of(4)))
    assert (found.n, found.won, found.merged) == (1, 1, 1)


def test_nothing_that_came_in_brings_nothing() -> None:
    found = asked(funnel(journey("partners")))
    assert (found.n, found.conversion, found.groups) == (0, None, ())


@settings(max_examples=60, deadline=None)
@given(facts(), definitions())
def test_sources_equal_the_count_one_by_one(journeys: list[list[Fact]], definition: Definition) -> None:
    told = one_by_one(journeys, definition, as_of=AS_OF)
    found = sources(look(dict(enumerate(journeys)), definition, as_of=AS_OF))
    counts = Counter(each.outcome for each in told)
    names = ("won", "lost", "disqualified", "open", "transferred")
    assert {name: getattr(found, name) for name in names} == {name: counts[name] for name in names}
    assert found.leads == len(told) == found.n
    assert found.qualified == sum(each.qualified_at is not None for each in told)
    won = [each for each in told if each.outcome == "won"]
    spans = sorted((each.closed_at or 0) - each.opened_at for each in won)
    assert (found.cycle.n, found.cycle.p50_seconds) == (len(spans), quantile(spans, 50))
    earned: Counter[str] = Counter()
    for each in won:
        if each.close_value is not None:
            earned[each.close_value[1]] += each.close_value[0]
    scale = {"EUR": 100, "JPY": 1}
    valued = {each.close_value[1] for each in won if each.close_value is not None}
    assert {money.currency: float(money.amount) * scale[money.currency] for money in found.earned} == pytest.approx(
        {currency: earned[currency] for currency in valued}
    )
