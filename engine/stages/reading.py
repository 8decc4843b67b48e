"""Recorded events of a journey, read as the facts the stage rules speak of."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from engine.messages import AnyRecorded
from engine.stages.facts import OPENINGS, VALUED, Fact
from engine.values import to_micros


def facts_of(history: Iterable[AnyRecorded]) -> list[Fact]:
    """The facts of a journey's events (a lead's and its deal's together), in the order given."""
    recorded = list(history)
    positions = {entry.event_id: entry.position for entry in recorded}
    return [fact_of(entry, positions) for entry in recorded]


def fact_of(entry: AnyRecorded, positions: dict[UUID, int]) -> Fact:
    """One event as a fact; positions: of the journey's entries by event_id, for what a retraction takes back."""
    return Fact(
        position=entry.position,
        occurred_at=to_micros(entry.occurred_at),
        recorded_at=to_micros(entry.recorded_at or entry.occurred_at),
        kind=type(entry.event).__name__,
        **details_of(entry.event, positions),
    )


def details_of(event: Any, positions: Mapping[UUID, int]) -> dict[str, Any]:
    """The few details of an event that the stage rules speak of, as fields of Fact."""
    kind = type(event).__name__
    details: dict[str, Any] = {}
    match kind:
        case "Touched":
            details = {"touch": event.kind.value}
        case "BantAssessed":
            details = {"dimension": event.dimension.value, "verdict": event.verdict.value}
        case "SignalRecorded":
            details = {"signal": event.signal}
        case "Scored":
            details = {"fit": event.fit, "engagement": event.engagement}
        case "StageMoved" | "DealReopened" | "LeadReopened":
            details = {"stage": event.stage}
        case "PipelineChanged":
            details = {"stage": event.stage, "pipeline": event.pipeline}
        case "EntryRetracted":
            details = {"retracts": positions.get(event.event_id)}
    if kind in OPENINGS:
        details = {"pipeline": event.pipeline, "from_lead": getattr(event, "from_lead", None) is not None}
    if kind in VALUED and event.value is not None:
        details |= {"amount_minor": event.value.amount_minor, "currency": event.value.currency}
    return details
