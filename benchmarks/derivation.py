"""Visits and journeys of a million events, beside what a user would take instead, and the floor of the machine.

    python -m benchmarks.derivation [--json] [--events 1000000]

Ours: from raw columns to visits, values, profiles and journeys. The plain fold and the eventsourcing library's
ProjectionRunner derive the visits alone, on a slice whose rate is scaled to the whole. The runner works in memory, its
fastest setting: on a database it is one transaction an event. All three give the same visits on the slice. The floor:
reading every column once, and one stable sort of the rows.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, ClassVar
from uuid import UUID

import polars as pl
from eventsourcing.application import Application
from eventsourcing.persistence import Tracking
from eventsourcing.popo import POPOTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner

from benchmarks.made_up_columns import made_up_columns
from engine.projections.columns import ORDER, Columns
from engine.projections.journeys import derive_profiles
from engine.projections.seen import see
from engine.projections.views import derive
from engine.projections.visits import derive_visits
from engine.stages.criteria import Running
from engine.stages.criteria_polars import DIMENSION, TOUCH, VERDICT
from engine.stages.definition import Definition
from engine.stages.facts import KINDS, Fact, Life
from engine.stages.fold import enter, fold

ROUNDS = 5
FOLDED = 100_000
RUN = 10_000
TARGETS = {"visits_and_journeys_seconds": 0.2, "times_projection_runner": 50}
Visits = list[tuple[int, str, int]]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--events", type=int, default=1_000_000)
    asked = arguments.parse_args()
    results = measure(asked.events)
    print(json.dumps(results, indent=2) if asked.json else as_text(results))


def measure(events: int) -> dict[str, Any]:
    columns, definition = made_up_columns(events)
    rows = columns.events()
    ours = timed(lambda: derived(columns, definition))
    shuffled = rows.sample(fraction=1.0, shuffle=True, seed=1)
    slice_of = facts_of(columns, FOLDED)
    few = {journey: slice_of[journey] for journey in list(slice_of)[: RUN // 17]}
    begun = time.perf_counter()
    by_fold = fold_all(slice_of, definition)
    fold_rate = sum(map(len, slice_of.values())) / (time.perf_counter() - begun)
    runner_rate, by_runner = run_projection(few, definition)
    ours_on_slice = visits_of(columns, definition, len(slice_of))
    assert by_fold == ours_on_slice
    assert by_runner == [visit for visit in ours_on_slice if visit[0] < len(few)]
    return {
        "events": rows.height,
        "journeys": len(columns.journeys),
        "visits_and_journeys_seconds": ours,
        "events_a_second": rows.height / ours,
        "scan_seconds": timed(lambda: rows.select(pl.all().cast(pl.Int64).sum())),
        "stable_sort_seconds": timed(lambda: shuffled.sort(ORDER, maintain_order=True)),
        "plain_fold_events_a_second": fold_rate,
        "projection_runner_events_a_second": runner_rate,
        "times_plain_fold": rows.height / ours / fold_rate,
        "times_projection_runner": rows.height / ours / runner_rate,
        "targets": TARGETS,
    }


def timed(work: Callable[[], object]) -> float:
    """Median seconds of several runs, after one to warm up."""
    work()
    spans = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        work()
        spans.append(time.perf_counter() - begun)
    return median(spans)


def derived(columns: Columns, definition: Definition) -> object:
    seen = see(columns, as_of=None, known_at=None)
    return derive(seen, columns, definition, derive_profiles(seen, columns.codes))


def visits_of(columns: Columns, definition: Definition, journeys: int) -> Visits:
    seen = see(columns, as_of=None, known_at=None)
    visits = derive_visits(seen.events, seen.began, definition, columns.codes).filter(pl.col("journey") < journeys)
    return [
        (j, definition.key_of(stage), at) for j, stage, at in visits.select("journey", "stage", "entered_at").rows()
    ]


def facts_of(columns: Columns, events: int) -> dict[int, list[Fact]]:
    """The first journeys of the columns, about so many events, as facts for the slow ways."""
    words = {name: {code: word for word, code in codes.items()} for name, codes in asdict(columns.codes).items()}
    touch, dimension, verdict = ({code: word for word, code in codes.items()} for codes in (TOUCH, DIMENSION, VERDICT))
    told: dict[int, list[Fact]] = {}
    last = columns.events()["journey"][events]
    for row in columns.events().filter(pl.col("journey") < last).iter_rows(named=True):
        kind, code = KINDS[row["kind"]], row["code"]
        details: dict[str, Any] = {}
        if kind == "Touched":
            details = {"touch": touch[code]}
        elif kind == "BantAssessed":
            details = {"dimension": dimension[code // 3], "verdict": verdict[code % 3]}
        elif kind in ("StageMoved", "DealReopened"):
            details = {"stage": words["stages"][code]}
        elif kind in ("DealOpened", "ValueChanged", "DealWon"):
            details = {"amount_minor": row["value"], "currency": words["currencies"][row["unit"]]}
        if kind == "DealOpened":
            details["pipeline"] = "bench"
        stamp = (row["position"], row["occurred_at"], row["recorded_at"])
        told.setdefault(row["journey"], []).append(Fact(*stamp, kind, **details))
    return told


def fold_all(journeys: dict[int, list[Fact]], definition: Definition) -> Visits:
    return [
        (journey, visit.stage, visit.entered_at)
        for journey, facts in journeys.items()
        for visit in fold(Life("bench", tuple(facts)), definition).visits
    ]


@dataclass(frozen=True)
class Happened:
    """A fact as the library's applications publish it."""

    originator_id: UUID
    originator_version: int
    fact: dict[str, Any]


