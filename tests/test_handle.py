"""The path of every change, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from engine.aggregates.deal.commands import (
    ChangeValue,
    MergeDeal,
    MoveStage,
    OpenDeal,
    ReopenDeal,
    SendProposal,
    Win,
)
from engine.aggregates.deal.events import DealOpened, DealWon, StageMoved, Touched
from engine.aggregates.inputs import PersonRef, SourceKey
from engine.aggregates.journey.commands import AddNote, AssessBant, AssignOwner, RetractEntry, SetScore, Touch
from engine.aggregates.lead.commands import CaptureLead, ConvertLead, MergeLead, QualifyLead
from engine.aggregates.lead.events import LeadConverted
from engine.aggregates.pipeline.commands import CreatePipeline, PublishDefinition
from engine.aggregates.roster.commands import EnrolRep, MoveRep
from engine.errors import Conflict, NotFound, Rejected
from engine.handle import Outcome, handle
from engine.log import tables
from engine.log.application import Log
from engine.log.erasure import erase_person
from engine.log.people import person
from engine.log.texts import texts
from engine.log.writes import FORGOTTEN
from engine.messages import Command
from engine.values import Attribute, Dimension, Money, TouchKind, Verdict
from tests.aggregates.examples import PARTNERS, SALES

ANNA = PersonRef(source="login", key="anna")
CALL = Touch(kind=TouchKind.CALL)


def ask(log: Log, command: Command, on: UUID | None = None, **how: Any) -> Outcome:
    return handle(log, command, on=on, actor=ANNA, origin="cli", **how)


@pytest.fixture
def sales(log: Log) -> Log:
    """A log with two published pipelines."""
    for definition in (SALES, PARTNERS):
        ask(log, CreatePipeline(pipeline=definition.pipeline, name=definition.pipeline))
        ask(log, PublishDefinition(pipeline=definition.pipeline, definition=definition, reason="first"))
    return log


@pytest.fixture
def deal(sales: Log) -> UUID:
    return ask(sales, OpenDeal(pipeline="sales")).stream_id


@pytest.fixture
def lead(sales: Log) -> UUID:
    return ask(sales, CaptureLead(pipeline="sales")).stream_id


def kinds(log: Log, stream_id: UUID) -> list[str]:
    return [type(each.event).__name__ for each in log.stream(stream_id)]


def rows(log: Log) -> dict[str, int]:
    counted = (tables.events, tables.people, tables.texts, tables.keys, tables.commands)
    with log.engine.connect() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one() for table in counted
        }


# One command


def test_a_command_becomes_events_with_who_when_and_why(sales: Log, deal: UUID) -> None:
    command_id, cause = uuid4(), uuid4()
    outcome = handle(
        sales, CALL, on=deal, actor=ANNA, origin="api", command_id=command_id, correlation_id=cause, causation_id=cause
    )
    [kept] = sales.stream(deal)[1:]
    assert [kept] == list(outcome.events)
    assert (outcome.stream_id, outcome.version, outcome.repeated) == (deal, 2, False)
    anna = person(sales, "login", "anna")
    assert anna is not None
    assert kept.event == Touched(kind=TouchKind.CALL)
    assert (kept.envelope.actor, kept.envelope.origin) == (anna.person_id, "api")
    assert kept.envelope.command_id == command_id
    assert kept.envelope.correlation_id == kept.envelope.causation_id == cause


def test_texts_and_people_are_kept_apart_from_the_event(sales: Log) -> None:
    customer = PersonRef(source="crm", key="c7", name="The customer", email="c7@example.com")
    outcome = ask(sales, OpenDeal(pipeline="sales", title="Two hundred chairs", person=customer, owner=ANNA))
    opened = outcome.events[0].event
    assert isinstance(opened, DealOpened)
    assert opened.title is not None
    assert texts(sales, [opened.title.text_id]) == {opened.title.text_id: "Two hundred chairs"}
    known, anna = person(sales, "crm", "c7"), person(sales, "login", "anna")
    assert known is not None
    assert anna is not None
    assert (known.person_id, known.role, known.email) == (opened.person, "customer", "c7@example.com")
    assert opened.owner == anna.person_id
    assert "customer" not in opened.payload()
    assert "chairs" not in opened.payload()


def test_a_person_met_before_is_the_same_person(sales: Log) -> None:
    customer = PersonRef(source="crm", key="c7")
    first = ask(sales, OpenDeal(pipeline="sales", person=customer)).events[0].event
    second = ask(sales, CaptureLead(pipeline="sales", person=customer)).events[0].event
    assert first.person == second.person


def test_a_person_named_by_an_unknown_id_is_refused(sales: Log, deal: UUID) -> None:
    with pytest.raises(Rejected, match="no person"):
        ask(sales, AssignOwner(owner=uuid4()), deal)


def test_nothing_to_do_writes_no_event_and_is_an_answer(sales: Log, deal: UUID) -> None:
    value = ChangeValue(value=Money.of(5, "EUR"))
    ask(sales, value, deal)
    command_id = uuid4()
    assert ask(sales, value, deal, command_id=command_id).events == []
    ask(sales, ChangeValue(value=Money.of(6, "EUR")), deal)
    again = ask(sales, value, deal, command_id=command_id)
    assert (again.events, again.version, again.repeated) == ([], 2, True)


def test_nothing_is_written_when_a_command_is_refused(sales: Log, deal: UUID) -> None:
    before = rows(sales)
    stranger = PersonRef(source="crm", key="new")
    for command, on in [
        (Win(), deal),
        (OpenDeal(pipeline="nowhere", title="Chairs", owner=stranger), None),
        (MoveRep(rep=stranger, team="north"), None),
        (MoveStage(stage="bungee"), deal),
        (ConvertLead(), deal),
        (CALL, None),
    ]:
        with pytest.raises(Rejected):
            handle(sales, command, on=on, actor=PersonRef(source="login", key="stranger"), origin="cli")
    with pytest.raises(NotFound, match="no lead or deal"):
        ask(sales, CALL, uuid4())
    assert rows(sales) == before


def test_a_conversion_refused_by_the_deal_leaves_the_lead_as_it_was(sales: Log, lead: UUID) -> None:
    before = rows(sales)
    twice = (Attribute(name="product", value="chairs"), Attribute(name="product", value="tables"))
    with pytest.raises(Rejected, match="twice"):
        ask(sales, ConvertLead(attributes=twice), lead)
    assert rows(sales) == before


def test_a_deal_s_command_is_not_asked_of_a_lead(sales: Log, lead: UUID) -> None:
    with pytest.raises(Rejected, match=f"Win is not asked of a lead, which {lead} is: convert it into a deal first"):
        ask(sales, Win(evidence="contract 7"), lead)
    deal = ask(sales, ConvertLead(), lead).stream_id
    with pytest.raises(Rejected, match=f"ConvertLead is not asked of a deal, .*: lead {lead} was converted"):
        ask(sales, ConvertLead(), deal)


def test_a_record_of_the_source_system_is_opened_once(sales: Log) -> None:
    opening = OpenDeal(pipeline="sales", record=SourceKey(source="crm", key="7"))
    first = ask(sales, opening)
    with pytest.raises(Rejected, match=f"crm:7 is here already, as {first.stream_id}"):
        ask(sales, opening)


def test_a_new_deal_may_have_the_id_its_caller_chose(sales: Log) -> None:
    chosen = uuid4()
    assert ask(sales, OpenDeal(pipeline="sales"), chosen).stream_id == chosen
    with pytest.raises(Rejected, match="already"):
        ask(sales, OpenDeal(pipeline="sales"), chosen)


# Time


def test_what_is_told_without_a_time_comes_after_all_that_is_known(sales: Log, deal: UUID) -> None:
    slow_clock = sales.stream(deal)[0].occurred_at - timedelta(milliseconds=50)
    [touched] = ask(sales, CALL, deal, now=slow_clock).events
    assert touched.occurred_at == sales.stream(deal)[0].occurred_at


def test_a_late_entry_takes_its_place_in_time(sales: Log) -> None:
    start = datetime(2026, 1, 5, 9, tzinfo=UTC)
    deal = ask(sales, OpenDeal(pipeline="sales"), occurred_at=start).stream_id
    budget = AssessBant(dimension=Dimension.BUDGET, verdict=Verdict.CONFIRMED)
    ask(sales, budget, deal, occurred_at=start + timedelta(days=9))
    with pytest.raises(Rejected, match="gate"):
        ask(sales, MoveStage(stage="proposal"), deal, occurred_at=start + timedelta(days=4))
    ask(sales, budget, deal, occurred_at=start + timedelta(days=2))
    moved = ask(sales, MoveStage(stage="proposal"), deal, occurred_at=start + timedelta(days=4))
    assert [each.event for each in moved.events] == [StageMoved(stage="proposal")]


def test_the_future_is_not_recorded(sales: Log, deal: UUID) -> None:
    with pytest.raises(Rejected, match="future"):
        ask(sales, CALL, deal, occurred_at=datetime.now(UTC) + timedelta(minutes=1))


def test_a_time_without_a_zone_is_refused(sales: Log, deal: UUID) -> None:
    with pytest.raises(Rejected, match="no time zone"):
        ask(sales, CALL, deal, occurred_at=datetime(2026, 1, 5, 9))  # noqa: DTZ001


def test_a_mistyped_year_is_refused(sales: Log, deal: UUID) -> None:
    with pytest.raises(Rejected, match="the year 206 is not meant: give one from 1900"):
        ask(sales, CALL, deal, occurred_at=datetime(206, 1, 5, 9, tzinfo=UTC))


def test_a_retracted_entry_is_not_decided_on(sales: Log, deal: UUID) -> None:
    [won] = ask(sales, Win(evidence="contract 7"), deal).events
    with pytest.raises(Rejected, match="won already"):
        ask(sales, Win(evidence="contract 8"), deal)
    ask(sales, RetractEntry(event_id=won.event_id, reason="another deal"), deal)
    assert isinstance(ask(sales, Win(evidence="contract 8"), deal).events[0].event, DealWon)


def test_the_same_evidence_again_is_no_news(sales: Log, deal: UUID) -> None:
    def budget(evidence: str) -> AssessBant:
        return AssessBant(dimension=Dimension.BUDGET, verdict=Verdict.CONFIRMED, evidence=evidence)

    assert len(ask(sales, budget("the CFO said so"), deal).events) == 1
    assert len(ask(sales, budget("the CFO said so"), deal).events) == 0
    assert len(ask(sales, budget("signed budget"), deal).events) == 1


# The same command again


def test_the_same_command_again_gives_the_first_answer(sales: Log, deal: UUID) -> None:
    command_id = uuid4()
    first = ask(sales, Win(evidence="contract 7"), deal, command_id=command_id)
    after = rows(sales)
    again = ask(sales, Win(evidence="contract 7"), deal, command_id=command_id)
    assert (again.events, again.version, again.stream_id) == (first.events, first.version, first.stream_id)
    assert (first.repeated, again.repeated) == (False, True)
    assert rows(sales) == after


def test_an_opening_again_gives_the_same_deal(sales: Log) -> None:
    command_id = uuid4()
    first = ask(sales, OpenDeal(pipeline="sales"), command_id=command_id)
    assert ask(sales, OpenDeal(pipeline="sales"), command_id=command_id).stream_id == first.stream_id


def test_a_command_id_belongs_to_one_command(sales: Log, deal: UUID) -> None:
    command_id = uuid4()
    ask(sales, Win(evidence="contract 7"), deal, command_id=command_id)
    for other in (Win(evidence="contract 8"), AddNote(note="another one")):
        with pytest.raises(Conflict, match="another command"):
            ask(sales, other, deal, command_id=command_id)
    assert kinds(sales, deal) == ["DealOpened", "DealWon"]


def test_an_erasure_leaves_no_hash_that_a_guess_could_be_held_to(sales: Log) -> None:
    customer = PersonRef(source="crm", key="c-1", name="c-1 of the example")
    command_id, told = uuid4(), OpenDeal(pipeline="sales", person=customer, title="a title")
    opened = ask(sales, told, command_id=command_id)
    known = person(sales, "crm", "c-1")
    assert known is not None
    erase_person(sales, known.person_id, opened.events[0].envelope.actor)
    record = sales.command(command_id)
    assert record is not None
    assert record.fingerprint == FORGOTTEN
    assert ask(sales, told, command_id=command_id).repeated


def test_a_refusal_is_not_remembered(sales: Log, deal: UUID) -> None:
    command_id = uuid4()
    move = MoveStage(stage="proposal")
    with pytest.raises(Rejected, match="gate"):
        ask(sales, move, deal, command_id=command_id)
    ask(sales, AssessBant(dimension=Dimension.BUDGET, verdict=Verdict.CONFIRMED), deal)
    assert not ask(sales, move, deal, command_id=command_id).repeated


def test_of_two_at_once_one_writes_and_both_get_its_answer(database_url: str, sales: Log, deal: UUID) -> None:
    command_id = uuid4()
    other = Log(database_url)
    try:
        with ThreadPoolExecutor(8) as threads:
            logs = [sales, other] * 4
            command = SendProposal()
            outcomes = list(threads.map(lambda log: ask(log, command, deal, command_id=command_id), logs))
    finally:
        other.close()
    assert kinds(sales, deal) == ["DealOpened", "ProposalSent"]
    assert len({outcome.events[0].event_id for outcome in outcomes}) == 1
    assert sorted(outcome.repeated for outcome in outcomes) == [False] + [True] * 7


# Others at the same time


def test_many_at_once_are_decided_one_after_the_other(database_url: str, sales: Log, deal: UUID) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: ask(sales, CALL, deal), range(12)))
    assert [each.version for each in sales.stream(deal)] == list(range(1, 14))


def test_of_two_who_win_at_once_one_is_refused(sales: Log, deal: UUID) -> None:
    def win(evidence: str) -> str:
        try:
            ask(sales, Win(evidence=evidence), deal)
        except Rejected as refusal:
            return str(refusal)
        return "won"

    with ThreadPoolExecutor(2) as threads:
        answers = sorted(threads.map(win, ["contract 7", "contract 8"]))
    assert answers[1] == "won"
    assert "won already" in answers[0]


def test_two_who_meet_a_new_person_at_once_meet_the_same(sales: Log) -> None:
    customer = PersonRef(source="crm", key="c7")
    with ThreadPoolExecutor(4) as threads:
        opened = list(threads.map(lambda _: ask(sales, OpenDeal(pipeline="sales", person=customer)), range(8)))
    known = person(sales, "crm", "c7")
    assert known is not None
    assert {outcome.events[0].event.person for outcome in opened} == {known.person_id}


def test_a_caller_who_saw_an_older_version_is_told(sales: Log, deal: UUID) -> None:
    ask(sales, CALL, deal, expected_version=1)
    with pytest.raises(Conflict, match="at version 2, you saw 1"):
        ask(sales, CALL, deal, expected_version=1)
    assert len(sales.stream(deal)) == 2


def test_a_retry_with_its_old_version_gets_the_first_answer(sales: Log, deal: UUID) -> None:
    command_id = uuid4()
    ask(sales, CALL, deal, expected_version=1, command_id=command_id)
    assert ask(sales, CALL, deal, expected_version=1, command_id=command_id).repeated


def test_a_retry_is_told_the_position_of_the_first_answer_also_when_there_was_nothing_to_do(
    sales: Log, deal: UUID
) -> None:
    scored, command_id = SetScore(fit=7), uuid4()
    ask(sales, scored, deal)
    first = ask(sales, scored, deal, command_id=command_id)
    assert (list(first.events), first.position) == ([], sales.position())
    ask(sales, CALL, deal)
    again = ask(sales, scored, deal, command_id=command_id)
    assert (again.position, again.version, again.repeated) == (first.position, first.version, True)


def test_a_merge_is_decided_anew_when_its_target_changes_meanwhile(
    sales: Log, lead: UUID, deal: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else two journeys merged into each other at once would both be closed as merged."""
    written = Log.write_all
    merged_first: list[bool] = []

    def write_after_the_other(log: Log, *given: Any) -> Any:
        if not merged_first:
            merged_first.append(True)
            ask(log, MergeDeal(into=lead), deal)
        return written(log, *given)

    monkeypatch.setattr(Log, "write_all", write_after_the_other)
    with pytest.raises(Rejected, match="itself merged"):
        ask(sales, MergeLead(into=deal), lead)
    assert kinds(sales, lead) == ["LeadCaptured"]


