"""Random facts as real events in a real log, whatever decide would say to them: imported logs hold such things too."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

from engine.aggregates.deal import events as deal
from engine.aggregates.lead import events as lead
from engine.aggregates.pipeline.events import DefinitionPublished, PipelineCreated
from engine.aggregates.pipeline.state import pipeline_stream
from engine.log.application import Log
from engine.log.writes import StreamWrite
from engine.messages import AnyRecorded, Envelope, Event, Recorded
from engine.stages.definition import Definition
from engine.stages.facts import Fact
from engine.values import Money, TextRef

START = datetime(2024, 3, 1, tzinfo=UTC)
BY = Envelope(uuid4(), uuid4(), uuid4(), None, "cli")
NOWHERE = TextRef(text_id=UUID(int=0), hash="0" * 64)
LEAD_ONLY = frozenset({"LeadCaptured", "LeadReopened", "LeadDisqualified", "LeadConverted", "LeadMerged"})
STEP = timedelta(hours=1)


def event_of(fact: Fact, entries: Sequence[AnyRecorded]) -> Event:
    """The event a fact tells of, but for a retraction; entries: the journey's so far."""
    value = None
    if fact.amount_minor is not None and fact.currency is not None:
        value = Money(amount_minor=fact.amount_minor, currency=fact.currency)
    told: dict[str, dict[str, Any]] = {
        "LeadCaptured": {"pipeline": fact.pipeline, "value": value},
        "DealOpened": {"pipeline": fact.pipeline, "value": value},
        "Touched": {"kind": fact.touch},
        "BantAssessed": {"dimension": fact.dimension, "verdict": fact.verdict},
        "SignalRecorded": {"signal": fact.signal},
        "Scored": {"fit": fact.fit, "engagement": fact.engagement},
        "StageMoved": {"stage": fact.stage},
        "DealReopened": {"stage": fact.stage, "reason": "more to say"},
        "LeadReopened": {"stage": fact.stage, "reason": "more to say"},
        "PipelineChanged": {"pipeline": fact.pipeline, "stage": fact.stage},
        "ValueChanged": {"value": value or Money(amount_minor=7, currency="EUR")},
        "ProposalSent": {"proposal_id": UUID(int=1)},
        "ProposalRevised": {"proposal_id": UUID(int=1)},
        "DealWon": {"evidence": NOWHERE, "value": value},
        "DealLost": {"reason": "price"},
        "LeadDisqualified": {"reason": "no budget"},
        "SatisfactionRecorded": {"score": 9},
        "NoteAdded": {"note": NOWHERE},
    }
    fields = dict(told.get(fact.kind, {}))
    if fact.kind == "DealOpened" and fact.from_lead:
        fields["from_lead"] = entries[0].stream_id
    module = lead if fact.kind in LEAD_ONLY else deal
    kind: type[Event] = getattr(module, fact.kind)
    return kind(**fields)


Tell = Callable[[Fact, Sequence[AnyRecorded]], Event]


def by_us() -> Envelope:
    return BY


def write_journeys(log: Log, journeys: list[list[Fact]], *, at_a_time: int, name: str) -> None:
    """All that writing does."""
    for _ in writing(log, journeys, at_a_time=at_a_time, name=name):
        pass


def writing(
    log: Log,
    journeys: list[list[Fact]],
    *,
    at_a_time: int,
    name: str,
    tell: Tell = event_of,
    envelope: Callable[[], Envelope] = by_us,
) -> Iterator[None]:
    """Append every fact in the order of the positions, so many at a time, as events of lead and deal streams.

    The retracts of a fact name positions of the strategy; here they become the entry of the same place in the log.
    """
    order = sorted((fact.position, number, fact) for number, facts in enumerate(journeys) for fact in facts)
    written: dict[int, AnyRecorded] = {}
    of_journey: dict[int, list[AnyRecorded]] = {number: [] for number in range(len(journeys))}
    versions: dict[UUID, int] = {}
    for start in range(0, len(order), at_a_time):
        writes: dict[UUID, list[AnyRecorded]] = {}
        for position, number, fact in order[start : start + at_a_time]:
            first = uuid5(UUID(int=9), f"{name} {number}")
            before = of_journey[number]
            if fact.kind == "EntryRetracted":
                event: Event = deal.EntryRetracted(event_id=written[fact.retracts or 0].event_id, reason="never was")
            else:
                event = tell(fact, before)
            continued = any(getattr(entry.event, "from_lead", None) for entry in before) or (
                getattr(event, "from_lead", None) is not None
            )
            stream = uuid5(first, "deal") if continued else first
            if fact.kind == "EntryRetracted":
                stream = written[fact.retracts or 0].stream_id
            versions[stream] = versions.get(stream, 0) + 1
            entry = Recorded(event, stream, versions[stream], uuid4(), START + STEP * fact.occurred_at, envelope())
            written[position] = entry
            before.append(entry)
            writes.setdefault(stream, []).append(entry)
        log.append([StreamWrite(stream, entries[0].version - 1, entries) for stream, entries in writes.items()])
        yield


def publish(log: Log, definition: Definition) -> None:
    """Publish a definition as the next version of its pipeline."""
    stream = pipeline_stream(definition.pipeline)
    version = len(log.stream(stream))
    events: list[Event] = [] if version else [PipelineCreated(key=definition.pipeline, name="Sales")]
    events.append(DefinitionPublished(version=max(version, 1), definition=definition, reason="begin"))
    entries = [Recorded(event, stream, version + n, uuid4(), START, BY) for n, event in enumerate(events, start=1)]
    log.append([StreamWrite(stream, version, entries)])
