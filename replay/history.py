"""The history of one journey: every event in order, who, when, when it was recorded, the stage after it and why."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from engine.entries import EntryRetracted
from engine.errors import NotFound
from engine.log.application import Log
from engine.log.keys import keys_of
from engine.messages import AnyRecorded
from engine.projections.figures import SECOND, Answer, Figures
from engine.projections.lens import Lens, called
from engine.stages.facts import OPENINGS, life
from engine.stages.reading import facts_of
from engine.values import from_micros, to_micros
from replay.life import Derived, Journey, derive, find_journey, pipelines_of, published, up_to
from replay.references import Named, people_of, resolved, with_texts
from replay.standing import Person, Standing, person, standing

NOWHERE = (None, None, None)
LATE = timedelta(days=1)
"""An entry recorded so long after it occurred is shown as late."""


class HistoryEvent(Figures):
    position: int
    event_id: str
    stream_id: str
    """of the lead or of the deal"""
    version: int
    """in that stream"""
    type: str
    occurred_at: datetime
    recorded_at: datetime
    late: bool
    """recorded a day or more after it occurred"""
    out_of_order: bool
    """something that occurred later had been recorded before it: it took its place in between"""
    actor: str
    """key of who did it"""
    actor_label: str
    origin: str
    data: dict[str, Any]
    """the payload; in place of each text reference also text (None: erased) and intact (its hash holds)"""
    pipeline_after: str | None
    stage_after: str | None
    """None for an entry that is taken back, for a correction, and while the journey is in no known pipeline"""
    because: str | None
    """where the entry changed the stage or confirmed a move: the criterion that fired, or the person's move"""
    retracted_by: str | None
    """event_id of the correction that takes it back"""


class HistoryVisit(Figures):
    pipeline: str
    stage: str
    entered_at: datetime
    left_at: datetime | None
    seconds: float
    """up to as_of while it lasts"""
    how: str


class History(Answer):
    """n counts events. pipeline is the one the journey is in (a void one: was to be in)."""

    journey: str
    key: str | None
    """id in the source system"""
    label: str | None
    """title; None also where erased"""
    void: bool
    """its opening was taken back"""
    events: tuple[HistoryEvent, ...]
    visits: tuple[HistoryVisit, ...]
    state: Standing
    """after the last entry, or after the one asked for"""
    state_at: str | None
    """event_id of the entry asked for"""
    people: dict[str, Person]
    """everybody the events name, by person_id"""


def history(
    log: Log,
    journey: str | UUID,
    lens: Lens,
    *,
    at: str | UUID | int | None = None,
    position: int | None = None,
) -> History:
    """Everything one lens shows of a journey. journey: our id of the lead or deal, or its key in the source system.

    at: event_id or position of the entry after which the state is wanted (live entries in order up to and including
    it). position: as the log was there; without it, now. NotFound: an unknown journey, one not there yet under the
    lens, an event that is not in its history.
    """
    position = log.position() if position is None else position
    found = find_journey(log, journey)
    found = replace(found, history=up_to(found.history, position))
    facts = facts_of(found.history)
    alive = life(facts, as_of=lens.horizon, known_at=lens.known_at)
    live = {fact.position for fact in alive.entries}
    shown = in_order(found.history, lens)
    if not shown:
        raise NotFound(f"journey {str(journey)!r} had no history yet at the moment asked for: ask for a later one")
    path = pipelines_of(alive.entries) or pipelines_of([fact for fact in facts if fact.kind in OPENINGS])
    chosen = {pipeline: published(log, pipeline, lens_for(lens, pipeline, path[-1]), position) for pipeline in path}
    derived = derive(alive, chosen)
    people, texts = people_of(log, shown), resolved(log, shown)
    asked = None if at is None else the_event(shown, at)
    kept = [entry for entry in shown if entry.position in live]
    before = kept if asked is None else [entry for entry in kept if entry.order <= asked.order]
    return History(
        pipeline=path[-1],
        definition=called(chosen[path[-1]].version),
        as_of=from_micros(lens.as_of),
        known_at=None if lens.known_at is None else from_micros(lens.known_at),
        position=position,
        n=len(shown),
        journey=str(found.journey_id),
        key=key_of(log, found),
        label=title(kept, texts),
        void=not alive.entries,
        events=tuple(events(shown, derived, people, texts)),
        visits=tuple(visits(derived, lens)),
        state=standing(before, *stands(before, derived), people),
        state_at=None if asked is None else str(asked.event_id),
        people={str(person_id): Person(key=name.key, label=name.label) for person_id, name in people.items()},
    )


