from datetime import date
from typing import Any
from uuid import UUID

import pytest

from engine.aggregates.context import Other
from engine.aggregates.deal.commands import (
    ChangeExpectedClose,
    ChangeValue,
    Lose,
    MergeDeal,
    OpenDeal,
    RecordDelivery,
    RecordPayment,
    RecordSatisfaction,
    Win,
)
from engine.aggregates.deal.events import (
    BantAssessed,
    DealLost,
    DealMerged,
    DealOpened,
    DealReopened,
    DealWon,
    Delivered,
    EntryRetracted,
    ExpectedCloseChanged,
    FollowUpCompleted,
    PaymentReceived,
    PipelineChanged,
    ProposalAccepted,
    ProposalSent,
    SatisfactionRecorded,
    SignalRecorded,
    Stalled,
    Touched,
    ValueChanged,
)
from engine.aggregates.deal.state import of_lead
from engine.aggregates.inputs import PersonRef
from engine.aggregates.journey.commands import (
    AddNote,
    AssessBant,
    AssignOwner,
    CompleteFollowUp,
    RaiseStalled,
    RetractEntry,
    SetScore,
    Touch,
)
from engine.aggregates.journey.state import FollowUp, Journey
from engine.aggregates.lead.events import BantAssessed as LeadBantAssessed
from engine.aggregates.lead.events import LeadCaptured, LeadConverted
from engine.aggregates.lead.events import Touched as LeadTouched
from engine.values import Attribute, Dimension, Money, TouchKind, Verdict
from tests.aggregates.examples import EUROS, LOST, OPENED, WON, deal
from tests.given_when_then import LEAD, STREAM, day, entry_id, made, of_the_lead, on, person, retracted, text

OTHER = UUID(int=0xB1)
CALLED = Touched(kind=TouchKind.CALL)
MERGED = DealMerged(into=OTHER)
BUDGET = BantAssessed(dimension=Dimension.BUDGET, verdict=Verdict.CONFIRMED)


# Opening


def test_a_deal_is_opened_with_its_people_and_texts_put_aside() -> None:
    deal.given().when(
        OpenDeal(
            pipeline="sales",
            title="Two hundred chairs",
            person=person("c7"),
            owner=PersonRef(source="crm", key="r1"),
            source="events",
            channel="web",
            value=EUROS,
            expected_close=date(2026, 3, 1),
            attributes=(Attribute(name="product", value="chairs"),),
        )
    ).then(
        DealOpened(
            pipeline="sales",
            title=text("Two hundred chairs"),
            person=person("c7"),
            owner=person("r1"),
            source="events",
            channel="web",
            value=EUROS,
            expected_close=date(2026, 3, 1),
            attributes=(Attribute(name="product", value="chairs"),),
        )
    )


def test_a_deal_is_opened_once() -> None:
    deal.given(OPENED).when(OpenDeal(pipeline="sales")).rejected("already")


def test_a_void_deal_is_not_opened_anew_on_its_stream() -> None:
    deal.given(OPENED, retracted(1, EntryRetracted)).when(OpenDeal(pipeline="sales")).rejected("another deal")


def test_a_void_deal_takes_nothing_more() -> None:
    deal.given(OPENED, retracted(1, EntryRetracted)).when(Touch(kind=TouchKind.CALL)).rejected("void", "new one")


def test_a_deal_is_opened_in_a_published_pipeline() -> None:
    deal.given().when(OpenDeal(pipeline="nowhere")).rejected("'nowhere'", "publish")


def test_an_attribute_has_one_value() -> None:
    twice = (Attribute(name="product", value="chairs"), Attribute(name="product", value="tables"))
    deal.given().when(OpenDeal(pipeline="sales", attributes=twice)).rejected("twice")


def test_a_deal_follows_an_earlier_journey() -> None:
    known = deal.given().knowing({UUID(int=0xB2): Other(OTHER, Journey(pipeline="sales"))})
    known.when(OpenDeal(pipeline="sales", follows=UUID(int=0xB2))).then(DealOpened(pipeline="sales", follows=OTHER))
    deal.given().when(OpenDeal(pipeline="sales", follows=OTHER)).rejected("no lead or deal")


# A deal that came from a lead

LEAD_BUDGET = LeadBantAssessed(dimension=Dimension.BUDGET, verdict=Verdict.CONFIRMED)
BROUGHT = Journey(
    pipeline="sales",
    owner=person("r1"),
    bant={Dimension.BUDGET: LEAD_BUDGET},
    fit=40,
    follow_ups={made(1): FollowUp(day(40))},
)
converted = deal.from_lead(of_lead(BROUGHT)).given(
    of_the_lead(LeadCaptured(pipeline="sales")),
    of_the_lead(LeadTouched(kind=TouchKind.MEETING)),
    of_the_lead(LEAD_BUDGET),
    of_the_lead(LeadConverted(deal=STREAM)),
    DealOpened(pipeline="sales", from_lead=LEAD),
)


