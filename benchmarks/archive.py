"""How fast the archive of a simulated log is written, on both databases, and what a start gains from it.

    python -m benchmarks.archive [--json] [--events 1000000]

Wall time and the processor time of our own process (PostgreSQL's is apart), which says more on a busy machine. The
floor: the feed read and counted, nothing decoded.
"""

import argparse
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.append import postgres_log, sqlite_log
from engine.log.application import Log
from engine.log.connect import POSTGRESQL
from engine.projections.views import Views
from engine.values import to_micros
from replay.archive import load
from replay.archive_build import batches, build
from service.simulation.history import simulate
from service.simulation.settings import EVENTS_A_JOURNEY, Settings

TARGETS = {"built_events_a_second": 300_000}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--events", type=int, default=1_000_000)
    asked = arguments.parse_args()
    since, until = (to_micros(datetime(year, 1, 1, tzinfo=UTC)) for year in (2023, 2026))
    results: dict[str, Any] = {}
    for name, opened in (("sqlite", sqlite_log), ("postgresql", postgres_log)):
        with opened() as log, TemporaryDirectory() as place:
            simulate(log, Settings(round(asked.events / EVENTS_A_JOURNEY), 1, since, until))
            settle(log)
            results[name] = measure(log, Path(place))
    results["targets"] = TARGETS
    print(json.dumps(results, indent=2) if asked.json else as_text(results))


def settle(log: Log) -> None:
    """What PostgreSQL does by itself within minutes of so much writing, for seconds: else in the middle of this."""
    if log.engine.dialect.name == POSTGRESQL:
        with log.engine.connect() as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


def measure(log: Log, place: Path) -> dict[str, Any]:
    events = log.position()
    read = spent(lambda: sum(feed.height for feed in batches(log, 0, events)))
    built = spent(lambda: build(log, place / "archive"))
    simulate(log, Settings(20, 2, 0, 10**15))
    more = spent(lambda: build(log, place / "archive"))
    from_archive = spent(lambda: Views(log, load(log, place / "archive")).catch_up())
    from_log = spent(lambda: Views(log).catch_up())
    return {
        "events": events,
        "floor_read": read,
        "built": built,
        "built_events_a_second": events / built["seconds"],
        "twenty_journeys_more": more,
        "start_from_archive": from_archive,
        "start_from_log": from_log,
    }


def spent(work: Callable[[], object]) -> dict[str, float]:
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return {"seconds": time.perf_counter() - wall, "processor_seconds": time.process_time() - processor}


def as_text(results: dict[str, Any]) -> str:
    lines = [f"target: {TARGETS['built_events_a_second']:,} events/s built"]
    for name in ("sqlite", "postgresql"):
        found = results[name]
        lines.append(f"{name}, {found['events']:,} events: {found['built_events_a_second']:,.0f} events/s built")
        for what, value in found.items():
            if isinstance(value, dict):
                wall, processor = value["seconds"], value["processor_seconds"]
                lines.append(f"  {what.replace('_', ' '):24s}{wall:8.2f} s{processor:8.2f} s of processor")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
