"""How long the import of a real log takes, end to end and with full durability, beside what any loader has to do.

    python -m benchmarks.import_bpic [--json] [--rounds 3] [--data ../shared/data]

The floor: the file read by Polars, and the rows the import stores put into a bare table without an index, by
executemany on SQLite and COPY on PostgreSQL. Between lie the mapping, the ids, the checks and the log's own order.
"""

import argparse
import io
import json
import statistics
import time
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.append import postgres_log, sqlite_log
from engine.log.application import Log
from engine.log.connect import SQLITE
from engine.log.feed import read_feed
from service.importers.run import run_import

MAPPING = Path(__file__).parents[1] / "examples" / "bpic2012" / "mapping.yaml"
FILES = {"csv": "bpic2012/bpic2012.csv.gz", "xes": "bpic2012/bpic2012.xes.gz"}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    asked = arguments.parse_args()
    results = {
        name: measure(opened, asked.data, asked.rounds)
        for name, opened in (("sqlite", sqlite_log), ("postgresql", postgres_log))
    }
    if asked.json:
        print(json.dumps(results, indent=2))
        return
    for name, figures in results.items():
        print(name)
        for what, value in figures.items():
            print(f"  {what:<24}{value:>12,.2f}" if isinstance(value, float) else f"  {what:<24}{value:>12,}")


def measure(opened: Any, data: Path, rounds: int) -> dict[str, float | int]:
    """Medians in seconds; every round begins with an empty log."""
    taken: dict[str, list[float]] = {}
    events = 0
    for _ in range(rounds):
        for form, name in FILES.items():
            with opened() as log:
                taken.setdefault(f"import_{form}_seconds", []).append(imported(log, data / name))
                taken.setdefault(f"again_{form}_seconds", []).append(imported(log, data / name))
                if form == "csv":
                    events = log.position()
                    taken.setdefault("floor_seconds", []).append(floor(log, data / name))
    return {name: round(statistics.median(seconds), 2) for name, seconds in sorted(taken.items())} | {"events": events}


def imported(log: Log, file: Path) -> float:
    started = time.perf_counter()
    run_import(log, file, MAPPING, actor="bench")
    return time.perf_counter() - started


def floor(log: Log, file: Path) -> float:
    rows = read_feed(log, 0).rows()
    names = "position, event_id, stream_id, version, type, occurred_at, recorded_at, actor, origin, payload"
    with log.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        cursor = driver.cursor()
        cursor.execute(f"CREATE TABLE bare ({', '.join(name + ' TEXT' for name in names.split(', '))})")
        driver.commit()
        started = time.perf_counter()
        pl.read_csv(file, infer_schema=False)
        if log.engine.dialect.name == SQLITE:
            cursor.execute("BEGIN")
            cursor.executemany(f"INSERT INTO bare VALUES ({', '.join('?' * 10)})", rows)
            cursor.execute("COMMIT")
        else:
            lines = "".join("\t".join(map(str, row)).replace("\\", "\\\\") + "\n" for row in rows)
            cursor.copy_expert("COPY bare FROM STDIN", io.StringIO(lines))
            driver.commit()
        return time.perf_counter() - started


if __name__ == "__main__":
    main()
