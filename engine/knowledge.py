"""A rule's context out of the log: looked up when a rule asks, so that only commands that need it pay for it."""

import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from uuid import UUID, uuid4

from sqlalchemy import select

from engine.aggregates.context import Entry, Other, Role, Standing
from engine.aggregates.history import standing_of
from engine.aggregates.inputs import PersonRef, SourceKey, Who
from engine.aggregates.pipeline.state import Pipeline, pipeline_stream
from engine.aggregates.pipeline.state import evolve as evolve_pipeline
from engine.aggregates.roster.state import rep_stream
from engine.errors import Rejected
from engine.log import tables
from engine.log.application import Log
from engine.log.identity import from_database, to_database
from engine.log.people import person
from engine.log.texts import new_text, texts
from engine.log.writes import Person, Text
from engine.stages.definition import Definition
from engine.streams import DEAL, LEAD, Stream, load
from engine.values import TextRef


@dataclass
class Introductions:
    """The people a command names: found in the log, or to be written with its events."""

    log: Log
    new: list[Person] = field(default_factory=list)
    _met: dict[tuple[str, str], UUID] = field(default_factory=dict)

    def person_id(self, who: Who, role: str) -> UUID:
        if isinstance(who, UUID):
            return self._known(who)
        met = (who.source, who.key)
        if met not in self._met:
            found = person(self.log, who.source, who.key) or self._introduce(who, role)
            self._met[met] = found.person_id
        return self._met[met]

    def _introduce(self, who: PersonRef, role: str) -> Person:
        # Drawn at random: an id derived from the key could be guessed after the person is erased.
        self.new.append(Person(uuid4(), role, who.source, who.key, who.name, who.email, who.phone))
        return self.new[-1]

    def _known(self, person_id: UUID) -> UUID:
        people = tables.people
        with self.log.engine.connect() as connection:
            asked = select(people.c.person_id).where(people.c.person_id == to_database(connection, person_id))
            if connection.execute(asked).first() is None:
                raise Rejected(f"there is no person {person_id}: name one that is known, or pass source and key")
        return person_id


@dataclass
class Knowledge:
    """What decide is told about one stream; collects the texts it lays aside and the other streams it looked at."""

    log: Log
    stream: Stream
    now: datetime
    occurred_at: datetime
    introductions: Introductions
    texts: list[Text] = field(default_factory=list)
    looked_at: dict[UUID, int] = field(default_factory=dict)
    """versions of the other streams: when one changes meanwhile, it is decided anew"""

    @property
    def journey_id(self) -> UUID:
        return self.stream.journey_id

    @property
    def entries(self) -> Sequence[Entry]:
        return self.stream.entries

    @cached_property
    def standing(self) -> Standing:
        return standing_of(self.stream.history, self.occurred_at, self.definition)

    def standing_without(self, event_id: UUID | None) -> Standing:
        return standing_of([each for each in self.stream.history if each.event_id != event_id], None, self.definition)

    def definition(self, pipeline: str) -> Definition:
        definition = in_force(self.log, pipeline).definition
        if definition is None:
            raise Rejected(f"pipeline {pipeline!r} has no published definition: publish one first")
        return definition

    def other(self, stream_id: UUID) -> Other | None:
        found = load(self.log, stream_id)
        if found is None or found.kind not in (LEAD, DEAL):
            return None
        if found.kind is LEAD and found.state.converted_to is not None:
            self.looked_at[found.stream_id] = found.version
            found = load(self.log, found.state.converted_to) or found
        self.looked_at[found.stream_id] = found.version
        return Other(found.journey_id, found.state.journey)

    def person(self, who: Who, role: Role) -> UUID:
        return self.introductions.person_id(who, role)

    def enrolled(self, person_id: UUID) -> bool:
        found = load(self.log, rep_stream(person_id))
        if found is None:
            return False
        self.looked_at[found.stream_id] = found.version
        return found.state.membership is not None

    def text(self, body: str) -> TextRef:
        row, ref = new_text(self.stream.stream_id, body)
        self.texts.append(row)
        return ref

    def same_text(self, ref: TextRef | None, body: str) -> bool:
        return ref is not None and texts(self.log, [ref.text_id]).get(ref.text_id) == body

    def new_id(self) -> UUID:
        return uuid4()


_PUBLISHED: weakref.WeakKeyDictionary[Log, dict[str, tuple[int, Pipeline]]] = weakref.WeakKeyDictionary()


def in_force(log: Log, key: str) -> Pipeline:
    """The pipeline as it stands; only what is new since the last look is read, for definitions are large."""
    known = _PUBLISHED.setdefault(log, {})
    version, pipeline = known.get(key, (0, Pipeline()))
    for row in log.log_recorder.select_events(pipeline_stream(key), gt=version):
        recorded = log.tag_mapper.to_domain_event(row)
        version, pipeline = recorded.version, evolve_pipeline(pipeline, recorded.event)
    known[key] = (version, pipeline)
    return pipeline


def stream_called(log: Log, record: SourceKey) -> UUID | None:
    """The lead or deal that the source system calls so."""
    keys = tables.keys
    asked = select(keys.c.stream_id).where(keys.c.source == record.source, keys.c.key == record.key)
    with log.engine.connect() as connection:
        found = connection.execute(asked).scalar()
    return None if found is None else from_database(found)
