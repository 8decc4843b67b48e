"""Satisfaction: scores after the sale, the newest of each journey, and the wins without one."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from engine.aggregates.deal.commands import Lose, OpenDeal, RecordSatisfaction, Win
from engine.log.application import Log
from engine.projections.filters import Filters
from engine.projections.satisfaction import satisfaction
from engine.stages.presets import preset
from replay.explain import explain
from tests.checklist.desk import START, Desk

WON = Win(evidence="order 1")


@pytest.fixture
def desk(sqlite_url: str) -> Iterator[Desk]:
    log = Log(sqlite_url)
    found = Desk(log)
    found.publish(preset("ca"))
    yield found
    log.close()


def sold(desk: Desk, *scores: int, source: str = "ads") -> None:
    sale = desk.begin(OpenDeal(pipeline="ca", source=source)).goes(WON)
    for score in scores:
        sale.goes(RecordSatisfaction(score=score))


@pytest.mark.checklist("S10")
def test_scores_are_told_as_mean_distribution_and_net_promoters(desk: Desk) -> None:
    for score in (10, 9, 9, 7, 6, 0):
        sold(desk, score)
    sold(desk)
    desk.begin(OpenDeal(pipeline="ca")).goes(Lose(reason="price"))
    found = satisfaction(desk.look())
    assert (found.n, found.promoters, found.passives, found.detractors, found.unscored) == (6, 3, 1, 2, 1)
    assert found.mean == 41 / 6
    assert found.net_promoter == (3 - 2) / 6
    assert [(each.score, each.n) for each in found.scores] == [(10, 1), (9, 2), (7, 1), (6, 1), (0, 1)]
    assert explain(desk.look(), "satisfaction", {"part": "promoters"}).figure == 3
    assert explain(desk.look(), "satisfaction", {"score": "9"}).figure == 2


def test_the_newest_score_of_a_journey_counts_in_the_window_it_was_given_in(desk: Desk) -> None:
    sold(desk, 3, 8)
    assert satisfaction(desk.look()).mean == 8
    # Won on the first day, scored on the second and on the third.
    early = Filters(until=START + timedelta(days=2, hours=1))
    assert (satisfaction(desk.look(), early).scored, satisfaction(desk.look(), early).unscored) == (0, 0)
    late = Filters(since=START + timedelta(days=2, hours=1))
    assert satisfaction(desk.look(), late).scored == 1


def test_each_group_has_its_own_scores_and_its_own_wins_without_one(desk: Desk) -> None:
    sold(desk, 10)
    sold(desk, source="fair")
    sold(desk, 4, source="fair")
    groups = {group.key: group for group in satisfaction(desk.look(), by="source").groups or ()}
    assert (groups["ads"].mean, groups["ads"].unscored) == (10, 0)
    assert (groups["fair"].net_promoter, groups["fair"].unscored) == (-1, 1)
    assert satisfaction(desk.look(), Filters(source="ads")).n == 1


def test_nobody_asked_is_no_figure(desk: Desk) -> None:
    found = satisfaction(desk.look())
    assert (found.n, found.mean, found.net_promoter, found.scores) == (0, None, None, ())
