"""May it? The rules of a lead."""

from engine.aggregates.context import Context
from engine.aggregates.journey.asking import outdated
from engine.aggregates.journey.commands import AskFollowUp, HandOver, RaiseStalled, RetractEntry, WithdrawFollowUp
from engine.aggregates.journey.rules import (
    decide_entry,
    must_be_another_journey,
    must_be_open_stage,
    must_follow,
    must_name_attributes_once,
    must_not_be_won,
    optional_text,
    retract,
)
from engine.aggregates.lead import events
from engine.aggregates.lead.commands import (
    CaptureLead,
    ConvertLead,
    DisqualifyLead,
    LeadCommand,
    MergeLead,
    QualifyLead,
    ReopenLead,
)
from engine.aggregates.lead.events import (
    LeadCaptured,
    LeadConverted,
    LeadDisqualified,
    LeadMerged,
    LeadQualified,
    LeadReopened,
)
from engine.aggregates.lead.state import Lead
from engine.errors import Rejected
from engine.messages import Event

TURNS = (LeadCaptured, LeadDisqualified, LeadReopened)
"""What opens and closes a lead: no decision is dated before one of these."""


def decide(state: Lead, command: LeadCommand, context: Context) -> list[Event]:
    if isinstance(command, CaptureLead):
        return capture(command, context)
    must_be_captured(state)
    if isinstance(command, RetractEntry):
        return retract(state.journey, command, context, events, irrevocable=(LeadConverted,))
    if isinstance(command, AskFollowUp | WithdrawFollowUp | HandOver) and outdated(command.seen, context):
        return []
    must_not_be_converted(state)
    if isinstance(command, WithdrawFollowUp):
        # Also where it was merged: the next steps are the other journey's.
        return decide_entry(state.journey, command, context, events)
    must_not_be_merged(state)
    match command:
        case QualifyLead():
            must_be_open(state)
            must_follow(context, *TURNS)
            return [] if state.qualified else [LeadQualified()]
        case DisqualifyLead():
            return disqualify(state, command, context)
        case ConvertLead():
            return convert(state, command, context)
        case MergeLead():
            must_follow(context, LeadCaptured)
            must_not_be_won(context)
            return [LeadMerged(into=must_be_another_journey(command.into, context))]
        case ReopenLead():
            return reopen(state, command, context)
        case RaiseStalled() if state.disqualified:
            return []
        case _:
            return decide_entry(state.journey, command, context, events)


def capture(command: CaptureLead, context: Context) -> list[Event]:
    if context.entries:
        raise Rejected("the lead is captured already: record what is new as entries, or capture another lead")
    must_name_attributes_once(command.attributes)
    context.definition(command.pipeline)
    return [
        LeadCaptured(
            pipeline=command.pipeline,
            title=optional_text(context, command.title),
            person=None if command.person is None else context.person(command.person, "customer"),
            owner=None if command.owner is None else context.person(command.owner, "rep"),
            source=command.source,
            channel=command.channel,
            value=command.value,
            attributes=command.attributes,
        )
    ]


def disqualify(state: Lead, command: DisqualifyLead, context: Context) -> list[Event]:
    must_be_open(state)
    must_follow(context, *TURNS)
    if command.reason is None:
        raise Rejected("a lead is disqualified with a reason: pass one, such as no-budget")
    return [LeadDisqualified(reason=command.reason, comment=optional_text(context, command.comment))]


def convert(state: Lead, command: ConvertLead, context: Context) -> list[Event]:
    must_be_open(state)
    must_follow(context, *TURNS)
    if command.pipeline not in (None, state.journey.pipeline):
        raise Rejected(
            f"the lead is in pipeline {state.journey.pipeline!r}, its deal is opened there too: "
            f"convert it, then change the deal's pipeline to {command.pipeline!r}"
        )
    return [LeadConverted(deal=context.new_id())]


def reopen(state: Lead, command: ReopenLead, context: Context) -> list[Event]:
    if not state.disqualified:
        raise Rejected("the lead is open: only a disqualified lead is reopened")
    must_follow(context, *TURNS)
    if command.reason is None:
        raise Rejected("a lead is reopened with a reason: pass one that says what changed")
    stage = must_be_open_stage(context.standing.definition, command.stage)
    return [LeadReopened(stage=stage, reason=command.reason)]


def must_be_captured(state: Lead) -> None:
    if state.journey.pipeline is None:
        raise Rejected("the lead is void, its capture was retracted: capture a new one")


def must_be_open(state: Lead) -> None:
    if state.disqualified:
        raise Rejected("the lead is disqualified: reopen it first")


def must_not_be_converted(state: Lead) -> None:
    if state.converted_to is not None:
        raise Rejected(f"the lead became deal {state.converted_to}: record it there; here only entries are retracted")


def must_not_be_merged(state: Lead) -> None:
    into = state.journey.merged_into
    if into is not None:
        raise Rejected(f"the lead was merged into {into}: record it there; here only entries are retracted")
