"""Rows about what a manager reads: the funnel, the cycle, the money, and who brings it."""

from collections.abc import Callable

import pytest

from engine.aggregates.deal.commands import Lose, OpenDeal, RecordSatisfaction, SendProposal, Win
from engine.aggregates.inputs import PersonRef
from engine.aggregates.lead.commands import CaptureLead, ConvertLead, QualifyLead
from engine.aggregates.roster.commands import EnrolRep
from engine.messages import Command
from engine.projections.board import board
from engine.projections.lens import Lens
from engine.stages.definition import parse_definition
from engine.stages.presets import preset
from engine.values import Attribute, Money
from replay.history import history
from tests.checklist.desk import CALL, MEETING, UNFIT, Desk, Sale, signal

CONVERT, OFFER, QUALIFIED, LOST = ConvertLead(), SendProposal(), QualifyLead(), Lose(reason="price")


def won(amount: int) -> Win:
    return Win(evidence="order 7", value=Money.of(amount, "EUR"))


@pytest.fixture
def ca(desk: Desk) -> Desk:
    """A quarter at a desk that sells by the preset ca: eight leads, one step a day.

    Two are won (100 after 5 days, 300 after 4), one is lost after an offer, one is unfit, two are met, one is
    qualified, one is new.
    """
    desk.publish(preset("ca"))
    stories: list[list[Command]] = [
        [QUALIFIED, MEETING, CONVERT, OFFER, won(100), CALL],
        [QUALIFIED, MEETING, CONVERT, won(300)],
        [QUALIFIED, CONVERT, OFFER, LOST],
        [UNFIT],
        [QUALIFIED, MEETING],
        [QUALIFIED, MEETING],
        [QUALIFIED],
        [],
    ]
    for story in stories:
        desk.begin(CaptureLead(pipeline="ca")).goes(*story)
    return desk


@pytest.mark.checklist("S5", "S10")
def test_conversion_is_told_from_prospect_to_customer_and_from_stage_to_stage(ca: Desk) -> None:
    found = ca.conversion()
    assert (found.overall.entered, found.overall.won, found.overall.conversion) == (8, 2, 0.25)
    shares = {stage.stage: (stage.entered, stage.advanced, stage.conversion) for stage in found.stages}
    assert shares["prospecting"] == (8, 6, 0.75)
    assert shares["qualification"] == (6, 5, 5 / 6)
    assert shares["presentation"] == (4, 2, 0.5)
    assert shares["negotiation"] == (2, 1, 0.5)


@pytest.mark.checklist("S41")
def test_each_stage_tells_who_passed_on_and_who_dropped_off(ca: Desk) -> None:
    for stage in ca.conversion().stages:
        assert stage.entered == stage.advanced + stage.lost + stage.moved_back + stage.transferred + stage.still_there
    negotiation = next(stage for stage in ca.conversion().stages if stage.stage == "negotiation")
    assert (negotiation.advanced, negotiation.lost, negotiation.still_there) == (1, 1, 0)
    narrowest = min(ca.conversion().stages[:4], key=lambda stage: stage.conversion or 0)
    assert narrowest.stage == "presentation"


@pytest.mark.checklist("S6", "S10")
def test_the_cycle_runs_from_prospecting_to_the_close_and_a_won_sale_has_an_average_value(ca: Desk) -> None:
    cycle = ca.cycle_time().won
    assert (cycle.n, cycle.p50_seconds, cycle.mean_seconds) == (2, 4.5 * 86_400, 4.5 * 86_400)
    (average,) = ca.win_rate().average_won_value
    assert (average.amount, average.currency) == ("200.00", "EUR")


@pytest.mark.checklist("S9")
def test_cycle_time_is_opening_to_close_whenever_the_first_answer_came(desk: Desk) -> None:
    desk.publish(preset("ca"))
    desk.begin(CaptureLead(pipeline="ca")).goes(CALL, days=2).goes(CONVERT, won(100), days=4)
    assert desk.cycle_time().won.p50_seconds == 10 * 86_400


@pytest.mark.checklist("S10")
def test_satisfaction_is_recorded_after_the_sale(ca: Desk) -> None:
    sale = ca.begin(OpenDeal(pipeline="ca")).goes(won(50), RecordSatisfaction(score=9, comment="would buy again"))
    assert sale.stage == "follow_up"
    told = history(ca.log, sale.journey, Lens.of()).events[-1]
    assert told.data["score"] == 9


@pytest.mark.checklist("S24")
def test_the_standard_metrics_are_there(ca: Desk) -> None:
    rates, times = ca.win_rate(), ca.cycle_time()
    assert rates.qualified == 6
    assert rates.average_won_value[0].amount == "200.00"
    assert times.won.p50_seconds == 4.5 * 86_400
    assert (rates.won, rates.lost, rates.disqualified, rates.win_rate) == (2, 1, 1, 2 / 3)
    assert rates.lifetime.n == 3
    assert rates.lifetime.mean_seconds == pytest.approx((5 + 4 + 4) / 3 * 86_400)
    assert times.closed == rates.lifetime
    assert all(stage.conversion is not None for stage in ca.conversion().stages[:4])