# From lead to deal


def test_a_conversion_writes_both_streams_in_one_transaction(sales: Log, lead: UUID) -> None:
    outcome = ask(sales, ConvertLead(title="Two hundred chairs", value=Money.of(5, "EUR")), lead)
    converted, opened = outcome.events
    assert converted.event == LeadConverted(deal=outcome.stream_id)
    assert (opened.stream_id, opened.version) == (outcome.stream_id, 1)
    assert (opened.event.from_lead, opened.event.pipeline) == (lead, "sales")
    assert opened.event.value == Money.of(5, "EUR")
    assert opened.position == converted.position + 1
    assert converted.envelope == opened.envelope


def test_a_conversion_again_gives_the_first_answer_of_both_streams(sales: Log, lead: UUID) -> None:
    command_id = uuid4()
    first = ask(sales, ConvertLead(), lead, command_id=command_id)
    again = ask(sales, ConvertLead(), lead, command_id=command_id)
    assert (again.events, again.stream_id) == (first.events, first.stream_id)
    with pytest.raises(Rejected, match="record it there"):
        ask(sales, ConvertLead(), lead)


def test_of_two_conversions_at_once_one_is_refused(sales: Log, lead: UUID) -> None:
    def convert(_: int) -> bool:
        try:
            ask(sales, ConvertLead(), lead)
        except Rejected:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(convert, range(2))) == [False, True]
    assert kinds(sales, lead) == ["LeadCaptured", "LeadConverted"]