def test_a_converted_lead_s_deal_is_opened_in_its_pipeline() -> None:
    before = deal.from_lead(of_lead(BROUGHT)).given(of_the_lead(LeadCaptured(pipeline="sales")))
    before.when(OpenDeal(pipeline="sales", from_lead=LEAD)).then(DealOpened(pipeline="sales", from_lead=LEAD))
    before.when(OpenDeal(pipeline="partners", from_lead=LEAD)).rejected("sales", "partners")


def test_a_deal_comes_from_a_lead_only_by_converting_it() -> None:
    deal.given().when(OpenDeal(pipeline="sales", from_lead=LEAD)).rejected("converting the lead")


def test_what_the_lead_knew_is_no_news_to_the_deal() -> None:
    converted.when(AssessBant(dimension=Dimension.BUDGET, verdict=Verdict.CONFIRMED)).nothing()
    converted.when(SetScore(fit=40)).nothing()
    converted.when(AssignOwner(owner=person("r1"))).nothing()


def test_the_lead_s_follow_up_is_completed_on_the_deal() -> None:
    converted.when(CompleteFollowUp(follow_up_id=made(1), outcome="reached")).then(
        FollowUpCompleted(follow_up_id=made(1), outcome="reached")
    )


def test_the_lead_s_entries_are_not_retracted_through_the_deal() -> None:
    converted.when(RetractEntry(event_id=entry_id(2), reason="wrong")).rejected("no entry")


def test_the_opening_of_a_converted_lead_s_deal_is_not_taken_back() -> None:
    converted.when(RetractEntry(event_id=entry_id(5), reason="wrong")).rejected("conversion")


def test_a_deal_whose_lead_is_void_takes_nothing_more() -> None:
    deal.from_lead(of_lead(Journey())).given(DealOpened(pipeline="sales", from_lead=LEAD)).when(
        Touch(kind=TouchKind.CALL)
    ).rejected("void", "lead")


# What happened


def test_a_touch_is_recorded_also_on_a_closed_deal() -> None:
    for closing in (WON, LOST):
        deal.given(OPENED, closing).when(Touch(kind=TouchKind.CALL)).then(CALLED)


def test_the_value_changes_only_to_another() -> None:
    deal.given(OPENED).when(ChangeValue(value=EUROS)).then(ValueChanged(value=EUROS))
    deal.given(OPENED, ValueChanged(value=EUROS)).when(ChangeValue(value=EUROS)).nothing()


def test_the_same_amount_in_another_currency_is_another_value() -> None:
    dollars = Money(amount_minor=EUROS.amount_minor, currency="USD")
    deal.given(OPENED, ValueChanged(value=EUROS)).when(ChangeValue(value=dollars)).then(ValueChanged(value=dollars))


def test_the_value_signed_for_is_the_deal_s_value() -> None:
    won = DealWon(evidence=text("contract 7"), value=EUROS)
    deal.given(OPENED, won).when(ChangeValue(value=EUROS)).nothing()


def test_the_same_value_at_an_earlier_time_is_news() -> None:
    deal.given(OPENED, on(9, ValueChanged(value=EUROS))).when(ChangeValue(value=EUROS), at=4).then(
        ValueChanged(value=EUROS)
    )


def test_the_expected_close_changes_only_to_another() -> None:
    march = ChangeExpectedClose(expected_close=date(2026, 3, 1))
    deal.given(OPENED).when(march).then(ExpectedCloseChanged(expected_close=date(2026, 3, 1)))
    deal.given(OPENED, ExpectedCloseChanged(expected_close=date(2026, 3, 1))).when(march).nothing()


def test_the_same_expected_close_at_an_earlier_time_is_news() -> None:
    march = ExpectedCloseChanged(expected_close=date(2026, 3, 1))
    deal.given(OPENED, on(9, march)).when(ChangeExpectedClose(expected_close=date(2026, 3, 1)), at=4).then(march)


def test_the_opening_tells_the_value_and_the_expected_close() -> None:
    opened = DealOpened(pipeline="sales", value=EUROS, expected_close=date(2026, 3, 1))
    deal.given(opened).when(ChangeValue(value=EUROS)).nothing()
    deal.given(opened).when(ChangeExpectedClose(expected_close=date(2026, 3, 1))).nothing()


def test_what_the_opening_does_not_say_stands_as_late_entries_told_it() -> None:
    march = ExpectedCloseChanged(expected_close=date(2026, 3, 1))
    before = deal.given(ValueChanged(value=EUROS), march, on(5, OPENED))
    before.when(ChangeValue(value=EUROS)).nothing()
    before.when(ChangeExpectedClose(expected_close=date(2026, 3, 1))).nothing()


