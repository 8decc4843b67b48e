"""How fast a history is made up and written, with full durability, beside the floor of the machine.

    python -m benchmarks.simulate [--json] [--journeys 62200]

The floor: the same rows put into a bare table without an index, by executemany on SQLite and COPY on PostgreSQL. `told`
is the making up alone, nothing written.
"""

import argparse
import io
import json
import resource
import time
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from benchmarks.append import postgres_log, sqlite_log
from engine.log.application import Log
from engine.log.connect import SQLITE
from engine.log.feed import read_feed
from engine.values import to_micros
from service.simulation.dice import Dice
from service.simulation.history import SLICE, simulate, told
from service.simulation.settings import Settings
from service.simulation.telling import Library, Telling
from service.simulation.walk import SELLERS, journeys_of, model_of

PART = 15_000
TARGETS = {"seconds_for_a_million": 60}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--journeys", type=int, default=62_200)
    asked = arguments.parse_args()
    since, until = (to_micros(datetime(year, 1, 1, tzinfo=UTC)) for year in (2023, 2026))
    settings = Settings(asked.journeys, 1, since, until)
    results: dict[str, Any] = {"journeys": asked.journeys, "told_events_a_second": telling_rate(settings)}
    for name, opened in (("sqlite", sqlite_log), ("postgresql", postgres_log)):
        with opened() as log:
            results[name] = measure(log, settings)
    results["targets"] = TARGETS
    print(json.dumps(results, indent=2) if asked.json else as_text(results))


def telling_rate(settings: Settings) -> float:
    """Events a second of one slice, after one to warm up."""
    model, dice = model_of(settings.parameters), Dice(settings.run)
    people = {number: uuid4() for number in range(1, SELLERS[-1] + 1)}
    rates = []
    for _ in range(2):
        begun = time.perf_counter()
        journeys = journeys_of(0, min(SLICE, settings.journeys), settings, model, dice)
        events = told(Telling(settings, dice, people, Library()), journeys, model, settings.since).height
        rates.append(events / (time.perf_counter() - begun))
    return rates[-1]


def measure(log: Log, settings: Settings) -> dict[str, float]:
    begun = time.perf_counter()
    written = simulate(log, settings)
    seconds = time.perf_counter() - begun
    return {
        "events": written.events,
        "seconds": seconds,
        "events_a_second": written.events / seconds,
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "floor_seconds": floor(log),
    }


def floor(log: Log) -> float:
    """Seconds of writing alone, a part at a time as the simulation does it."""
    names = "position, event_id, stream_id, version, type, occurred_at, recorded_at, actor, origin, payload"
    seconds, after = 0.0, 0
    with log.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        cursor = driver.cursor()
        cursor.execute(f"CREATE TABLE bare ({', '.join(name + ' TEXT' for name in names.split(', '))})")
        driver.commit()
        while rows := read_feed(log, after, PART).rows():
            after = rows[-1][0]
            begun = time.perf_counter()
            if log.engine.dialect.name == SQLITE:
                cursor.execute("BEGIN")
                cursor.executemany(f"INSERT INTO bare VALUES ({', '.join('?' * 10)})", rows)
                cursor.execute("COMMIT")
            else:
                lines = "".join("\t".join(map(str, row)).replace("\\", "\\\\") + "\n" for row in rows)
                cursor.copy_expert("COPY bare FROM STDIN", io.StringIO(lines))
                driver.commit()
            seconds += time.perf_counter() - begun
    return seconds


def as_text(results: dict[str, Any]) -> str:
    lines = [f"{results['journeys']:,} journeys; told alone: {results['told_events_a_second']:,.0f} events/s"]
    for name in ("sqlite", "postgresql"):
        figures = results[name]
        lines.append(
            f"{name:12s}{figures['events']:12,} events  {figures['seconds']:7.1f} s  "
            f"{figures['events_a_second']:10,.0f}/s   floor {figures['floor_seconds']:6.1f} s   "
            f"peak memory {figures['peak_memory_mib']:,} MiB"
        )
    lines.append(f"target: {TARGETS['seconds_for_a_million']} s a million on SQLite")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
