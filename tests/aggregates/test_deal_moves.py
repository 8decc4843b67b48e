import pytest

from engine.aggregates.deal.commands import ChangePipeline, MoveStage, ReopenDeal
from engine.aggregates.deal.events import (
    BantAssessed,
    DealOpened,
    DealReopened,
    PaymentReceived,
    PipelineChanged,
    ProposalSent,
    StageMoved,
    Touched,
)
from engine.messages import Event
from engine.values import Dimension, TouchKind, Verdict
from tests.aggregates.examples import LOST, OPENED, WON, deal
from tests.given_when_then import made, on

MET = Touched(kind=TouchKind.MEETING)
SENT = ProposalSent(proposal_id=made(1))
BUDGET = BantAssessed(dimension=Dimension.BUDGET, verdict=Verdict.CONFIRMED)


def test_a_deal_is_moved_forward_and_backward() -> None:
    deal.given(OPENED).when(MoveStage(stage="meeting", reason="met at a fair")).then(
        StageMoved(stage="meeting", reason="met at a fair")
    )
    deal.given(OPENED, SENT).when(MoveStage(stage="contact")).then(StageMoved(stage="contact"))


def test_a_stage_that_is_not_there_is_refused() -> None:
    deal.given(OPENED).when(MoveStage(stage="bungee")).rejected("'bungee'", "contact, qualification")


def test_an_old_stage_key_leads_to_the_stage_that_replaced_it() -> None:
    deal.given(OPENED).when(MoveStage(stage="presentation")).then(StageMoved(stage="meeting"))


def test_a_move_to_where_it_stands_is_no_news() -> None:
    deal.given(OPENED, MET).when(MoveStage(stage="meeting")).nothing()


def test_a_move_to_where_it_stands_now_is_news_of_a_time_when_it_stood_elsewhere() -> None:
    deal.given(OPENED, on(9, MET)).when(MoveStage(stage="meeting"), at=4).then(StageMoved(stage="meeting"))


def test_a_deal_in_an_unknown_stage_is_moved_out_of_it() -> None:
    deal.given(OPENED, StageMoved(stage="bungee")).when(MoveStage(stage="contact")).then(StageMoved(stage="contact"))


def test_won_and_lost_are_not_reached_by_a_move() -> None:
    deal.given(OPENED).when(MoveStage(stage="won")).rejected("win the deal")
    deal.given(OPENED).when(MoveStage(stage="lost")).rejected("lose the deal")


@pytest.mark.parametrize("closing", [WON, LOST, PaymentReceived()], ids=["won", "lost", "paid"])
def test_a_closed_deal_is_not_moved_back(closing: Event) -> None:
    deal.given(OPENED, closing).when(MoveStage(stage="contact")).rejected("closed", "reopen")


def test_a_won_deal_is_carried_into_after_sales() -> None:
    deal.given(OPENED, WON).when(MoveStage(stage="retention")).then(StageMoved(stage="retention"))
    deal.given(OPENED, WON, StageMoved(stage="retention")).when(MoveStage(stage="renewal")).then(
        StageMoved(stage="renewal")
    )


def test_after_sales_come_after_the_sale() -> None:
    deal.given(OPENED).when(MoveStage(stage="retention")).rejected("not won", "win it first")
    deal.given(OPENED, LOST).when(MoveStage(stage="retention")).rejected("not won")


def test_a_gate_lets_through_what_it_asks_for() -> None:
    deal.given(OPENED, BUDGET).when(MoveStage(stage="proposal")).then(StageMoved(stage="proposal"))


def test_a_gate_is_passed_by_force_only_with_a_reason() -> None:
    deal.given(OPENED).when(MoveStage(stage="proposal")).rejected("gate", "budget", "override")
    deal.given(OPENED).when(MoveStage(stage="proposal", override=True)).rejected("reason")
    deal.given(OPENED).when(MoveStage(stage="proposal", override=True, reason="the boss says so")).then(
        StageMoved(stage="proposal", override=True, reason="the boss says so")
    )