def test_payment_delivery_and_satisfaction_are_recorded() -> None:
    after = deal.given(OPENED, WON)
    after.when(RecordPayment(amount=EUROS)).then(PaymentReceived(amount=EUROS))
    after.when(RecordDelivery()).then(Delivered())
    after.when(RecordSatisfaction(score=9, comment="would buy again")).then(
        SatisfactionRecorded(score=9, comment=text("would buy again"))
    )


def test_satisfaction_before_the_sale_is_a_fact_too() -> None:
    deal.given(OPENED).when(RecordSatisfaction(score=7)).then(SatisfactionRecorded(score=7))


# Won and lost


@pytest.mark.checklist("S19")
def test_a_deal_is_not_won_without_evidence() -> None:
    deal.given(OPENED, ProposalSent(proposal_id=made(1)), ProposalAccepted(proposal_id=made(1))).when(
        Win(evidence=None)
    ).rejected("evidence")


@pytest.mark.checklist("S19")
def test_a_deal_is_won_with_evidence() -> None:
    deal.given(OPENED).when(Win(evidence="contract 7")).then(DealWon(evidence=text("contract 7")))
    deal.given(OPENED).when(Win(evidence="contract 7", value=EUROS)).then(
        DealWon(evidence=text("contract 7"), value=EUROS)
    )


def test_a_deal_is_lost_with_a_reason() -> None:
    deal.given(OPENED).when(Lose(reason="price", comment="far too dear")).then(
        DealLost(reason="price", comment=text("far too dear"))
    )
    deal.given(OPENED).when(Lose()).rejected("reason")


@pytest.mark.parametrize("command", [Win(evidence="contract 7"), Lose(reason="price")])
def test_a_closed_deal_is_reopened_first(command: Any) -> None:
    deal.given(OPENED, WON).when(command).rejected("won already", "reopen")
    deal.given(OPENED, LOST).when(command).rejected("lost already", "reopen")


def test_a_reopened_deal_is_won() -> None:
    deal.given(OPENED, LOST, DealReopened(stage="contact", reason="they called")).when(Win(evidence="contract 7")).then(
        WON
    )


def test_a_retracted_loss_leaves_the_deal_open() -> None:
    deal.given(OPENED, LOST, retracted(2, EntryRetracted)).when(Win(evidence="contract 7")).then(WON)


def test_of_a_win_and_a_loss_the_first_stands() -> None:
    deal.given(OPENED, WON, LOST).when(Lose(reason="price")).rejected("won already")
    deal.given(OPENED, LOST, WON).when(Lose(reason="price")).rejected("lost already")


def test_a_deal_that_the_board_shows_as_won_still_gets_its_evidence_but_no_loss() -> None:
    paid = deal.given(OPENED, PaymentReceived())
    paid.when(Win(evidence="contract 7")).then(WON)
    paid.when(Lose(reason="price")).rejected("'paid'", "reopen")


def test_a_deal_that_the_board_shows_as_lost_is_reopened_first() -> None:
    given_up = deal.given(OPENED, SignalRecorded(signal="given up"))
    given_up.when(Win(evidence="contract 7")).rejected("'given-up'", "reopen")
    given_up.when(Lose(reason="price")).rejected("'given-up'", "reopen")


@pytest.mark.parametrize("command", [Win(evidence="contract 7"), Lose(reason="price")])
def test_a_closing_is_not_dated_before_what_opens_the_deal(command: Any) -> None:
    deal.given(on(5, OPENED)).when(command, at=3).rejected("DealOpened", "later")
    deal.given(OPENED, LOST, on(9, DealReopened(stage="contact", reason="news"))).when(command, at=4).rejected(
        "DealReopened", "later"
    )
    deal.given(OPENED, on(9, PipelineChanged(pipeline="partners", stage="first"))).when(command, at=4).rejected(
        "PipelineChanged", "later"
    )


def test_a_win_of_last_week_is_told_today() -> None:
    deal.given(OPENED, on(25, CALLED)).when(Win(evidence="contract 7"), at=23).then(WON)


# Merging


def test_a_duplicate_is_merged_into_the_journey_that_stands() -> None:
    deal.given(OPENED).knowing({OTHER: Other(OTHER, Journey(pipeline="sales"))}).when(MergeDeal(into=OTHER)).then(
        MERGED
    )


def test_a_deal_is_merged_into_another_one_that_stands() -> None:
    deal.given(OPENED).when(MergeDeal(into=OTHER)).rejected("no lead or deal")
    deal.given(OPENED).knowing({STREAM: Other(STREAM, Journey(pipeline="sales"))}).when(
        MergeDeal(into=STREAM)
    ).rejected("itself")
    merged = Journey(pipeline="sales", merged_into=UUID(int=0xB3))
    deal.given(OPENED).knowing({OTHER: Other(OTHER, merged)}).when(MergeDeal(into=OTHER)).rejected("merged into")


