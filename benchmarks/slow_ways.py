"""The same derivation as people write it by hand: a plain fold, and a projection of the eventsourcing library."""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, ClassVar
from uuid import UUID

import polars as pl
from eventsourcing.application import Application
from eventsourcing.persistence import Tracking
from eventsourcing.popo import POPOTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner

from engine.projections.columns import Codes
from engine.stages.criteria_polars import DIMENSION, TOUCH, TOUCH_MASK, VERDICT
from engine.stages.definition import UNMAPPED, Definition
from engine.stages.facts import KINDS, OPENINGS, Fact, life
from engine.stages.fold import Step, Trail, Visit, enter, fold, leave

Facts = dict[int, list[Fact]]
"""by journey, in the order they were recorded"""


def facts_of(events: pl.DataFrame, codes: Codes) -> Facts:
    """Made-up events (made_up_columns.with_values) as facts."""
    words = {name: {code: word for word, code in of.items()} for name, of in asdict(codes).items()}
    touch, dimension, verdict = ({code: word for word, code in codes.items()} for codes in (TOUCH, DIMENSION, VERDICT))
    told: Facts = {}
    for row in events.sort("journey", "position").iter_rows(named=True):
        kind, code = KINDS[row["kind"]], row["code"]
        details: dict[str, Any] = {}
        if kind == "Touched":
            details = {"touch": touch[code & TOUCH_MASK]}
        elif kind == "BantAssessed":
            details = {"dimension": dimension[code // 3], "verdict": verdict[code % 3]}
        elif kind in ("StageMoved", "DealReopened"):
            details = {"stage": words["stages"][code]}
        elif kind in ("DealOpened", "ValueChanged", "DealWon"):
            details = {"amount_minor": row["value"], "currency": words["currencies"][code]}
        elif kind == "EntryRetracted":
            details = {"retracts": row["value"]}
        if kind == "DealOpened":
            details["pipeline"] = words["pipelines"][0]
        stamp = (row["position"], row["occurred_at"], row["position"])
        told.setdefault(row["journey"], []).append(Fact(*stamp, kind, **details))
    return told


def fold_all(journeys: Facts, definition: Definition) -> dict[int, Trail]:
    return {journey: fold(life(facts), definition) for journey, facts in journeys.items()}


@dataclass(frozen=True)
class Happened:
    """A fact as the library's applications publish it."""

    originator_id: UUID
    originator_version: int
    fact: dict[str, Any]


class Sales(Application[UUID]):
    """The library's own application, in memory."""


class StageView(POPOTrackingRecorder):
    """Where each journey stands, updated an event at a time; a correction folds its journey anew."""

    def __init__(self) -> None:
        super().__init__()
        self.facts: Facts = {}
        self.trails: dict[int, Trail] = {}

    def stands(self, journey: int, fact: Fact, definition: Definition, tracking: Tracking) -> None:
        with self._database_lock:
            facts = self.facts.setdefault(journey, [])
            facts.append(fact)
            if fact.kind == "EntryRetracted":
                self.trails[journey] = fold(life(facts), definition)
            else:
                advance(self.trails.setdefault(journey, Trail()), fact, definition)
            self._insert_tracking(tracking)


def advance(trail: Trail, fact: Fact, definition: Definition) -> None:
    """What one more event does to a journey that knows all before it."""
    if not trail.visits and fact.kind not in OPENINGS:
        return
    rank = definition.ranks.get(trail.visits[-1].stage, UNMAPPED) if trail.visits else None
    trail.running.take(fact)
    entry = enter(definition, trail.running, fact, rank)
    if entry is not None and entry.rank != rank:
        leave(trail, fact)
        trail.visits.append(Visit(definition.key_of(entry.rank), fact.occurred_at, fact.position, None, entry.how))
    trail.steps.append(Step(fact, trail.stage, None if entry is None else entry.because))


class Stages(Projection[StageView]):
    """The stage rules as a projection of the library."""

    name = "stages"
    definition: ClassVar[Definition]

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        fact = Fact(**domain_event.fact)
        self.view.stands(domain_event.originator_id.int, fact, self.definition, tracking)


def published(journeys: Facts) -> Iterator[list[Happened]]:
    for journey, facts in journeys.items():
        yield [
            Happened(
                UUID(int=journey), version, {name: value for name, value in asdict(fact).items() if value is not None}
            )
            for version, fact in enumerate(facts, start=1)
        ]


def run_projection(journeys: Facts, definition: Definition) -> tuple[float, dict[int, Trail]]:
    """Seconds of the library's runner, in memory, its fastest setting, and what it found; publishing is taken off."""
    Stages.definition = definition
    batches = list(published(journeys))
    publishing = publish(Sales(), batches)[1]
    with ProjectionRunner(application_class=Sales, projection_class=Stages, view_class=StageView) as runner:
        begun = time.perf_counter()
        last, _ = publish(runner.app, batches)
        runner.wait(last, timeout=300)
        return time.perf_counter() - begun - publishing, runner.view.trails


def publish(application: Sales, batches: list[list[Happened]]) -> tuple[int, float]:
    """The last notification's id, and how long publishing took."""
    begun = time.perf_counter()
    last = [application.events.put(batch)[-1].notification.id for batch in batches][-1]
    return last, time.perf_counter() - begun