def test_an_override_that_was_not_needed_is_not_recorded() -> None:
    deal.given(OPENED, BUDGET).when(MoveStage(stage="proposal", override=True, reason="the boss says so")).then(
        StageMoved(stage="proposal", reason="the boss says so")
    )


def test_a_gate_looks_at_what_was_known_when_the_move_happened() -> None:
    deal.given(OPENED, on(9, BUDGET)).when(MoveStage(stage="proposal"), at=4).rejected("gate")


def test_a_deal_is_not_moved_before_it_is_opened() -> None:
    deal.given(on(5, OPENED)).when(MoveStage(stage="meeting"), at=3).rejected("DealOpened", "later")


def test_a_closed_deal_is_reopened_at_an_open_stage_with_a_reason() -> None:
    for closing in (WON, LOST, PaymentReceived()):
        closed = deal.given(OPENED, closing)
        closed.when(ReopenDeal(stage="contact", reason="they called")).then(
            DealReopened(stage="contact", reason="they called")
        )
        closed.when(ReopenDeal(stage="contact")).rejected("reason")
        closed.when(ReopenDeal(stage="won", reason="they called")).rejected("'won'", "open one")
        closed.when(ReopenDeal(stage="bungee", reason="they called")).rejected("'bungee'", "contact")


def test_an_open_deal_is_not_reopened() -> None:
    deal.given(OPENED).when(ReopenDeal(stage="contact", reason="they called")).rejected("open", "move it")
    reopened = DealReopened(stage="contact", reason="they called")
    deal.given(OPENED, LOST, reopened).when(ReopenDeal(stage="contact", reason="again")).rejected("open")


def test_a_reopening_is_not_dated_before_the_closing() -> None:
    deal.given(OPENED, on(9, LOST)).when(ReopenDeal(stage="contact", reason="they called"), at=4).rejected(
        "DealLost", "later"
    )


def test_a_deal_changes_to_an_open_stage_of_another_pipeline() -> None:
    deal.given(OPENED).when(ChangePipeline(pipeline="partners", stage="second", reason="sold by a partner")).then(
        PipelineChanged(pipeline="partners", stage="second", reason="sold by a partner")
    )
    deal.given(OPENED).when(ChangePipeline(pipeline="partners", stage="contact")).rejected("'contact'", "first")
    deal.given(OPENED).when(ChangePipeline(pipeline="partners", stage="won")).rejected("'won'", "open one")
    deal.given(OPENED).when(ChangePipeline(pipeline="nowhere", stage="first")).rejected("'nowhere'")


def test_a_pipeline_is_not_changed_before_a_reopening() -> None:
    reopened = on(9, DealReopened(stage="contact", reason="news"))
    deal.given(OPENED, LOST, reopened).when(ChangePipeline(pipeline="partners", stage="first"), at=7).rejected(
        "DealReopened", "later"
    )


def test_a_deal_does_not_change_to_the_pipeline_it_is_in() -> None:
    deal.given(OPENED).when(ChangePipeline(pipeline="sales", stage="meeting")).rejected("already", "move it")


@pytest.mark.parametrize("closing", [WON, LOST, PaymentReceived()], ids=["won", "lost", "paid"])
def test_a_closed_deal_does_not_change_its_pipeline(closing: Event) -> None:
    deal.given(OPENED, closing).when(ChangePipeline(pipeline="partners", stage="first")).rejected("reopen")


def test_a_deal_is_moved_by_the_stages_of_the_pipeline_it_is_in() -> None:
    changed = deal.given(OPENED, PipelineChanged(pipeline="partners", stage="first"))
    changed.when(MoveStage(stage="second")).then(StageMoved(stage="second"))
    changed.when(MoveStage(stage="meeting")).rejected("'partners'", "first, second")


def test_a_deal_opened_elsewhere_is_moved_by_the_stages_there() -> None:
    deal.given(DealOpened(pipeline="partners")).when(MoveStage(stage="second")).then(StageMoved(stage="second"))


def test_a_late_entry_may_move_a_deal_at_a_time_when_it_was_open() -> None:
    deal.given(OPENED, on(9, LOST)).when(MoveStage(stage="meeting"), at=4).then(StageMoved(stage="meeting"))
