"""One journey out of the log: its events, and what the stage rules make of them in every pipeline it was in."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from engine.aggregates.deal.events import DealOpened
from engine.aggregates.lead.events import LeadCaptured, LeadConverted
from engine.aggregates.pipeline.state import pipeline_stream
from engine.errors import NotFound
from engine.log.application import Log
from engine.log.keys import find_stream
from engine.messages import AnyRecorded
from engine.projections.definitions import Definitions, Published
from engine.projections.lens import Lens
from engine.stages.facts import OPENINGS, Fact, Life
from engine.stages.fold import Trail, fold
from engine.values import to_micros


@dataclass(frozen=True)
class Journey:
    journey_id: UUID
    """stream of the lead, or of the deal that had none"""
    history: Sequence[AnyRecorded]
    """events of lead and deal together, by position"""


def find_journey(log: Log, named: str | UUID) -> Journey:
    """By our id of the lead or the deal, or by its key in the source system. NotFound; Rejected when ambiguous."""
    stream_id = named if isinstance(named, UUID) else find_stream(log, named)
    own = log.stream(stream_id)
    first = own[0].event if own else None
    if isinstance(first, DealOpened) and first.from_lead is not None:
        lead = log.stream(first.from_lead)
        return Journey(first.from_lead, by_position([*lead, *own]))
    if isinstance(first, LeadCaptured):
        deals = [entry.event.deal for entry in own if isinstance(entry.event, LeadConverted)]
        return Journey(stream_id, by_position([*own, *(entry for deal in deals for entry in log.stream(deal))]))
    if isinstance(first, DealOpened):
        return Journey(stream_id, own)
    raise NotFound(f"{str(named)!r} is no lead or deal: give the id or key of one")


def by_position(history: Sequence[AnyRecorded]) -> list[AnyRecorded]:
    return sorted(history, key=lambda entry: entry.position)


def up_to(history: Sequence[AnyRecorded], position: int) -> list[AnyRecorded]:
    """What the log held at the position: others write while streams are read one after the other."""
    return [entry for entry in history if entry.position <= position]


def published(log: Log, pipeline: str, lens: Lens, position: int) -> Published:
    """The definition a lens meant at that position of the log; NotFound for a pipeline or version that is not there."""
    definitions = Definitions()
    for entry in up_to(log.stream(pipeline_stream(pipeline)), position):
        known = to_micros(entry.recorded_at or entry.occurred_at)
        definitions.add(entry.event, to_micros(entry.occurred_at), known, entry.envelope.actor)
    return definitions.choose(pipeline, lens)


@dataclass(frozen=True)
class Derived:
    """What the rules make of a journey: one trail for each pipeline it was in."""

    trails: dict[str, Trail]
    after: dict[int, tuple[str, str, str | None]]
    """by position: pipeline and stage after the entry, and why where the entry changed it"""


def pipelines_of(facts: Sequence[Fact]) -> list[str]:
    """Every pipeline named, in the order the journey came to them; the last one is where it is."""
    ordered = sorted(facts, key=lambda fact: (fact.occurred_at, fact.position))
    told = [fact.pipeline for fact in ordered if fact.kind in OPENINGS or fact.kind == "PipelineChanged"]
    return list(dict.fromkeys(pipeline for pipeline in reversed(told) if pipeline is not None))[::-1]


def derive(life: Life, definitions: dict[str, Published]) -> Derived:
    trails = {pipeline: fold(life, found.definition) for pipeline, found in definitions.items()}
    after = {
        step.fact.position: (pipeline, step.stage, step.because)
        for pipeline, trail in trails.items()
        for step in trail.steps
        if step.stage is not None
    }
    return Derived(trails, after)
