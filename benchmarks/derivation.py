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
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

import polars as pl

from benchmarks.made_up_columns import made_up_columns, with_values
from benchmarks.slow_ways import facts_of, fold_all, run_projection
from engine.projections.columns import Columns
from engine.projections.frames import derive
from engine.projections.journeys import derive_profiles
from engine.projections.kept import ORDER
from engine.projections.seen import see
from engine.projections.visits import derive_visits
from engine.stages.definition import Definition
from engine.stages.fold import Trail

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
    rows = columns.events.all()
    ours = timed(lambda: derived(columns, definition))
    shuffled = rows.sample(fraction=1.0, shuffle=True, seed=1)
    told = with_values(columns).filter(pl.col("journey") < rows["journey"][min(FOLDED, rows.height - 1)])
    slice_of = facts_of(told, columns.codes)
    few = {journey: slice_of[journey] for journey in list(slice_of)[: RUN // 17]}
    begun = time.perf_counter()
    by_fold = fold_all(slice_of, definition)
    fold_rate = sum(map(len, slice_of.values())) / (time.perf_counter() - begun)
    seconds, by_runner = run_projection(few, definition)
    runner_rate = sum(map(len, few.values())) / seconds
    ours_on_slice = visits_of(columns, definition, len(slice_of))
    assert in_a_row(by_fold) == ours_on_slice
    assert in_a_row(by_runner) == [visit for visit in ours_on_slice if visit[0] < len(few)]
    return {
        "events": rows.height,
        "journeys": len(columns.streams),
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
    seen = see(columns, as_of=None, known=None)
    return derive(seen, columns, definition, derive_profiles(seen, columns.codes))


def in_a_row(trails: Mapping[int, Trail]) -> Visits:
    return [(journey, visit.stage, visit.entered_at) for journey, trail in trails.items() for visit in trail.visits]


def visits_of(columns: Columns, definition: Definition, journeys: int) -> Visits:
    seen = see(columns, as_of=None, known=None)
    visits = derive_visits(seen, definition, columns.codes).filter(pl.col("journey") < journeys)
    return [
        (j, definition.key_of(stage), at) for j, stage, at in visits.select("journey", "stage", "entered_at").rows()
    ]


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
