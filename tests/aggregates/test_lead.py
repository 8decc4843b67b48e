from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from engine.aggregates.context import Other
from engine.aggregates.inputs import PersonRef
from engine.aggregates.journey.commands import (
    AddNote,
    AssessBant,
    AssignOwner,
    CancelFollowUp,
    CompleteFollowUp,
    RaiseStalled,
    RecordSignal,
    RetractEntry,
    ScheduleFollowUp,
    SetAttributes,
    SetScore,
    SnoozeFollowUp,
    Touch,
)
from engine.aggregates.journey.state import Journey
from engine.aggregates.lead.commands import (
    CaptureLead,
    ConvertLead,
    DisqualifyLead,
    MergeLead,
    QualifyLead,
    ReopenLead,
)
from engine.aggregates.lead.events import (
    AttributesSet,
    BantAssessed,
    EntryRetracted,
    FollowUpCancelled,
    FollowUpCompleted,
    FollowUpScheduled,
    FollowUpSnoozed,
    LeadCaptured,
    LeadConverted,
    LeadDisqualified,
    LeadMerged,
    LeadQualified,
    LeadReopened,
    NoteAdded,
    OwnerAssigned,
    Scored,
    SignalRecorded,
    Stalled,
    Touched,
)
from engine.aggregates.lead.rules import decide
from engine.aggregates.lead.state import Lead, evolve
from engine.stages.definition import parse_definition
from engine.values import Attribute, Dimension, Direction, Money, TouchKind, Verdict
from tests.aggregates.examples import DEFINITIONS
from tests.given_when_then import STREAM, Aggregate, by_policy, day, entry_id, made, on, person, retracted, text

lead = Aggregate(decide, evolve, Lead(), DEFINITIONS)

CAPTURED = LeadCaptured(pipeline="sales", source="referrals")
CALLED = Touched(kind=TouchKind.CALL)
BUDGET = BantAssessed(dimension=Dimension.BUDGET, verdict=Verdict.CONFIRMED, evidence=text("the CFO said so"))
DISQUALIFIED = LeadDisqualified(reason="no-budget")
OTHER = UUID(int=0xB1)
CONVERTED = LeadConverted(deal=OTHER)
MERGED = LeadMerged(into=OTHER)
FOLLOW_UP = FollowUpScheduled(follow_up_id=made(1), kind=TouchKind.CALL, due_at=day(40))

ANY_ENTRY = [
    Touch(kind=TouchKind.CALL),
    AddNote(note="nobody there"),
    AssessBant(dimension=Dimension.NEED, verdict=Verdict.CONFIRMED),
    ScheduleFollowUp(kind=TouchKind.CALL, due_at=day(40)),
    QualifyLead(),
    DisqualifyLead(reason="no-budget"),
    ConvertLead(),
    ReopenLead(stage="contact", reason="they called"),
    MergeLead(into=OTHER),
]


# Capture


def test_a_lead_is_captured_with_its_people_and_texts_put_aside() -> None:
    lead.given().when(
        CaptureLead(
            pipeline="sales",
            title="Two hundred chairs",
            person=PersonRef(source="crm", key="c7", name="The customer"),
            owner=PersonRef(source="crm", key="r1"),
            source="events",
            channel="web",
            value=Money.of("12.50", "EUR"),
            attributes=(Attribute(name="product", value="chairs"),),
        )
    ).then(
        LeadCaptured(
            pipeline="sales",
            title=text("Two hundred chairs"),
            person=person("c7"),
            owner=person("r1"),
            source="events",
            channel="web",
            value=Money(amount_minor=1250, currency="EUR"),
            attributes=(Attribute(name="product", value="chairs"),),
        )
    )


def test_a_lead_is_captured_once() -> None:
    lead.given(CAPTURED).when(CaptureLead(pipeline="sales")).rejected("already")


def test_a_lead_is_captured_in_a_published_pipeline() -> None:
    lead.given().when(CaptureLead(pipeline="nowhere")).rejected("'nowhere'", "publish")


def test_a_void_lead_is_not_captured_anew_on_its_stream() -> None:
    lead.given(CAPTURED, retracted(1, EntryRetracted)).when(CaptureLead(pipeline="sales")).rejected("another lead")


