"""The five kinds of streams, and what a command needs of one: its history in derivation order and the folded state."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, get_args
from uuid import UUID

from engine.aggregates.context import Context, Entry
from engine.aggregates.deal.commands import DealCommand
from engine.aggregates.deal.events import DealOpened
from engine.aggregates.deal.rules import decide as decide_deal
from engine.aggregates.deal.state import Deal, of_lead
from engine.aggregates.deal.state import evolve as evolve_deal
from engine.aggregates.history import entries_of, folded
from engine.aggregates.lead.commands import LeadCommand
from engine.aggregates.lead.rules import decide as decide_lead
from engine.aggregates.lead.state import Lead
from engine.aggregates.lead.state import evolve as evolve_lead
from engine.aggregates.pipeline.commands import PipelineCommand
from engine.aggregates.pipeline.rules import decide as decide_pipeline
from engine.aggregates.pipeline.state import Pipeline, pipeline_stream
from engine.aggregates.pipeline.state import evolve as evolve_pipeline
from engine.aggregates.roster.commands import RosterCommand
from engine.aggregates.roster.rules import decide as decide_roster
from engine.aggregates.roster.state import Rep
from engine.aggregates.roster.state import evolve as evolve_roster
from engine.aggregates.target.commands import TargetCommand
from engine.aggregates.target.rules import decide as decide_target
from engine.aggregates.target.state import Target
from engine.aggregates.target.state import evolve as evolve_target
from engine.entries import EntryRetracted
from engine.log.application import Log
from engine.messages import AnyRecorded, Command, Event


@dataclass(frozen=True, slots=True)
class Kind:
    """An aggregate, as the path to the log uses it."""

    name: str
    """also the first word of its events' type tags"""
    commands: frozenset[type[Command]]
    decide: Callable[[Any, Any, Context], list[Event]]
    evolve: Callable[[Any, Any], Any]
    initial: Any


LEAD = Kind("lead", frozenset(get_args(LeadCommand)), decide_lead, evolve_lead, Lead())
DEAL = Kind("deal", frozenset(get_args(DealCommand)), decide_deal, evolve_deal, Deal())
PIPELINE = Kind("pipeline", frozenset(get_args(PipelineCommand)), decide_pipeline, evolve_pipeline, Pipeline())
ROSTER = Kind("roster", frozenset(get_args(RosterCommand)), decide_roster, evolve_roster, Rep())
TARGET = Kind("target", frozenset(get_args(TargetCommand)), decide_target, evolve_target, Target())
KINDS = {kind.name: kind for kind in (LEAD, DEAL, PIPELINE, ROSTER, TARGET)}


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream as it stands in the log; a deal that came from a lead with the lead's history before its own."""

    kind: Kind
    stream_id: UUID
    version: int
    journey_id: UUID
    history: Sequence[AnyRecorded]
    entries: Sequence[Entry]
    state: Any


def new_stream(kind: Kind, stream_id: UUID) -> Stream:
    return Stream(kind, stream_id, 0, stream_id, (), (), kind.initial)


def load(log: Log, stream_id: UUID) -> Stream | None:
    """None where the log has no such stream."""
    own = log.stream(stream_id)
    return None if not own else loaded(log, stream_id, own)


def remembered(log: Log, stream_id: UUID) -> Stream | None:
    """As load, of what this process wrote last: perhaps no longer what the log has (engine/log/memory.py)."""
    known: Stream | None = log.memory.get(stream_id)
    return known


_REMEMBERED = {LEAD.name, DEAL.name}


def remember(log: Log, stream: Stream, new: Sequence[AnyRecorded]) -> None:
    """What was just written after the stream, for the next command. A deal that stands on its lead's history is left
    out: its version tells nothing of a correction there."""
    if stream.kind.name not in _REMEMBERED or stream.journey_id != stream.stream_id:
        return
    log.memory.put(stream.stream_id, partial(gone_on, stream, new), stream.version + len(new))


def gone_on(stream: Stream, new: Sequence[AnyRecorded]) -> Stream:
    """The stream with what was written after it: folded on where that comes last, anew where it takes its place among
    what is there (a late entry), or takes something back."""
    if not new:
        return stream
    history = [*stream.history, *new]
    late = stream.entries and new[0].occurred_at < stream.entries[-1].occurred_at
    if late or any(isinstance(each.event, EntryRetracted) for each in new):
        return folded_stream(stream.kind, stream.stream_id, history)
    entries = entries_of(new, stream.stream_id)
    state = folded(stream.kind.evolve, stream.state, entries)
    journey, grown = stream.journey_id, [*stream.entries, *entries]
    return Stream(stream.kind, stream.stream_id, new[-1].version, journey, history, grown, state)


def loaded(log: Log, stream_id: UUID, own: Sequence[AnyRecorded]) -> Stream:
    kind = KINDS[own[0].event.TOPIC.partition(".")[0]]
    lead_id = lead_of(own) if kind is DEAL else None
    if lead_id is not None:
        lead = load(log, lead_id)
        if lead is not None:
            return deal_of_lead(lead, stream_id, own)
    return folded_stream(kind, stream_id, own)


def folded_stream(kind: Kind, stream_id: UUID, own: Sequence[AnyRecorded]) -> Stream:
    """Of a stream that stands on no other."""
    entries = entries_of(own, stream_id)
    return Stream(kind, stream_id, own[-1].version, stream_id, own, entries, folded(kind.evolve, kind.initial, entries))


def load_pipeline(log: Log, key: str, position: int | None = None) -> Pipeline:
    """As it stands, or as it stood at a position of the log; one without a key where there is none."""
    identity = pipeline_stream(key)
    own = [each for each in log.stream(identity) if position is None or each.position <= position]
    state: Pipeline = loaded(log, identity, own).state if own else Pipeline()
    return state


def deal_of_lead(lead: Stream, deal_id: UUID, own: Sequence[AnyRecorded] = ()) -> Stream:
    """The deal that a lead became, or is about to."""
    history = [*lead.history, *own]
    entries = entries_of(history, deal_id)
    state = folded(evolve_deal, of_lead(lead.state.journey), [entry for entry in entries if entry.own])
    return Stream(DEAL, deal_id, own[-1].version if own else 0, lead.stream_id, history, entries, state)


def lead_of(deal: Sequence[AnyRecorded]) -> UUID | None:
    # Such an opening is never retracted, so that every version of the stream tells the same.
    return next((each.event.from_lead for each in deal if isinstance(each.event, DealOpened)), None)
