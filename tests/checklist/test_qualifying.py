"""Rows about qualifying a lead and about what moves it on."""

import pytest

from engine.aggregates.deal.commands import OpenDeal
from engine.aggregates.journey.commands import AssessBant, SetScore
from engine.aggregates.lead.commands import CaptureLead
from engine.stages.presets import preset
from engine.values import Dimension, Verdict
from tests.checklist.desk import AUTHORITY, BUDGET, CALL, NEED, TIMELINE, Desk, confirmed, signal


@pytest.mark.checklist("S3")
def test_a_lead_is_qualified_when_it_meets_the_criteria_and_not_before(desk: Desk) -> None:
    desk.publish(preset("ca"))
    lead = desk.begin(CaptureLead(pipeline="ca"))
    denied = AssessBant(dimension=Dimension.TIMELINE, verdict=Verdict.DENIED)
    assert lead.goes(CALL, BUDGET, NEED, denied).stage == "prospecting"
    assert lead.goes(AUTHORITY).stage == "qualification"
    assert desk.win_rate().qualified == 1


@pytest.mark.checklist("S17")
@pytest.mark.parametrize("missing", Dimension)
def test_any_three_of_the_four_dimensions_qualify_and_each_is_told(missing: Dimension, desk: Desk) -> None:
    desk.publish(preset("ro"))
    lead = desk.begin(CaptureLead(pipeline="ro"))
    lead.goes(*(confirmed(dimension) for dimension in Dimension if dimension != missing))
    assert lead.stage == "qualification"
    (row,) = desk.look().journeys.iter_rows(named=True)
    verdicts = {dimension: row[dimension.value] for dimension in Dimension}
    assert verdicts.pop(missing) == "unknown"
    assert set(verdicts.values()) == {"confirmed"}


@pytest.mark.checklist("S17")
def test_a_dimension_assessed_again_counts_by_its_last_verdict(desk: Desk) -> None:
    desk.publish(preset("ro"))
    lead = desk.begin(CaptureLead(pipeline="ro"))
    doubted = AssessBant(dimension=Dimension.BUDGET, verdict=Verdict.UNKNOWN, evidence="the board has not met")
    assert lead.goes(BUDGET, NEED, doubted, TIMELINE).stage == "contact"
    assert lead.goes(BUDGET).stage == "qualification"


@pytest.mark.checklist("S29")
def test_fit_and_engagement_are_added_and_over_the_threshold_the_lead_is_the_sales_teams(desk: Desk) -> None:
    desk.publish(preset("bg"))
    lead = desk.begin(CaptureLead(pipeline="bg")).goes(SetScore(fit=45), SetScore(engagement=14))
    teams = {stage.key: stage.team for stage in preset("bg").stages}
    assert teams[lead.stage] == "marketing"
    assert teams[lead.goes(SetScore(engagement=15)).stage] == "sales"


@pytest.mark.checklist("S20")
@pytest.mark.parametrize(
    ("pipeline", "trigger", "stage"),
    [
        ("aida", "mailing list joined", "interest"),
        ("aida", "samples ordered", "desire"),
        ("ca", "quote obtained", "negotiation"),
        ("es", "demo requested", "presentation"),
        ("es", "trial finished", "demonstration"),
    ],
)
def test_what_the_customer_does_moves_the_deal_on(pipeline: str, trigger: str, stage: str, desk: Desk) -> None:
    desk.publish(preset(pipeline))
    deal = desk.begin(OpenDeal(pipeline=pipeline))
    assert deal.goes(signal("newsletter opened")).stage != stage
    assert deal.goes(signal(trigger)).stage == stage