def test_a_deal_is_decided_with_what_its_lead_knew(sales: Log, lead: UUID) -> None:
    budget = AssessBant(dimension=Dimension.BUDGET, verdict=Verdict.CONFIRMED)
    ask(sales, budget, lead)
    deal = ask(sales, ConvertLead(), lead).stream_id
    assert ask(sales, budget, deal).events == []
    assert ask(sales, MoveStage(stage="proposal"), deal).events[0].event == StageMoved(stage="proposal")


def test_a_deal_whose_lead_is_void_takes_nothing_more(sales: Log, lead: UUID) -> None:
    captured = sales.stream(lead)[0].event_id
    deal = ask(sales, ConvertLead(), lead).stream_id
    ask(sales, RetractEntry(event_id=captured, reason="entered twice"), lead)
    with pytest.raises(Rejected, match="void"):
        ask(sales, CALL, deal)


def test_a_merge_into_a_deal_names_the_journey_it_belongs_to(sales: Log, lead: UUID, deal: UUID) -> None:
    of_lead = ask(sales, ConvertLead(), lead).stream_id
    [merged] = ask(sales, MergeDeal(into=of_lead), deal).events
    assert merged.event.into == lead


# Pipelines and reps


def test_a_deal_is_moved_by_the_definition_in_force(sales: Log, deal: UUID) -> None:
    with pytest.raises(Rejected, match="no stage 'demo'"):
        ask(sales, MoveStage(stage="demo"), deal)
    stages = [{"key": "contact", "kind": "open"}, {"key": "demo", "kind": "open"}]
    definition = SALES.model_validate({"pipeline": "sales", "stages": stages})
    ask(sales, PublishDefinition(pipeline="sales", definition=definition, reason="simpler", replaces_version=1))
    assert ask(sales, MoveStage(stage="demo"), deal).events[0].event == StageMoved(stage="demo")