def test_a_void_lead_takes_nothing_more() -> None:
    lead.given(CAPTURED, retracted(1, EntryRetracted)).when(Touch(kind=TouchKind.CALL)).rejected("void", "new one")


def test_an_attribute_has_one_value() -> None:
    twice = (Attribute(name="product", value="chairs"), Attribute(name="product", value="tables"))
    lead.given().when(CaptureLead(pipeline="sales", attributes=twice)).rejected("twice")


@pytest.mark.parametrize("field", ["title", "note", "comment"])
def test_a_text_of_ten_megabytes_is_refused(field: str) -> None:
    long = "x" * 10_000_000
    command: dict[str, Any] = {
        "title": lambda: CaptureLead(pipeline="sales", title=long),
        "note": lambda: AddNote(note=long),
        "comment": lambda: DisqualifyLead(reason="no-budget", comment=long),
    }
    with pytest.raises(ValidationError, match="20000 characters"):
        command[field]()


# What happened


def test_a_touch_is_recorded() -> None:
    lead.given(CAPTURED).when(Touch(kind=TouchKind.EMAIL, direction=Direction.INBOUND, note="asks for prices")).then(
        Touched(kind=TouchKind.EMAIL, direction=Direction.INBOUND, note=text("asks for prices"))
    )


def test_a_touch_that_happened_before_the_capture_is_recorded() -> None:
    lead.given(on(5, CAPTURED)).when(Touch(kind=TouchKind.MEETING), at=1).then(Touched(kind=TouchKind.MEETING))


def test_a_note_is_added() -> None:
    lead.given(CAPTURED).when(AddNote(note="call after six")).then(NoteAdded(note=text("call after six")))


def test_a_signal_is_recorded() -> None:
    lead.given(CAPTURED).when(RecordSignal(signal="trial finished")).then(SignalRecorded(signal="trial finished"))


@pytest.mark.checklist("S17")
def test_a_dimension_is_assessed_with_evidence() -> None:
    lead.given(CAPTURED).when(
        AssessBant(dimension=Dimension.BUDGET, verdict=Verdict.CONFIRMED, evidence="the CFO said so")
    ).then(BUDGET)


def test_the_same_verdict_with_new_evidence_is_news() -> None:
    again = AssessBant(dimension=Dimension.BUDGET, verdict=Verdict.CONFIRMED, evidence="signed budget")
    lead.given(CAPTURED, BUDGET).when(again).then(
        BantAssessed(dimension=Dimension.BUDGET, verdict=Verdict.CONFIRMED, evidence=text("signed budget"))
    )


@pytest.mark.parametrize("evidence", ["the CFO said so", None])
def test_the_same_verdict_with_nothing_new_is_no_news(evidence: str | None) -> None:
    again = AssessBant(dimension=Dimension.BUDGET, verdict=Verdict.CONFIRMED, evidence=evidence)
    lead.given(CAPTURED, BUDGET).when(again).nothing()


@pytest.mark.checklist("S17")
def test_another_verdict_is_news() -> None:
    denied = AssessBant(dimension=Dimension.BUDGET, verdict=Verdict.DENIED)
    lead.given(CAPTURED, BUDGET).when(denied).then(BantAssessed(dimension=Dimension.BUDGET, verdict=Verdict.DENIED))


def test_a_late_entry_of_the_same_verdict_is_news_of_an_earlier_time() -> None:
    earlier = AssessBant(dimension=Dimension.BUDGET, verdict=Verdict.CONFIRMED)
    lead.given(CAPTURED, on(9, BUDGET)).when(earlier, at=4).then(
        BantAssessed(dimension=Dimension.BUDGET, verdict=Verdict.CONFIRMED)
    )


def test_a_retracted_verdict_is_not_known_any_more() -> None:
    again = AssessBant(dimension=Dimension.BUDGET, verdict=Verdict.CONFIRMED, evidence="the CFO said so")
    lead.given(CAPTURED, BUDGET, retracted(2, EntryRetracted)).when(again).then(BUDGET)


