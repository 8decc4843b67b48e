"""A journey's recorded events as the rules read them: in derivation order, with what was taken back marked."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from engine.aggregates.context import Entry, Standing
from engine.entries import EntryRetracted
from engine.messages import AnyRecorded
from engine.stages.definition import Definition
from engine.stages.facts import life
from engine.stages.fold import fold
from engine.stages.reading import facts_of
from engine.values import to_micros

State = TypeVar("State")


def entries_of(history: Iterable[AnyRecorded], stream_id: UUID) -> list[Entry]:
    """The history's entries by (occurred_at, position); those of stream_id are its own."""
    ordered = sorted(history, key=lambda recorded: recorded.order)
    retracted = {each.event.event_id for each in ordered if isinstance(each.event, EntryRetracted)}
    return [
        Entry(
            each.event_id,
            each.event,
            each.occurred_at,
            own=each.stream_id == stream_id,
            retracted=each.event_id in retracted,
            by_policy=each.envelope.origin.startswith("policy:"),
            position=each.position,
        )
        for each in ordered
    ]


def folded(evolve: Callable[[State, Any], State], state: State, entries: Iterable[Entry]) -> State:
    """The state after the entries that were not taken back."""
    for entry in entries:
        if not entry.retracted:
            state = evolve(state, entry.event)
    return state


def standing_of(
    history: Sequence[AnyRecorded], occurred_at: datetime | None, definition: Callable[[str], Definition]
) -> Standing:
    """Where the journey stood at that moment, by the stage rules, or after all that is known (None); definition: the
    one in force of a pipeline.
    """
    seen = life(facts_of(history), as_of=None if occurred_at is None else to_micros(occurred_at))
    pipeline = next((fact.pipeline for fact in reversed(seen.entries) if fact.kind == "PipelineChanged"), seen.pipeline)
    if pipeline is None:
        raise ValueError("a void journey stands nowhere: the rules refuse its commands before they ask")
    in_force = definition(pipeline)
    trail = fold(seen, in_force)
    entered = trail.visits[-1].entered_position if trail.stage is not None else None
    return Standing(
        definition=in_force,
        stage=trail.stage,
        entered_by=next((each.event_id for each in history if each.position == entered), None),
        running=trail.running,
    )