def in_order(history: Sequence[AnyRecorded], lens: Lens) -> list[AnyRecorded]:
    """What the lens shows, in derivation order; a correction is shown wherever the entry it takes back is."""
    known = [entry for entry in history if lens.known_at is None or recorded(entry) <= lens.known_at]
    until = lens.horizon
    shown = {entry.event_id for entry in known if until is None or to_micros(entry.occurred_at) <= until}
    kept = [entry for entry in known if entry.event_id in shown or taken_back(entry) in shown]
    return sorted(kept, key=lambda entry: entry.order)


def recorded(entry: AnyRecorded) -> int:
    return to_micros(entry.recorded_at or entry.occurred_at)


def taken_back(entry: AnyRecorded) -> UUID | None:
    """event_id of what a correction takes back."""
    event: Any = entry.event
    return event.event_id if isinstance(event, EntryRetracted) else None


def lens_for(lens: Lens, pipeline: str, present: str) -> Lens:
    """A version's number means the pipeline the journey is in; those it came through are read as of now."""
    return replace(lens, definition="now") if isinstance(lens.definition, int) and pipeline != present else lens


def key_of(log: Log, journey: Journey) -> str | None:
    """The lead's key in the source system, else the deal's."""
    streams = dict.fromkeys(entry.stream_id for entry in journey.history)
    keys = keys_of(log, streams)
    return next((keys[stream] for stream in streams if stream in keys), None)


def the_event(shown: Sequence[AnyRecorded], at: str | UUID | int) -> AnyRecorded:
    for entry in shown:
        if str(at) in (str(entry.event_id), entry.event_id.hex, str(entry.position)):
            return entry
    said = f"event {str(at)!r} is not in this journey's history: give an event_id or position from it"
    raise NotFound(said, field="at")


def title(kept: Sequence[AnyRecorded], texts: dict[str, dict[str, Any]]) -> str | None:
    refs = [entry.event.title for entry in kept if type(entry.event).__name__ in OPENINGS and entry.event.title]
    text: str | None = texts[str(refs[-1].text_id)]["text"] if refs else None
    return text


def stands(before: Sequence[AnyRecorded], derived: Derived) -> tuple[str | None, str | None]:
    """Pipeline and stage after the last of the entries."""
    return derived.after.get(before[-1].position, NOWHERE)[:2] if before else (None, None)


def events(
    shown: Sequence[AnyRecorded], derived: Derived, people: dict[UUID, Named], texts: dict[str, dict[str, Any]]
) -> Iterator[HistoryEvent]:
    corrections = {taken_back(entry): str(entry.event_id) for entry in reversed(shown) if taken_back(entry)}
    later: list[bool] = []
    soonest = shown[-1].position + 1
    for entry in reversed(shown):
        # Recorded after something that occurred later.
        later.append(entry.position > soonest)
        soonest = min(soonest, entry.position)
    for entry, out_of_order in zip(shown, reversed(later), strict=True):
        pipeline, stage, because = derived.after.get(entry.position, NOWHERE)
        actor = person(entry.envelope.actor, people)
        recorded_at = entry.recorded_at or entry.occurred_at
        yield HistoryEvent(
            position=entry.position,
            event_id=str(entry.event_id),
            stream_id=str(entry.stream_id),
            version=entry.version,
            type=entry.event.TOPIC,
            occurred_at=entry.occurred_at,
            recorded_at=recorded_at,
            late=recorded_at - entry.occurred_at >= LATE,
            out_of_order=out_of_order,
            actor=actor.key,
            actor_label=actor.label,
            origin=entry.envelope.origin,
            data=with_texts(json.loads(entry.event.payload()), texts),
            pipeline_after=pipeline,
            stage_after=stage,
            because=because,
            retracted_by=corrections.get(entry.event_id),
        )


def visits(derived: Derived, lens: Lens) -> list[HistoryVisit]:
    found = [(visit, pipeline) for pipeline, trail in derived.trails.items() for visit in trail.visits]
    found.sort(key=lambda pair: (pair[0].entered_at, pair[0].entered_position))
    return [
        HistoryVisit(
            pipeline=pipeline,
            stage=visit.stage,
            entered_at=from_micros(visit.entered_at),
            left_at=None if visit.left_at is None else from_micros(visit.left_at),
            seconds=max(0, (lens.as_of if visit.left_at is None else visit.left_at) - visit.entered_at) / SECOND,
            how=visit.how,
        )
        for visit, pipeline in found
    ]