def test_a_score_is_set_in_part_or_whole() -> None:
    lead.given(CAPTURED).when(SetScore(fit=40)).then(Scored(fit=40))
    lead.given(CAPTURED, Scored(fit=40)).when(SetScore(fit=40, engagement=3)).then(Scored(fit=40, engagement=3))


def test_the_same_score_is_no_news() -> None:
    lead.given(CAPTURED, Scored(fit=40, engagement=3)).when(SetScore(engagement=3)).nothing()


def test_a_score_says_something() -> None:
    lead.given(CAPTURED).when(SetScore()).rejected("fit, engagement or both")


def test_an_owner_is_assigned_once() -> None:
    assign = AssignOwner(owner=PersonRef(source="crm", key="r1"))
    lead.given(CAPTURED).when(assign).then(OwnerAssigned(owner=person("r1")))
    lead.given(CAPTURED, OwnerAssigned(owner=person("r1"))).when(assign).nothing()


def test_only_attributes_that_differ_are_set() -> None:
    product, sector = Attribute(name="product", value="chairs"), Attribute(name="sector", value="schools")
    known = lead.given(CAPTURED, AttributesSet(attributes=(product,)))
    known.when(SetAttributes(attributes=(product, sector))).then(AttributesSet(attributes=(sector,)))
    known.when(SetAttributes(attributes=(product,))).nothing()
    known.when(SetAttributes(attributes=(sector, sector))).rejected("twice")


def test_attributes_of_an_earlier_time_are_set_whole() -> None:
    product = Attribute(name="product", value="chairs")
    lead.given(CAPTURED, on(9, AttributesSet(attributes=(product,)))).when(
        SetAttributes(attributes=(product,)), at=3
    ).then(AttributesSet(attributes=(product,)))


def test_a_score_and_an_owner_of_an_earlier_time_are_news() -> None:
    scored = lead.given(CAPTURED, on(9, Scored(fit=40)))
    scored.when(SetScore(fit=40), at=3).then(Scored(fit=40))
    assigned = lead.given(CAPTURED, on(9, OwnerAssigned(owner=person("r1"))))
    assigned.when(AssignOwner(owner=person("r1")), at=3).then(OwnerAssigned(owner=person("r1")))


def test_what_the_capture_does_not_say_stands_as_late_entries_told_it() -> None:
    before = lead.given(OwnerAssigned(owner=person("r1")), on(5, CAPTURED))
    before.when(AssignOwner(owner=person("r1"))).nothing()


def test_the_capture_tells_owner_and_value() -> None:
    captured = LeadCaptured(pipeline="sales", owner=person("r1"), value=Money.of(5, "EUR"))
    state = lead.given(captured).state
    assert (state.journey.owner, state.journey.value) == (person("r1"), Money.of(5, "EUR"))


# Follow-ups


def test_a_follow_up_is_scheduled() -> None:
    lead.given(CAPTURED).when(
        ScheduleFollowUp(kind=TouchKind.CALL, due_at=day(40), owner=person("r1"), note="ask again")
    ).then(
        FollowUpScheduled(
            follow_up_id=made(1), kind=TouchKind.CALL, due_at=day(40), owner=person("r1"), note=text("ask again")
        )
    )


def test_a_follow_up_is_not_due_before_it_is_scheduled() -> None:
    lead.given(CAPTURED).when(ScheduleFollowUp(kind=TouchKind.CALL, due_at=day(10))).rejected("due_at")


def test_an_open_follow_up_is_completed_snoozed_or_cancelled() -> None:
    known = lead.given(CAPTURED, FOLLOW_UP)
    known.when(CompleteFollowUp(follow_up_id=made(1), outcome="reached")).then(
        FollowUpCompleted(follow_up_id=made(1), outcome="reached")
    )
    known.when(SnoozeFollowUp(follow_up_id=made(1), until=day(50), reason="holidays")).then(
        FollowUpSnoozed(follow_up_id=made(1), until=day(50), reason="holidays")
    )
    known.when(CancelFollowUp(follow_up_id=made(1), reason="done by mail")).then(
        FollowUpCancelled(follow_up_id=made(1), reason="done by mail")
    )


ENDING = [
    CompleteFollowUp(follow_up_id=made(1), outcome="reached"),
    SnoozeFollowUp(follow_up_id=made(1), until=day(50), reason="holidays"),
    CancelFollowUp(follow_up_id=made(1), reason="done by mail"),
]