def test_a_definition_published_by_another_process_is_seen(database_url: str, sales: Log, deal: UUID) -> None:
    ask(sales, MoveStage(stage="meeting"), deal)
    definition = SALES.model_validate({"pipeline": "sales", "stages": [{"key": "demo", "kind": "open"}]})
    other = Log(database_url)
    ask(other, PublishDefinition(pipeline="sales", definition=definition, reason="simpler"))
    other.close()
    with pytest.raises(Rejected, match="no stage 'meeting'"):
        ask(sales, MoveStage(stage="meeting"), deal)


def test_a_won_deal_is_reopened(sales: Log, deal: UUID) -> None:
    ask(sales, Win(evidence="contract 7"), deal)
    with pytest.raises(Rejected, match="reopen"):
        ask(sales, MoveStage(stage="meeting"), deal)
    ask(sales, ReopenDeal(stage="contact", reason="contract torn"), deal)
    ask(sales, MoveStage(stage="meeting"), deal)
    assert kinds(sales, deal) == ["DealOpened", "DealWon", "DealReopened", "StageMoved"]


def test_a_rep_has_one_stream(sales: Log) -> None:
    rep = PersonRef(source="crm", key="r1")
    enrolled = ask(sales, EnrolRep(rep=rep, team="north"))
    moved = ask(sales, MoveRep(rep=rep, team="south", manager=PersonRef(source="crm", key="m1")))
    assert (moved.stream_id, moved.version) == (enrolled.stream_id, 2)
    known = person(sales, "crm", "r1")
    assert known is not None
    assert enrolled.events[0].event.rep == known.person_id


def test_a_lead_is_qualified(sales: Log, lead: UUID) -> None:
    ask(sales, QualifyLead(), lead)
    assert kinds(sales, lead) == ["LeadCaptured", "LeadQualified"]