@pytest.mark.checklist("S7", "S33")
def test_the_stage_where_deals_get_stuck_is_seen(desk: Desk) -> None:
    desk.publish(preset("ca"))
    for _ in range(3):
        desk.begin(OpenDeal(pipeline="ca")).goes(MEETING).goes(OFFER, days=3)
    desk.begin(OpenDeal(pipeline="ca")).goes(MEETING).goes(OFFER, days=3).goes(won(100), days=40)
    board = desk.board()
    stuck = [(stage.stage, stage.count, stage.stalled) for stage in board.stages if stage.stalled]
    assert stuck == [("negotiation", 3, 3)]
    slowest = max(desk.cycle_time().stages, key=lambda stage: stage.p50_seconds or 0)
    assert (slowest.stage, slowest.p50_seconds, slowest.open_n) == ("negotiation", 40 * 86_400, 3)


SOURCES = ("network", "ads", "social", "cold outreach", "events", "referrals", "beer mats")


@pytest.mark.checklist("S16")
@pytest.mark.parametrize("opening", [CaptureLead, OpenDeal])
def test_every_lead_has_a_source_and_a_list_of_ones_own_will_do(
    opening: Callable[..., CaptureLead | OpenDeal], desk: Desk
) -> None:
    desk.publish(preset("ca"))
    for source in SOURCES:
        desk.begin(opening(pipeline="ca", source=source))
    groups = desk.conversion(by="source").groups or ()
    assert [(group.key, group.n) for group in groups] == [(source, 1) for source in sorted(SOURCES)]
    assert desk.conversion(source="beer mats").overall.entered == 1


@pytest.mark.checklist("S33")
def test_the_source_that_earns_most_is_seen(desk: Desk) -> None:
    desk.publish(preset("ca"))
    for source, amount in (("ads", 100), ("ads", 100), ("ads", 100), ("referrals", 900)):
        desk.begin(OpenDeal(pipeline="ca", source=source)).goes(won(amount))
    groups = desk.win_rate(by="source").groups or ()
    earned = {group.key: (group.won, group.won_value[0].amount) for group in groups}
    assert earned == {"ads": (3, "300.00"), "referrals": (1, "900.00")}


@pytest.mark.checklist("S44")
def test_live_counts_and_amounts_are_told_by_source_manager_and_region(desk: Desk) -> None:
    desk.publish(preset("ca"))
    for rep, manager, region in (("rep-01", "rep-09", "north"), ("rep-02", "rep-08", "south")):
        seller, boss = PersonRef(source="crm", key=rep), PersonRef(source="crm", key=manager)
        desk.say(EnrolRep(rep=seller, manager=boss, region=region))
        for _ in range(int(rep[-1])):
            deal = OpenDeal(pipeline="ca", owner=seller, source=f"ads in the {region}", value=Money.of(10, "EUR"))
            desk.begin(deal).goes(OFFER)
    look = desk.look()
    for by, keys in {
        "source": ("ads in the north", "ads in the south"),
        "manager": ("rep-09", "rep-08"),
        "region": ("north", "south"),
    }.items():
        found = {group.key: group.stages[3] for group in board(look, by=by).groups or ()}
        assert {stage.stage for stage in found.values()} == {"negotiation"}
        told = [(found[key].count, found[key].value[0].amount) for key in keys]
        assert told == [(1, "10.00"), (2, "20.00")]


BUYER = parse_definition(
    {
        "pipeline": "buyer",
        "stages": [
            {"key": "awareness", "kind": "open"},
            {"key": "consideration", "kind": "open", "enter": {"signal": "demo requested"}},
            {"key": "decision", "kind": "open", "enter": {"event": "ProposalSent"}},
            {"key": "bought", "kind": "won", "enter": {"event": "DealWon"}},
            {"key": "lost", "kind": "lost", "enter": {"event": "DealLost"}},
        ],
    }
)


def buyer(desk: Desk, size: str) -> Sale:
    sale = desk.begin(OpenDeal(pipeline="buyer", attributes=(Attribute(name="size", value=size),)))
    return sale.goes(signal("demo requested"), OFFER)


@pytest.mark.checklist("S21")
def test_the_kind_of_customer_that_converts_most_pays_most_and_closes_fastest_is_seen(desk: Desk) -> None:
    desk.publish(BUYER)
    buyer(desk, "small").goes(won(100), days=10)
    buyer(desk, "small").goes(LOST)
    buyer(desk, "large").goes(won(700))
    buyer(desk, "large").goes(won(900))
    funnels = {group.key: group for group in desk.conversion(by="attr:size").groups or ()}
    assert [stage.stage for stage in funnels["large"].stages[:3]] == ["awareness", "consideration", "decision"]
    assert (funnels["small"].overall.conversion, funnels["large"].overall.conversion) == (0.5, 1.0)
    worth = {group.key: group.average_won_value[0].amount for group in desk.win_rate(by="attr:size").groups or ()}
    assert worth == {"small": "100.00", "large": "800.00"}
    pace = {group.key: group.won.p50_seconds for group in desk.cycle_time(by="attr:size").groups or ()}
    assert pace == {"small": 12 * 86_400, "large": 3 * 86_400}


@pytest.mark.checklist("S13")
def test_the_pipeline_is_the_steps_and_the_funnel_who_passed_them(ca: Desk) -> None:
    steps = [stage.key for stage in ca.look().definition.stages if stage.kind != "lost"]
    found = ca.conversion()
    assert [stage.stage for stage in found.stages] == steps
    assert [stage.entered for stage in found.stages] == [8, 6, 4, 2, 2, 1]
    assert {stage.stage: stage.count for stage in ca.board().stages} == {
        "prospecting": 1,
        "qualification": 1,
        "presentation": 2,
        "negotiation": 0,
        "closing": 1,
        "lost": 2,
        "follow_up": 1,
    }