@pytest.mark.parametrize("command", ENDING)
def test_a_follow_up_that_was_never_scheduled_is_refused(command: Any) -> None:
    lead.given(CAPTURED).when(command).rejected("no follow-up")


@pytest.mark.parametrize("command", ENDING)
def test_a_completed_follow_up_is_over(command: Any) -> None:
    completed = FollowUpCompleted(follow_up_id=made(1), outcome="reached")
    lead.given(CAPTURED, FOLLOW_UP, completed).when(command).rejected("completed already")


@pytest.mark.parametrize("command", ENDING)
def test_a_cancelled_follow_up_is_over(command: Any) -> None:
    cancelled = FollowUpCancelled(follow_up_id=made(1), reason="done by mail")
    lead.given(CAPTURED, FOLLOW_UP, cancelled).when(command).rejected("cancelled already")


def test_a_follow_up_is_snoozed_until_the_future() -> None:
    past = SnoozeFollowUp(follow_up_id=made(1), until=day(29), reason="holidays")
    lead.given(CAPTURED, FOLLOW_UP).when(past).rejected("until", "future")


# Qualification, the end of a lead, and its return


def test_a_lead_is_qualified_once() -> None:
    lead.given(CAPTURED).when(QualifyLead()).then(LeadQualified())
    lead.given(CAPTURED, LeadQualified()).when(QualifyLead()).nothing()


def test_a_lead_is_disqualified_with_a_reason() -> None:
    lead.given(CAPTURED).when(DisqualifyLead(reason="no-budget", comment="next year")).then(
        LeadDisqualified(reason="no-budget", comment=text("next year"))
    )
    lead.given(CAPTURED).when(DisqualifyLead()).rejected("reason")


@pytest.mark.parametrize("command", [QualifyLead(), DisqualifyLead(reason="silent"), ConvertLead()])
def test_a_disqualified_lead_is_reopened_first(command: Any) -> None:
    lead.given(CAPTURED, DISQUALIFIED).when(command).rejected("reopen")


def test_what_happens_after_a_disqualification_is_recorded() -> None:
    lead.given(CAPTURED, DISQUALIFIED).when(Touch(kind=TouchKind.CALL)).then(CALLED)


def test_a_disqualified_lead_is_reopened_at_an_open_stage_with_a_reason() -> None:
    gone = lead.given(CAPTURED, DISQUALIFIED)
    gone.when(ReopenLead(stage="contact", reason="they called")).then(
        LeadReopened(stage="contact", reason="they called")
    )
    gone.when(ReopenLead(stage="contact")).rejected("reason")
    gone.when(ReopenLead(stage="won", reason="they called")).rejected("'won'", "open one")
    gone.when(ReopenLead(stage="bungee", reason="they called")).rejected("'bungee'", "contact")


def test_an_old_stage_key_leads_to_the_stage_that_replaced_it() -> None:
    lead.given(CAPTURED, DISQUALIFIED).when(ReopenLead(stage="presentation", reason="they called")).then(
        LeadReopened(stage="meeting", reason="they called")
    )


def test_an_open_lead_is_not_reopened() -> None:
    lead.given(CAPTURED).when(ReopenLead(stage="contact", reason="they called")).rejected("open")


def test_a_decision_is_not_dated_before_what_it_rests_on() -> None:
    lead.given(on(5, CAPTURED)).when(QualifyLead(), at=3).rejected("LeadCaptured", "later")
    lead.given(CAPTURED, on(9, DISQUALIFIED)).when(ReopenLead(stage="contact", reason="they called"), at=7).rejected(
        "LeadDisqualified", "later"
    )
    lead.given(CAPTURED, DISQUALIFIED, on(9, LeadReopened(stage="contact", reason="news"))).when(
        DisqualifyLead(reason="silent"), at=7
    ).rejected("LeadReopened", "later")


# Conversion


def test_a_lead_becomes_a_deal() -> None:
    lead.given(CAPTURED).when(ConvertLead()).then(LeadConverted(deal=made(1)))


