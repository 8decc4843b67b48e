"""How long `dealtrail check` takes: every event of a simulated log folded in plain Python and held against the answers.

    python -m benchmarks.check [--json] [--journeys 62200]

The floor: the log read through the feed, row by row, and every payload parsed by its event model.
"""

import argparse
import json
import time
from datetime import UTC, datetime
from typing import Any

from benchmarks.append import sqlite_log
from engine.log.application import Log
from engine.values import to_micros
from replay.plain import rows
from replay.verify import verify
from service.simulation.history import simulate
from service.simulation.settings import Settings


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--journeys", type=int, default=62_200)
    asked = arguments.parse_args()
    since, until = (to_micros(datetime(year, 1, 1, tzinfo=UTC)) for year in (2023, 2026))
    with sqlite_log() as log:
        simulate(log, Settings(asked.journeys, 1, since, until))
        results = measure(log)
    print(json.dumps(results, indent=2) if asked.json else as_text(results))


def measure(log: Log) -> dict[str, Any]:
    events = log.position()
    begun = time.perf_counter()
    differences = verify(log)
    seconds = time.perf_counter() - begun
    begun = time.perf_counter()
    for row in rows(log, events):
        log.tag_mapper.event(row["type"], row["payload"])
    return {
        "events": events,
        "differences": len(differences),
        "seconds": seconds,
        "micros_an_event": seconds * 1e6 / events,
        "floor_seconds": time.perf_counter() - begun,
    }


def as_text(results: dict[str, Any]) -> str:
    return (
        f"{results['events']:,} events, {results['differences']} differences: {results['seconds']:.1f} s, "
        f"{results['micros_an_event']:.1f} µs an event; floor (read and parsed) {results['floor_seconds']:.1f} s"
    )


if __name__ == "__main__":
    main()
