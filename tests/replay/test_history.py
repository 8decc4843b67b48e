"""One journey's history, told by commands and read back, on both databases."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, update

from engine.aggregates.deal.commands import ChangePipeline, MoveStage, OpenDeal, SendProposal
from engine.aggregates.inputs import PersonRef, SourceKey
from engine.aggregates.journey.commands import (
    AddNote,
    AssessBant,
    AssignOwner,
    CompleteFollowUp,
    RetractEntry,
    ScheduleFollowUp,
    SetAttributes,
    SnoozeFollowUp,
    Touch,
)
from engine.aggregates.lead.commands import CaptureLead, ConvertLead
from engine.aggregates.pipeline.commands import CreatePipeline, PublishDefinition
from engine.aggregates.roster.commands import EnrolRep
from engine.errors import NotFound
from engine.handle import Outcome, handle
from engine.log import tables
from engine.log.application import Log
from engine.messages import Command
from engine.projections.lens import Lens
from engine.projections.reps import reps
from engine.projections.views import Views
from engine.stages.definition import Definition, parse_definition
from engine.values import Attribute, Dimension, Money, TouchKind, Verdict, to_micros
from replay.history import History, HistoryEvent, history

CLERK = PersonRef(source="login", key="clerk", name="The Clerk")
REP = PersonRef(source="crm", key="rep-7", name="Rep Seven")
CALL, MEETING = Touch(kind=TouchKind.CALL), Touch(kind=TouchKind.MEETING)
START = datetime(2026, 1, 5, 9, tzinfo=UTC)


def stages(pipeline: str) -> Definition:
    return parse_definition(
        {
            "pipeline": pipeline,
            "stages": [
                {"key": "contact", "kind": "open"},
                {"key": "meeting", "kind": "open", "enter": {"touch": {"kind": "meeting"}}},
                {"key": "proposal", "kind": "open", "enter": {"event": "ProposalSent"}},
                {"key": "won", "kind": "won", "enter": {"event": "DealWon"}},
                {
                    "key": "lost",
                    "kind": "lost",
                    "enter": {"any": [{"event": "DealLost"}, {"event": "LeadDisqualified"}]},
                },
            ],
        }
    )


def ask(log: Log, command: Command, on: UUID | None = None, day: float | None = None, **how: Any) -> Outcome:
    """Without a day it happens now."""
    occurred_at = None if day is None else START + timedelta(days=day)
    return handle(log, command, on=on, actor=CLERK, origin="api", occurred_at=occurred_at, **how)


@pytest.fixture
def sales(log: Log) -> Log:
    for definition in (stages("sales"), stages("partners")):
        ask(log, CreatePipeline(pipeline=definition.pipeline, name=definition.pipeline))
        ask(log, PublishDefinition(pipeline=definition.pipeline, definition=definition, reason="first"))
    return log


def opened(log: Log, **details: Any) -> UUID:
    return ask(log, OpenDeal(pipeline="sales", **details), day=0).stream_id


def told(log: Log, journey: UUID | str, **lens: Any) -> History:
    return history(log, journey, Lens.of(**lens))


def of_type(answer: History, topic: str) -> HistoryEvent:
    (found,) = (event for event in answer.events if event.type == topic)
    return found


@pytest.mark.checklist("S44")
def test_it_tells_who_when_and_the_stage_after_each_event_and_why(sales: Log) -> None:
    deal = opened(sales, owner=REP)
    ask(sales, CALL, deal, day=1)
    ask(sales, MEETING, deal, day=2)
    answer = told(sales, deal)
    rows = [(event.type, event.version, event.stage_after, event.because, event.occurred_at) for event in answer.events]
    assert rows == [
        ("deal.opened.v1", 1, "contact", "the first event", START),
        ("deal.touched.v1", 2, "contact", None, START + timedelta(days=1)),
        ("deal.touched.v1", 3, "meeting", "touch kind meeting", START + timedelta(days=2)),
    ]
    first = answer.events[0]
    assert (first.actor, first.actor_label, first.origin) == ("clerk", "The Clerk", "api")
    assert first.recorded_at > first.occurred_at
    assert UUID(first.event_id)
    assert [(visit.stage, visit.left_at is None, visit.how) for visit in answer.visits] == [
        ("contact", False, "automatic"),
        ("meeting", True, "automatic"),
    ]
    assert answer.visits[0].seconds == 2 * 86_400
    assert (answer.pipeline, answer.definition, answer.n, answer.position) == ("sales", 1, 3, sales.position())


def test_the_journey_is_found_by_our_id_or_by_the_source_systems(sales: Log) -> None:
    deal = opened(sales, record=SourceKey(source="crm", key="173688"))
    for name in (deal, str(deal), deal.hex, "173688", "crm:173688"):
        answer = told(sales, name)
        assert (answer.journey, answer.key) == (str(deal), "173688")


def test_it_tells_the_customer_and_nobody_whom_only_a_later_event_names(sales: Log) -> None:
    lead = ask(sales, CaptureLead(pipeline="sales", person=PersonRef(source="crm", key="c-1", name="Acme")), day=0)
    deal = ask(sales, ConvertLead(), lead.stream_id, day=1)
    ask(sales, AssignOwner(owner=REP), deal.stream_id, day=2)
    early, late = told(sales, lead.stream_id, as_of=START + timedelta(days=1)), told(sales, lead.stream_id)
    for answer in (early, late):
        assert answer.state.customer is not None
        assert (answer.state.customer.key, answer.state.customer.label) == ("c-1", "Acme")
    assert {person.key for person in early.people.values()} == {"clerk", "c-1"}
    assert {person.key for person in late.people.values()} == {"clerk", "c-1", "rep-7"}


def test_unknown_ids_are_not_found(sales: Log) -> None:
    deal = opened(sales)
    for name in (uuid4(), "nobody"):
        with pytest.raises(NotFound, match="no lead or deal"):
            told(sales, name)
    with pytest.raises(NotFound, match="not in this journey"):
        history(sales, deal, Lens.of(), at=str(uuid4()))
    with pytest.raises(NotFound, match="no history yet"):
        told(sales, deal, as_of=START - timedelta(days=1))


def test_a_lead_and_its_deal_are_one_history_whichever_is_asked_for(sales: Log) -> None:
    lead = ask(sales, CaptureLead(pipeline="sales"), day=0).stream_id
    ask(sales, MEETING, lead, day=1)
    deal = ask(sales, ConvertLead(), lead, day=2).stream_id
    ask(sales, SendProposal(), deal, day=3)
    answer = told(sales, lead)
    assert told(sales, deal) == answer
    assert answer.journey == str(lead)
    assert [event.stage_after for event in answer.events] == ["contact", "meeting", "meeting", "meeting", "proposal"]
    assert [UUID(event.stream_id) for event in answer.events] == [lead, lead, lead, deal, deal]


def test_a_late_entry_takes_its_place_in_time_and_says_so(sales: Log) -> None:
    deal = ask(sales, OpenDeal(pipeline="sales"), day=0).stream_id
    ask(sales, SendProposal(), deal)
    ask(sales, MEETING, deal, day=2)
    answer = told(sales, deal)
    assert [(event.type, event.stage_after) for event in answer.events] == [
        ("deal.opened.v1", "contact"),
        ("deal.touched.v1", "meeting"),
        ("deal.proposal_sent.v1", "proposal"),
    ]
    assert [(event.late, event.out_of_order) for event in answer.events] == [
        (True, False),
        (True, True),
        (False, False),
    ]


def test_a_correction_is_shown_as_one_and_undone_for_who_asks_what_was_known(sales: Log) -> None:
    deal = opened(sales)
    meeting = ask(sales, MEETING, deal, day=1).events[0]
    known = sales.stream(deal)[-1].recorded_at
    ask(sales, RetractEntry(event_id=meeting.event_id, reason="another customer"), deal)
    answer = told(sales, deal)
    touched, correction = of_type(answer, "deal.touched.v1"), of_type(answer, "deal.entry_retracted.v1")
    assert touched.retracted_by == correction.event_id
    assert (touched.stage_after, touched.because) == (None, None)
    assert (correction.stage_after, correction.data["event_id"]) == (None, str(meeting.event_id))
    assert answer.state.stage == "contact"
    assert answer.state.touches == 0
    before = told(sales, deal, known_at=known)
    assert of_type(before, "deal.touched.v1").stage_after == "meeting"
    assert before.n == 2


def test_as_of_hides_what_came_later_but_never_a_correction(sales: Log) -> None:
    deal = opened(sales)
    meeting = ask(sales, MEETING, deal, day=1).events[0]
    ask(sales, CALL, deal, day=9)
    ask(sales, RetractEntry(event_id=meeting.event_id, reason="another customer"), deal)
    answer = told(sales, deal, as_of=START + timedelta(days=2))
    assert [event.type for event in answer.events] == ["deal.opened.v1", "deal.touched.v1", "deal.entry_retracted.v1"]
    assert answer.state.stage == "contact"


def test_what_a_clock_ahead_of_ours_wrote_is_seen_at_once(sales: Log) -> None:
    ours = datetime.now(UTC) - timedelta(minutes=2)
    deal = ask(sales, OpenDeal(pipeline="sales")).stream_id
    ask(sales, EnrolRep(rep=REP, team="north"))
    present = told(sales, deal, now=ours)
    assert [event.type for event in present.events] == ["deal.opened.v1"]
    assert [visit.seconds for visit in present.visits] == [0]
    assert [rep.key for rep in reps(Views(sales).staff(Lens.of(now=ours)))] == ["rep-7"]
    with pytest.raises(NotFound, match="no history yet"):
        told(sales, deal, as_of=ours)


def test_a_void_journey_shows_what_there_was(sales: Log) -> None:
    deal = opened(sales)
    opening = sales.stream(deal)[0].event_id
    ask(sales, RetractEntry(event_id=opening, reason="entered twice"), deal)
    answer = told(sales, deal)
    assert (answer.void, answer.pipeline, answer.visits, answer.state.stage) == (True, "sales", (), None)
    assert answer.events[0].retracted_by == answer.events[1].event_id


def test_texts_are_shown_until_erased_and_checked_against_their_hash(sales: Log) -> None:
    deal = opened(sales, title="Forty chairs")
    ask(sales, AddNote(note="wants blue"), deal, day=1)
    answer = told(sales, deal)
    assert answer.label == "Forty chairs"
    note = of_type(answer, "deal.note_added.v1").data["note"]
    assert (note["text"], note["intact"]) == ("wants blue", True)
    with sales.engine.begin() as connection:
        connection.execute(update(tables.texts).where(tables.texts.c.body == "wants blue").values(body="wants red"))
        connection.execute(delete(tables.texts).where(tables.texts.c.body == "Forty chairs"))
    answer = told(sales, deal)
    note = of_type(answer, "deal.note_added.v1").data["note"]
    assert (note["text"], note["intact"]) == ("wants red", False)
    title = answer.events[0].data["title"]
    assert (title["text"], title["intact"], answer.label) == (None, None, None)


def test_an_erased_person_keeps_a_place_without_a_name(sales: Log) -> None:
    deal = opened(sales, owner=REP)
    assert told(sales, deal).state.owner is not None
    owner = told(sales, deal).events[0].data["owner"]
    with sales.engine.begin() as connection:
        connection.execute(delete(tables.people).where(tables.people.c.key == "rep-7"))
    found = told(sales, deal).state.owner
    assert found is not None
    assert (found.key, found.label) == (owner, owner)


def test_the_state_can_be_asked_for_after_any_event(sales: Log) -> None:
    deal = opened(
        sales, owner=CLERK, source="ads", value=Money.of(100, "EUR"), attributes=(attribute("sector", "hotels"),)
    )
    bant = AssessBant(dimension=Dimension.BUDGET, verdict=Verdict.CONFIRMED)
    assessed = ask(sales, bant, deal, day=1).events[0]
    ask(sales, AssignOwner(owner=REP), deal, day=2)
    ask(sales, SetAttributes(attributes=(attribute("sector", "schools"),)), deal, day=3)
    ask(sales, MEETING, deal, day=4)
    ask(sales, SendProposal(), deal, day=5)
    then = history(sales, deal, Lens.of(), at=assessed.event_id)
    assert then.state_at == str(assessed.event_id)
    assert then == history(sales, deal, Lens.of(), at=assessed.position)
    assert then.n == 6
    state = then.state
    assert (state.stage, state.bant["budget"], state.bant["need"]) == ("contact", "confirmed", "unknown")
    assert (state.attributes, state.touches, state.proposals) == ({"sector": "hotels"}, 0, 0)
    assert state.owner is not None
    assert state.owner.key == "clerk"
    now = told(sales, deal).state
    assert now.owner is not None
    assert (now.owner.key, now.owner.label, now.stage, now.source) == ("rep-7", "Rep Seven", "proposal", "ads")
    assert (now.attributes, now.touches, now.proposals) == ({"sector": "schools"}, 1, 1)
    assert now.value is not None
    assert now.value.model_dump() == {"amount": "100.00", "currency": "EUR"}


def test_the_state_names_the_open_follow_ups(sales: Log) -> None:
    deal = opened(sales)
    due = datetime.now(UTC) + timedelta(days=3)
    first, second = (
        ask(sales, ScheduleFollowUp(kind=TouchKind.CALL, due_at=due), deal).events[0].event.model_dump()["follow_up_id"]
        for _ in range(2)
    )
    ask(sales, SnoozeFollowUp(follow_up_id=first, until=due + timedelta(days=1), reason="holidays"), deal)
    ask(sales, CompleteFollowUp(follow_up_id=second, outcome="reached"), deal)
    (left,) = told(sales, deal).state.follow_ups
    assert (left.follow_up_id, left.kind, left.due_at) == (str(first), "call", due + timedelta(days=1))


def test_a_journey_through_two_pipelines_is_told_by_both(sales: Log) -> None:
    deal = opened(sales)
    ask(sales, MEETING, deal, day=1)
    ask(sales, ChangePipeline(pipeline="partners", stage="contact", reason="reseller"), deal, day=2)
    ask(sales, MEETING, deal, day=3)
    answer = told(sales, deal)
    assert answer.pipeline == "partners"
    assert [(event.pipeline_after, event.stage_after) for event in answer.events] == [
        ("sales", "contact"),
        ("sales", "meeting"),
        ("partners", "contact"),
        ("partners", "meeting"),
    ]
    assert [(visit.pipeline, visit.stage, visit.left_at is None) for visit in answer.visits] == [
        ("sales", "contact", False),
        ("sales", "meeting", False),
        ("partners", "contact", False),
        ("partners", "meeting", True),
    ]
    assert told(sales, deal, as_of=START + timedelta(days=1)).pipeline == "sales"


def test_a_move_is_told_as_a_persons(sales: Log) -> None:
    deal = opened(sales)
    ask(sales, MoveStage(stage="proposal", reason="asked by phone"), deal, day=1)
    assert of_type(told(sales, deal), "deal.stage_moved.v1").because == "moved by a person"


def test_it_can_be_read_by_an_older_definition(sales: Log) -> None:
    deal = opened(sales)
    ask(sales, MEETING, deal, day=1)
    fewer = stages("sales").model_dump(mode="json")
    fewer["stages"] = [stage for stage in fewer["stages"] if stage["key"] != "meeting"]
    ask(sales, PublishDefinition(pipeline="sales", definition=parse_definition(fewer), reason="simpler"))
    assert (told(sales, deal).definition, told(sales, deal).state.stage) == (2, "contact")
    assert (told(sales, deal, definition="1").definition, told(sales, deal, definition="1").state.stage) == (
        1,
        "meeting",
    )
    with pytest.raises(NotFound, match="no version 3"):
        told(sales, deal, definition="3")


def test_it_is_written_as_the_contract_says(sales: Log) -> None:
    deal = opened(sales, value=Money.of(5, "EUR"))
    written = told(sales, deal, as_of=START).model_dump(mode="json")
    assert written["as_of"] == "2026-01-05T09:00:00Z"
    event = written["events"][0]
    assert event["occurred_at"] == "2026-01-05T09:00:00Z"
    assert event["recorded_at"].endswith("Z")
    assert event["data"] == {"pipeline": "sales", "value": {"amount_minor": 500, "currency": "EUR"}, "attributes": []}
    assert to_micros(START) == Lens.of(as_of=START).as_of


def attribute(name: str, value: str) -> Attribute:
    return Attribute(name=name, value=value)


@pytest.mark.parametrize("meanwhile", ["position", "stream"])
def test_it_is_of_one_position_whatever_is_written_while_it_is_read(
    sales: Log, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    deal = opened(sales)
    read = getattr(sales, meanwhile)

    def reading_beside_others(*asked: Any) -> Any:
        found = read(*asked)
        monkeypatch.undo()
        ask(sales, CALL, deal, day=1)
        return found

    monkeypatch.setattr(sales, meanwhile, reading_beside_others)
    answer = told(sales, deal)
    by_then = [entry.position for entry in sales.stream(deal) if entry.position <= answer.position]
    assert [event.position for event in answer.events] == by_then