class Sales(Application[UUID]):
    """The library's own application, in memory."""


class StageView(POPOTrackingRecorder):
    """Where each journey stands, updated an event at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.running: dict[int, Running] = {}
        self.ranks: dict[int, int | None] = {}
        self.visits: Visits = []

    def stands(self, journey: int, fact: Fact, definition: Definition, tracking: Tracking) -> None:
        with self._database_lock:
            running = self.running.setdefault(journey, Running())
            running.take(fact)
            entry = enter(definition, running, fact, self.ranks.get(journey))
            if entry is not None:
                if entry.rank != self.ranks.get(journey):
                    self.visits.append((journey, definition.key_of(entry.rank), fact.occurred_at))
                self.ranks[journey] = entry.rank
            self._insert_tracking(tracking)


class Stages(Projection[StageView]):
    """The same rules as a projection of the library."""

    name = "stages"
    definition: ClassVar[Definition]

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        fact = Fact(**domain_event.fact)
        self.view.stands(domain_event.originator_id.int, fact, self.definition, tracking)


def published(journeys: dict[int, list[Fact]]) -> Iterator[list[Happened]]:
    for journey, facts in journeys.items():
        yield [
            Happened(
                UUID(int=journey), version, {name: value for name, value in asdict(fact).items() if value is not None}
            )
            for version, fact in enumerate(facts, start=1)
        ]


def run_projection(journeys: dict[int, list[Fact]], definition: Definition) -> tuple[float, Visits]:
    """Events a second of the library's runner and the visits it found; the time it takes to publish is taken off."""
    Stages.definition = definition
    batches = list(published(journeys))
    publishing = publish(Sales(), batches)[1]
    with ProjectionRunner(application_class=Sales, projection_class=Stages, view_class=StageView) as runner:
        begun = time.perf_counter()
        last, _ = publish(runner.app, batches)
        runner.wait(last, timeout=300)
        seconds = time.perf_counter() - begun - publishing
        return last / seconds, sorted(runner.view.visits, key=lambda visit: visit[0])


def publish(application: Sales, batches: list[list[Happened]]) -> tuple[int, float]:
    """The last notification's id, and how long publishing took."""
    begun = time.perf_counter()
    last = [application.events.put(batch)[-1].notification.id for batch in batches][-1]
    return last, time.perf_counter() - begun


def as_text(results: dict[str, Any]) -> str:
    lines = [f"{results['events']:,} events, {results['journeys']:,} journeys; medians of {ROUNDS}"]
    lines.append(
        f"visits and journeys   {results['visits_and_journeys_seconds']:8.3f} s  "
        f"(target {TARGETS['visits_and_journeys_seconds']} s)"
    )
    lines.append(f"floor: scan           {results['scan_seconds']:8.3f} s")
    lines.append(f"floor: stable sort    {results['stable_sort_seconds']:8.3f} s")
    for name in ("events_a_second", "plain_fold_events_a_second", "projection_runner_events_a_second"):
        lines.append(f"{name.replace('_', ' '):34s}{results[name]:14,.0f}")
    lines.append(f"times the plain fold              {results['times_plain_fold']:14,.0f}")
    lines.append(
        f"times the ProjectionRunner        {results['times_projection_runner']:14,.0f}  "
        f"(target {TARGETS['times_projection_runner']})"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
