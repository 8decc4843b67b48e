"""First half of the path: find the stream a command is about, fold it, decide. Nothing is written here."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from engine.aggregates.deal.commands import OpenDeal
from engine.aggregates.inputs import PersonRef
from engine.aggregates.lead.commands import CaptureLead, ConvertLead
from engine.aggregates.lead.events import LeadConverted
from engine.aggregates.pipeline.commands import CreatePipeline, DraftDefinition, PipelineCommand
from engine.aggregates.pipeline.rules import must_exist
from engine.aggregates.pipeline.state import pipeline_stream
from engine.aggregates.roster.state import rep_stream
from engine.aggregates.target.commands import SetTarget
from engine.aggregates.target.state import target_stream
from engine.errors import Conflict, NotFound, Rejected
from engine.knowledge import Introductions, Knowledge, stream_called
from engine.log.application import Log
from engine.log.writes import Erasable, StreamKey
from engine.messages import Command, Event
from engine.streams import DEAL, LEAD, PIPELINE, ROSTER, TARGET, Stream, deal_of_lead, load, new_stream, remembered


@dataclass(frozen=True, slots=True)
class Request:
    """A command with everything that stays the same when it is decided anew."""

    command: Command
    on: UUID | None
    actor: UUID | PersonRef
    origin: str
    command_id: UUID
    fingerprint: str
    occurred_at: datetime | None
    now: datetime
    expected_version: int | None
    correlation_id: UUID
    causation_id: UUID | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What shall be written: per stream its events, and the rows beside them."""

    changes: Sequence[tuple[Stream, Sequence[Event]]]
    """the stream the answer speaks of comes last"""
    occurred_at: datetime
    actor: UUID
    erasable: Erasable
    looked_at: dict[UUID, int]


def decide(log: Log, request: Request, by_memory: bool = False) -> Decision:
    """Load, fold and decide; nothing is written. by_memory: a lead or deal as this process knows it (streams.py)."""
    introductions = Introductions(log)
    actor = request.actor if isinstance(request.actor, UUID) else introductions.person_id(request.actor, "actor")
    known = remembered(log, request.on) if by_memory and request.on is not None else None
    stream = known or found(log, request, introductions)
    if request.expected_version not in (None, stream.version):
        raise Conflict(changed(request, stream))
    if type(request.command) not in stream.kind.commands:
        raise Rejected(not_asked(request, stream))
    occurred_at = moment(request, stream)
    knowledge = Knowledge(log, stream, request.now, occurred_at, introductions)
    events = stream.kind.decide(stream.state, request.command, knowledge)
    changes = [(stream, events)]
    if isinstance(request.command, ConvertLead):
        knowledge, opening = converted(request.command, events[0], knowledge)
        changes.append((knowledge.stream, opening))
    erasable = Erasable(introductions.new, knowledge.texts, called(log, request.command, stream))
    return Decision(changes, occurred_at, actor, erasable, knowledge.looked_at)


def not_asked(request: Request, stream: Stream) -> str:
    """What to say to who asks a lead for what deals do, or the other way round."""
    if stream.kind is LEAD:
        remedy = "convert it into a deal first"
    elif stream.journey_id != stream.stream_id:
        remedy = f"lead {stream.journey_id} was converted into it already, go on with the deal"
    else:
        remedy = f"ask it of another, or what a {stream.kind.name} is asked of this one"
    return (
        f"{type(request.command).__name__} is not asked of a {stream.kind.name}, which {stream.stream_id} is: {remedy}"
    )


def changed(request: Request, stream: Stream) -> str:
    """What to say to who decided by an earlier version of the stream."""
    if isinstance(request.command, PipelineCommand):
        # Its stages have versions of their own, and are another thing than its stream.
        return (
            f"pipeline {request.command.pipeline!r} has changed since you saw it (a draft, a policy or its stages): "
            "look at it again; or take it at any version, and name that of the stages you looked at in replaces_version"
        )
    return (
        f"{stream.kind.name} {stream.stream_id} is at version {stream.version}, you saw {request.expected_version}: "
        "look at what changed and decide again"
    )


def found(log: Log, request: Request, introductions: Introductions) -> Stream:
    """The stream that the command is about."""
    command, on = request.command, request.on
    opening = LEAD if isinstance(command, CaptureLead) else DEAL if isinstance(command, OpenDeal) else None
    if opening is not None:
        on = on or uuid4()
        return load(log, on) or new_stream(opening, on)
    if type(command) in PIPELINE.commands:
        key: Any = command
        on = pipeline_stream(key.pipeline)
        pipeline = load(log, on) or new_stream(PIPELINE, on)
        if not isinstance(command, CreatePipeline | DraftDefinition):
            # What is not there has no version that somebody saw.
            must_exist(pipeline.state, key.pipeline)
        return pipeline
    if type(command) in ROSTER.commands:
        membership: Any = command
        on = rep_stream(introductions.person_id(membership.rep, "rep"))
        return load(log, on) or new_stream(ROSTER, on)
    if isinstance(command, SetTarget):
        on = stream_of_target(command, introductions)
        return load(log, on) or new_stream(TARGET, on)
    about = "target" if type(command) in TARGET.commands else "lead or deal"
    if on is None:
        raise Rejected(f"{type(command).__name__} is about a {about}: name it (on)")
    stream = load(log, on)
    if stream is None:
        begin = "set" if about == "target" else "open"
        raise NotFound(f"there is no {about} {on}: look up its id, or {begin} it first")
    return stream


def stream_of_target(command: SetTarget, introductions: Introductions) -> UUID:
    holder = command.team or "" if command.rep is None else introductions.person_id(command.rep, "rep")
    measure = "wins" if command.value is None else command.value.currency
    return target_stream(holder, command.period, command.pipeline, measure, command.attribute)


def moment(request: Request, stream: Stream) -> datetime:
    """When it happened. Said now, it comes after all that is known: clocks of several machines differ a little."""
    if request.occurred_at is None:
        return max(request.now, stream.history[-1].occurred_at) if stream.history else request.now
    if request.occurred_at > request.now:
        raise Rejected(
            f"occurred_at {request.occurred_at.isoformat()} is in the future (now: {request.now.isoformat()}): "
            "record what happened, schedule what shall"
        )
    return request.occurred_at


def converted(command: ConvertLead, conversion: Event, before: Knowledge) -> tuple[Knowledge, list[Event]]:
    """The opening of the deal that the lead becomes, decided as any opening is."""
    assert isinstance(conversion, LeadConverted)
    lead = before.stream
    knowledge = replace(before, stream=deal_of_lead(lead, conversion.deal))
    opening = OpenDeal(
        pipeline=lead.state.journey.pipeline,
        from_lead=lead.stream_id,
        title=command.title,
        owner=command.owner,
        value=command.value,
        expected_close=command.expected_close,
        attributes=command.attributes,
    )
    return knowledge, DEAL.decide(knowledge.stream.state, opening, knowledge)


def called(log: Log, command: Command, stream: Stream) -> list[StreamKey]:
    """The key that the source system has for what is opened."""
    if not isinstance(command, CaptureLead | OpenDeal) or command.record is None:
        return []
    known = stream_called(log, command.record)
    if known is not None:
        raise Rejected(
            f"{command.record.source}:{command.record.key} is here already, as {known}: record entries on it"
        )
    return [StreamKey(stream.stream_id, command.record.source, command.record.key)]
