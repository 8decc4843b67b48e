"""Given these facts, when this is asked, then that: the language of the aggregates' tests.

deal.given(OPENED, on(3, SENT)).when(Win(evidence=None)).rejected("evidence")
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid5

import pytest

from engine.aggregates.context import Entry, Other, Role, Standing
from engine.aggregates.history import entries_of, folded, standing_of
from engine.aggregates.inputs import Who
from engine.entries import EntryRetracted
from engine.errors import DealtrailError, Rejected
from engine.messages import Command, Envelope, Event, Recorded
from engine.stages.definition import Definition
from engine.values import TextRef

DAY_0 = datetime(2026, 1, 5, 9, tzinfo=UTC)
STREAM = UUID("00000000-0000-0000-0000-0000000000d1")
LEAD = UUID("00000000-0000-0000-0000-0000000000a1")
_NAMES = UUID("00000000-0000-0000-0000-00000000face")


def day(number: float) -> datetime:
    return DAY_0 + timedelta(days=number)


def text(body: str) -> TextRef:
    """What an event holds in place of this text."""
    return TextRef(text_id=uuid5(_NAMES, body), hash=sha256(body.encode()).hexdigest())


def person(key: str) -> UUID:
    """The id of the person whom a source system calls by this key."""
    return uuid5(_NAMES, "person " + key)


def made(number: int) -> UUID:
    """The number-th id (from 1) that a command makes up: a proposal's, a follow-up's, a deal's."""
    return UUID(int=0xF000 + number)


def entry_id(place: int) -> UUID:
    """event_id of the entry that stands at this place of the given ones, from 1."""
    return UUID(int=0xE000 + place)


@dataclass(frozen=True)
class Given:
    """An event as it was recorded; without a day it happened one day after the one before it."""

    event: Event
    at: float | None = None
    origin: str = "cli"
    stream_id: UUID = STREAM


def on(at: float, event: Event) -> Given:
    return Given(event, at)


def by_policy(event: Event) -> Given:
    return Given(event, origin="policy:stalled")


def of_the_lead(event: Event) -> Given:
    return Given(event, stream_id=LEAD)


def recorded(given: Sequence[Event | Given]) -> list[Recorded[Any]]:
    """The given events in the log, in the order given; the first on day 0."""
    rows: list[Recorded[Any]] = []
    when = -1.0
    for place, each in enumerate(given, 1):
        line = each if isinstance(each, Given) else Given(each)
        when = when + 1 if line.at is None else line.at
        envelope = Envelope(person("someone"), entry_id(place), entry_id(place), None, line.origin)
        moment = day(when)
        rows.append(Recorded(line.event, line.stream_id, place, entry_id(place), moment, envelope, place, moment))
    return rows


@dataclass
class PlainContext:
    """A rule's context, said outright."""

    history: list[Recorded[Any]]
    definitions: Mapping[str, Definition]
    others: Mapping[UUID, Other]
    now: datetime
    occurred_at: datetime
    journey_id: UUID = STREAM
    made_before: int = 0
    reps: Collection[UUID] = ()
    """who is on the roster"""

    @cached_property
    def entries(self) -> Sequence[Entry]:
        return entries_of(self.history, STREAM)

    @cached_property
    def standing(self) -> Standing:
        return standing_of(self.history, self.occurred_at, self.definition)

    def standing_without(self, event_id: UUID | None) -> Standing:
        return standing_of([each for each in self.history if each.event_id != event_id], None, self.definition)

    def definition(self, pipeline: str) -> Definition:
        if pipeline not in self.definitions:
            raise Rejected(f"pipeline {pipeline!r} has no published definition: publish one first")
        return self.definitions[pipeline]

    def other(self, stream_id: UUID) -> Other | None:
        return self.others.get(stream_id)

    def person(self, who: Who, role: Role) -> UUID:
        return who if isinstance(who, UUID) else person(who.key)

    def enrolled(self, person_id: UUID) -> bool:
        return person_id in self.reps

    def text(self, body: str) -> TextRef:
        return text(body)

    def same_text(self, ref: TextRef | None, body: str) -> bool:
        return ref == text(body)

    def new_id(self) -> UUID:
        self.made_before += 1
        return made(self.made_before)


@dataclass(frozen=True)
class Answer:
    """What decide said: events, or a refusal."""

    events: Sequence[Event]
    refusal: DealtrailError | None

    def then(self, *expected: Event) -> None:
        if self.refusal is not None:
            raise AssertionError(f"refused: {self.refusal}")
        assert list(self.events) == list(expected)

    def nothing(self) -> None:
        self.then()

    def rejected(self, *words: str, as_: type[DealtrailError] = Rejected) -> None:
        """Refused, with all these words in the message."""
        if self.refusal is None:
            pytest.fail(f"was accepted: {self.events}")
        assert type(self.refusal) is as_
        missing = [word for word in words if word not in str(self.refusal)]
        assert not missing, f"{missing} not in: {self.refusal}"


@dataclass(frozen=True)
class Aggregate:
    """An aggregate under test, with what it is given."""

    decide: Callable[[Any, Any, Any], list[Event]]
    evolve: Callable[[Any, Any], Any]
    initial: Any
    definitions: Mapping[str, Definition] = field(default_factory=dict)
    others: Mapping[UUID, Other] = field(default_factory=dict)
    history: Sequence[Event | Given] = ()
    journey_id: UUID = STREAM
    today: float = 30.0
    made_before: int = 0
    """how many ids earlier commands have made up"""
    reps: Collection[UUID] = ()

    def given(self, *history: Event | Given) -> "Aggregate":
        return replace(self, history=history)

    def from_lead(self, state: Any) -> "Aggregate":
        """The deal came from the lead; state: what the deal starts with."""
        return replace(self, initial=state, journey_id=LEAD)

    def knowing(self, others: Mapping[UUID, Other]) -> "Aggregate":
        """Other journeys there are."""
        return replace(self, others=others)

    def on_day(self, today: float) -> "Aggregate":
        return replace(self, today=today)

    def with_ids_after(self, made_before: int) -> "Aggregate":
        return replace(self, made_before=made_before)

    @property
    def state(self) -> Any:
        own = entries_of(recorded(self.history), STREAM)
        return folded(self.evolve, self.initial, [entry for entry in own if entry.own])

    def when(self, command: Command, at: float | None = None) -> Answer:
        """at: the day on which it happened, when that is not today."""
        occurred_at = day(self.today if at is None else at)
        context = PlainContext(
            recorded(self.history),
            self.definitions,
            self.others,
            now=day(self.today),
            occurred_at=occurred_at,
            journey_id=self.journey_id,
            made_before=self.made_before,
            reps=self.reps,
        )
        try:
            return Answer(self.decide(self.state, command, context), None)
        except DealtrailError as refusal:
            return Answer((), refusal)


def retracted(place: int, make: type[EntryRetracted]) -> EntryRetracted:
    return make(event_id=entry_id(place), reason="entered by mistake")
