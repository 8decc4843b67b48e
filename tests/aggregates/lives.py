"""Whole lives of the aggregates: commands in an order in which each is accepted, and between them every event comes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from engine.aggregates.context import Other
from engine.aggregates.deal.commands import (
    AcceptProposal,
    ChangeExpectedClose,
    ChangePipeline,
    ChangeValue,
    DeclineProposal,
    ExpireProposal,
    Lose,
    MergeDeal,
    MoveStage,
    OpenDeal,
    RecordDelivery,
    RecordPayment,
    RecordSatisfaction,
    ReopenDeal,
    ReviseProposal,
    SendProposal,
    Win,
)
from engine.aggregates.journey.commands import (
    AddNote,
    AskFollowUp,
    AssessBant,
    AssignOwner,
    CancelFollowUp,
    CompleteFollowUp,
    HandOver,
    RaiseStalled,
    RecordSignal,
    RetractEntry,
    ScheduleFollowUp,
    SetAttributes,
    SetScore,
    SnoozeFollowUp,
    Touch,
    WithdrawFollowUp,
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
from engine.aggregates.lead.rules import decide as decide_lead
from engine.aggregates.lead.state import Lead
from engine.aggregates.lead.state import evolve as evolve_lead
from engine.aggregates.pipeline.commands import (
    ActivatePolicy,
    CreatePipeline,
    DiscardDraft,
    DraftDefinition,
    PublishDefinition,
    RollBackDefinition,
)
from engine.aggregates.pipeline.rules import decide as decide_pipeline
from engine.aggregates.pipeline.state import Pipeline
from engine.aggregates.pipeline.state import evolve as evolve_pipeline
from engine.aggregates.roster.commands import EnrolRep, MoveRep, RecordRepLeft
from engine.aggregates.roster.rules import decide as decide_roster
from engine.aggregates.roster.state import Rep
from engine.aggregates.roster.state import evolve as evolve_roster
from engine.aggregates.target.commands import ReviseTarget, SetTarget, WithdrawTarget
from engine.aggregates.target.rules import decide as decide_target
from engine.aggregates.target.state import Target
from engine.aggregates.target.state import evolve as evolve_target
from engine.messages import Command, Event
from engine.stages.definition import parse_definition
from engine.values import Attribute, Dimension, Money, TouchKind, Verdict
from tests.aggregates.examples import DEFINITIONS, SALES, deal
from tests.given_when_then import Aggregate, Given, day, entry_id, made, on, person

DUPLICATE_OF = UUID(int=0xB1)


@dataclass(frozen=True)
class Life:
    aggregate: Aggregate
    commands: Sequence[Command]

    def lived(self) -> list[tuple[Command, Sequence[Event]]]:
        """Each command with its events, one a day; AssertionError when one is refused."""
        history: list[Given] = []
        brought = []
        for today, command in enumerate(self.commands, 1):
            here = self.aggregate.given(*history).on_day(today).with_ids_after(len(history))
            answer = here.when(command)
            assert answer.refusal is None, f"{command!r}: {answer.refusal}"
            history += [on(today, event) for event in answer.events]
            brought.append((command, answer.events))
        return brought


OTHERS = {DUPLICATE_OF: Other(DUPLICATE_OF, Journey(pipeline="sales"))}
FOLLOW_UP, FURTHER_FOLLOW_UP = 10, 13
ASKED = made(200)
"""the id that a policy gives"""


def entries(opening: Command) -> list[Command]:
    """What happens to leads and deals alike, after their opening, which is entry 1."""
    return [
        opening,
        Touch(kind=TouchKind.CALL),
        AssessBant(dimension=Dimension.NEED, verdict=Verdict.CONFIRMED, evidence="they said so"),
        RecordSignal(signal="trial finished"),
        SetScore(fit=40),
        AssignOwner(owner=person("r1")),
        SetAttributes(attributes=(Attribute(name="product", value="chairs"),)),
        AddNote(note="call after six"),
        RaiseStalled(stage="contact", started_by=entry_id(8), idle_days=1, limit_days=1, definition=1),
        ScheduleFollowUp(kind=TouchKind.CALL, due_at=day(40)),
        SnoozeFollowUp(follow_up_id=made(FOLLOW_UP), until=day(50), reason="holidays"),
        CompleteFollowUp(follow_up_id=made(FOLLOW_UP), outcome="reached"),
        ScheduleFollowUp(kind=TouchKind.EMAIL, due_at=day(40)),
        CancelFollowUp(follow_up_id=made(FURTHER_FOLLOW_UP), reason="done"),
        AskFollowUp(follow_up_id=ASKED, kind=TouchKind.CALL, due_at=day(40), note="attempt 1 of 3", seen=14),
        WithdrawFollowUp(follow_up_id=ASKED, reason="they were in touch", seen=15),
        HandOver(owner=person("r2"), seen=16),
    ]


A_LEAD = Life(
    Aggregate(decide_lead, evolve_lead, Lead(), DEFINITIONS, OTHERS),
    [
        *entries(CaptureLead(pipeline="sales")),
        QualifyLead(),
        DisqualifyLead(reason="silent"),
        ReopenLead(stage="contact", reason="they called"),
        MergeLead(into=DUPLICATE_OF),
        RetractEntry(event_id=entry_id(21), reason="not the same"),
        ConvertLead(),
    ],
)
A_DEAL = Life(
    deal.knowing(OTHERS),
    [
        *entries(OpenDeal(pipeline="sales")),
        SendProposal(proposal_id=made(101)),
        ReviseProposal(proposal_id=made(101), expires_at=day(60)),
        AcceptProposal(proposal_id=made(101)),
        SendProposal(proposal_id=made(102)),
        DeclineProposal(proposal_id=made(102), reason="price"),
        SendProposal(proposal_id=made(103)),
        ExpireProposal(proposal_id=made(103)),
        MoveStage(stage="contact"),
        ChangeValue(value=Money.of(10, "EUR")),
        ChangeExpectedClose(expected_close=date(2026, 3, 1)),
        ChangePipeline(pipeline="partners", stage="first"),
        Lose(reason="price"),
        ReopenDeal(stage="second", reason="they called"),
        MergeDeal(into=DUPLICATE_OF),
        RetractEntry(event_id=entry_id(31), reason="not the same"),
        Win(evidence="contract 7"),
        RecordPayment(),
        RecordDelivery(),
        RecordSatisfaction(score=9),
    ],
)
FEWER = parse_definition({"pipeline": "sales", "stages": [{"key": "contact", "kind": "open"}]})
A_PIPELINE = Life(
    Aggregate(decide_pipeline, evolve_pipeline, Pipeline()),
    [
        CreatePipeline(pipeline="sales", name="Sales"),
        DraftDefinition(pipeline="sales", definition=SALES, note="as we do it"),
        PublishDefinition(pipeline="sales", draft_id=made(2), reason="first"),
        DraftDefinition(pipeline="sales", definition=FEWER),
        DiscardDraft(pipeline="sales", draft_id=made(4)),
        PublishDefinition(pipeline="sales", definition=FEWER, reason="simpler"),
        RollBackDefinition(pipeline="sales", reason="too simple"),
        ActivatePolicy(pipeline="sales", policy="raise_stalled"),
    ],
)
A_REP = Life(
    Aggregate(decide_roster, evolve_roster, Rep()),
    [
        EnrolRep(rep=person("r1"), team="north"),
        MoveRep(rep=person("r1"), team="south"),
        RecordRepLeft(rep=person("r1")),
    ],
)
A_TARGET = Life(
    Aggregate(decide_target, evolve_target, Target(), DEFINITIONS, reps=(person("r1"),)),
    [
        SetTarget(rep=person("r1"), period="2026-Q1", pipeline="sales", value=Money.of(100, "EUR")),
        ReviseTarget(value=Money.of(120, "EUR"), reason="two more reps"),
        WithdrawTarget(reason="on leave"),
    ],
)