def test_a_sale_counts_where_it_was_made() -> None:
    into = Journey(pipeline="sales")
    won = deal.given(OPENED, on(9, WON)).knowing({OTHER: Other(OTHER, into)})
    won.when(MergeDeal(into=OTHER)).rejected("won", "merge the other one into it", "retract")
    won.when(MergeDeal(into=OTHER), at=4).rejected("won")
    paid, looked_after = PaymentReceived(amount=EUROS), SatisfactionRecorded(score=9)
    won.given(OPENED, paid).when(MergeDeal(into=OTHER)).rejected("won")
    won.given(OPENED, WON, looked_after).when(MergeDeal(into=OTHER)).rejected("won")


def test_what_is_no_sale_any_more_or_never_was_is_merged() -> None:
    known = deal.knowing({OTHER: Other(OTHER, Journey(pipeline="sales"))})
    known.given(OPENED, WON, retracted(2, EntryRetracted)).when(MergeDeal(into=OTHER)).then(MERGED)
    known.given(OPENED, WON, DealReopened(stage="contact", reason="told twice")).when(MergeDeal(into=OTHER)).then(
        MERGED
    )
    known.given(OPENED, LOST).when(MergeDeal(into=OTHER)).then(MERGED)


def test_no_correction_brings_a_sale_back_that_was_merged_away() -> None:
    reopened = DealReopened(stage="contact", reason="told twice")
    mistaken = RetractEntry(event_id=entry_id(3), reason="it was no mistake")
    merged = deal.given(OPENED, WON, reopened, MERGED)
    merged.when(mistaken).rejected("won", str(OTHER), "retract the merge first")
    merged.when(mistaken, at=1).rejected("retract the merge first")
    deal.given(OPENED, WON, reopened, LOST, MERGED).when(mistaken).rejected("retract the merge first")
    taken_back = EntryRetracted(event_id=entry_id(3), reason="it was no mistake")
    deal.given(OPENED, WON, reopened, MERGED, retracted(4, EntryRetracted)).when(mistaken).then(taken_back)
    # What hides no win is corrected as ever; also a win that a log or an import had merged away before.
    deal.given(OPENED, LOST, reopened, MERGED).when(mistaken).then(taken_back)
    deal.given(OPENED, WON, PaymentReceived(amount=EUROS), MERGED).when(mistaken).then(taken_back)


def test_a_merge_is_not_dated_before_the_opening() -> None:
    known = deal.given(on(5, OPENED)).knowing({OTHER: Other(OTHER, Journey(pipeline="sales"))})
    known.when(MergeDeal(into=OTHER), at=3).rejected("DealOpened", "later")


def test_a_deal_is_not_merged_into_the_lead_it_came_from() -> None:
    converted.knowing({LEAD: Other(LEAD, BROUGHT)}).when(MergeDeal(into=LEAD)).rejected("itself")


@pytest.mark.parametrize("command", [Touch(kind=TouchKind.CALL), Win(evidence="contract 7"), AddNote(note="twice")])
def test_a_merged_deal_takes_only_corrections(command: Any) -> None:
    merged = deal.given(OPENED, MERGED)
    merged.when(command).rejected(str(OTHER), "record it there")
    merged.when(RetractEntry(event_id=entry_id(2), reason="two people")).then(
        EntryRetracted(event_id=entry_id(2), reason="two people")
    )


# Corrections and stalls


def test_an_entry_is_retracted() -> None:
    deal.given(OPENED, CALLED).when(RetractEntry(event_id=entry_id(2), reason="wrong number")).then(
        EntryRetracted(event_id=entry_id(2), reason="wrong number")
    )


def test_the_opening_of_a_deal_of_its_own_is_retracted() -> None:
    deal.given(OPENED).when(RetractEntry(event_id=entry_id(1), reason="entered twice")).then(
        EntryRetracted(event_id=entry_id(1), reason="entered twice")
    )


def test_a_stall_is_raised_on_an_open_deal_only() -> None:
    raised = RaiseStalled(stage="contact", started_by=entry_id(2), idle_days=20, limit_days=14, definition=1)
    stalled = Stalled(stage="contact", started_by=entry_id(2), idle_days=20, limit_days=14, definition=1)
    deal.given(OPENED, CALLED).when(raised).then(stalled)
    deal.given(OPENED, CALLED, LOST).when(raised).nothing()


def test_a_stall_may_have_begun_on_the_lead() -> None:
    raised = RaiseStalled(stage="meeting", started_by=entry_id(2), idle_days=20, limit_days=14, definition=1)
    converted.when(raised).then(
        Stalled(stage="meeting", started_by=entry_id(2), idle_days=20, limit_days=14, definition=1)
    )