def test_a_deal_begins_in_the_lead_s_pipeline() -> None:
    lead.given(CAPTURED).when(ConvertLead(pipeline="sales")).then(LeadConverted(deal=made(1)))
    lead.given(CAPTURED).when(ConvertLead(pipeline="partners")).rejected("'sales'", "'partners'")


@pytest.mark.parametrize("command", ANY_ENTRY, ids=lambda command: type(command).__name__)
def test_a_converted_lead_takes_only_corrections(command: Any) -> None:
    lead.given(CAPTURED, CONVERTED).when(command).rejected(str(OTHER), "record it there")


def test_an_entry_of_a_converted_lead_is_corrected() -> None:
    lead.given(CAPTURED, CALLED, CONVERTED).when(RetractEntry(event_id=entry_id(2), reason="wrong number")).then(
        EntryRetracted(event_id=entry_id(2), reason="wrong number")
    )


def test_a_conversion_is_not_dated_before_a_reopening() -> None:
    reopened = on(9, LeadReopened(stage="contact", reason="news"))
    lead.given(CAPTURED, DISQUALIFIED, reopened).when(ConvertLead(), at=7).rejected("LeadReopened", "later")


def test_a_conversion_is_not_taken_back() -> None:
    lead.given(CAPTURED, CONVERTED).when(RetractEntry(event_id=entry_id(2), reason="too early")).rejected("conversion")


# Merging


def test_a_duplicate_is_merged_into_the_journey_that_stands() -> None:
    known = lead.given(CAPTURED).knowing({OTHER: Other(OTHER, Journey(pipeline="sales"))})
    known.when(MergeLead(into=OTHER)).then(MERGED)


def test_a_merge_names_the_journey_not_its_deal() -> None:
    deal = UUID(int=0xB2)
    known = lead.given(CAPTURED).knowing({deal: Other(OTHER, Journey(pipeline="sales"))})
    known.when(MergeLead(into=deal)).then(MERGED)


def test_a_lead_is_merged_into_another_one_that_stands() -> None:
    lead.given(CAPTURED).when(MergeLead(into=OTHER)).rejected("no lead or deal")
    lead.given(CAPTURED).knowing({STREAM: Other(STREAM, Journey(pipeline="sales"))}).when(
        MergeLead(into=STREAM)
    ).rejected("itself")
    merged = Journey(pipeline="sales", merged_into=UUID(int=0xB3))
    lead.given(CAPTURED).knowing({OTHER: Other(OTHER, merged)}).when(MergeLead(into=OTHER)).rejected("merged into")
    void = Journey()
    lead.given(CAPTURED).knowing({OTHER: Other(OTHER, void)}).when(MergeLead(into=OTHER)).rejected("no lead or deal")


def test_a_lead_that_stands_won_is_not_merged_away() -> None:
    bought = parse_definition(
        {
            "pipeline": "sales",
            "stages": [
                {"key": "contact", "kind": "open"},
                {"key": "bought", "kind": "won", "enter": {"signal": "bought"}},
            ],
        }
    )
    known = replace(lead, definitions={"sales": bought}).knowing({OTHER: Other(OTHER, Journey(pipeline="sales"))})
    known.given(CAPTURED, SignalRecorded(signal="asked")).when(MergeLead(into=OTHER)).then(MERGED)
    known.given(CAPTURED, SignalRecorded(signal="bought")).when(MergeLead(into=OTHER)).rejected("won", "retract")


def test_a_merge_is_not_dated_before_the_capture() -> None:
    known = lead.given(on(5, CAPTURED)).knowing({OTHER: Other(OTHER, Journey(pipeline="sales"))})
    known.when(MergeLead(into=OTHER), at=3).rejected("LeadCaptured", "later")


@pytest.mark.parametrize("command", ANY_ENTRY, ids=lambda command: type(command).__name__)
def test_a_merged_lead_takes_only_corrections(command: Any) -> None:
    lead.given(CAPTURED, MERGED).when(command).rejected(str(OTHER), "record it there")


def test_a_merge_is_taken_back_by_retracting_it() -> None:
    lead.given(CAPTURED, MERGED).when(RetractEntry(event_id=entry_id(2), reason="two people")).then(
        EntryRetracted(event_id=entry_id(2), reason="two people")
    )
    lead.given(CAPTURED, MERGED, retracted(2, EntryRetracted)).when(Touch(kind=TouchKind.CALL)).then(CALLED)


# Corrections


def test_an_entry_is_retracted_with_a_reason() -> None:
    lead.given(CAPTURED, CALLED).when(
        RetractEntry(event_id=entry_id(2), reason="wrong number", comment="the other branch")
    ).then(EntryRetracted(event_id=entry_id(2), reason="wrong number", comment=text("the other branch")))
    lead.given(CAPTURED, CALLED).when(RetractEntry(event_id=entry_id(2))).rejected("reason")


def test_an_entry_that_is_not_there_is_not_retracted() -> None:
    lead.given(CAPTURED).when(RetractEntry(event_id=entry_id(7), reason="wrong")).rejected("no entry")


def test_an_entry_is_retracted_once() -> None:
    lead.given(CAPTURED, CALLED, retracted(2, EntryRetracted)).when(
        RetractEntry(event_id=entry_id(2), reason="wrong")
    ).rejected("already")


def test_a_retraction_is_not_retracted() -> None:
    lead.given(CAPTURED, CALLED, retracted(2, EntryRetracted)).when(
        RetractEntry(event_id=entry_id(3), reason="wrong")
    ).rejected("enter the fact again")


def test_the_capture_is_retracted_when_the_lead_was_a_mistake() -> None:
    lead.given(CAPTURED).when(RetractEntry(event_id=entry_id(1), reason="entered twice")).then(
        EntryRetracted(event_id=entry_id(1), reason="entered twice")
    )


# Stalls


def stalled_since(place: int, stage: str = "contact", limit_days: float = 14) -> RaiseStalled:
    return RaiseStalled(stage=stage, started_by=entry_id(place), idle_days=20, limit_days=limit_days, definition=1)


STALLED = Stalled(stage="contact", started_by=entry_id(2), idle_days=20, limit_days=14, definition=1)


def test_a_stall_is_raised_once_an_episode() -> None:
    lead.given(CAPTURED, CALLED).when(stalled_since(2)).then(STALLED)
    lead.given(CAPTURED, CALLED, by_policy(STALLED)).when(stalled_since(2)).nothing()


def test_a_lead_that_was_touched_meanwhile_is_not_stalled() -> None:
    lead.given(CAPTURED, CALLED, CALLED).when(stalled_since(2)).nothing()


def test_what_a_policy_does_is_no_activity() -> None:
    lead.given(CAPTURED, CALLED, by_policy(FOLLOW_UP)).when(stalled_since(2)).then(STALLED)


def test_the_entry_into_the_stage_starts_a_clock_of_its_own() -> None:
    lead.given(CAPTURED, CALLED, CALLED).when(stalled_since(1)).then(
        Stalled(stage="contact", started_by=entry_id(1), idle_days=20, limit_days=14, definition=1)
    )


def test_a_lead_in_another_stage_meanwhile_is_not_stalled_there() -> None:
    lead.given(CAPTURED, CALLED).when(stalled_since(2, stage="meeting")).nothing()


def test_a_lead_within_its_limit_is_not_stalled() -> None:
    lead.given(CAPTURED, CALLED).when(stalled_since(2, limit_days=60)).nothing()


def test_a_closed_lead_is_not_stalled() -> None:
    lead.given(CAPTURED, CALLED, DISQUALIFIED).when(stalled_since(3, stage="lost")).nothing()


def test_a_stall_whose_cause_was_retracted_is_none() -> None:
    lead.given(CAPTURED, CALLED, retracted(2, EntryRetracted)).when(stalled_since(2)).nothing()


def test_a_snoozed_lead_is_not_stalled() -> None:
    snoozed = FollowUpSnoozed(follow_up_id=made(1), until=day(50), reason="holidays")
    lead.given(CAPTURED, FOLLOW_UP, snoozed).when(stalled_since(3)).nothing()
    lead.given(CAPTURED, FOLLOW_UP, snoozed).on_day(60).when(stalled_since(3)).then(
        Stalled(stage="contact", started_by=entry_id(3), idle_days=20, limit_days=14, definition=1)
    )
