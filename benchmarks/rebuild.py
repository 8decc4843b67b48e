"""All stages and four answers out of all events, beside what people would take instead, and the floor of the machine.

    python -m benchmarks.rebuild [--json] [--events 1000000]

The work: visits and journeys, and of them board, conversion, cycle time and win rate. Every way gives the same cells
(rebuild_cells.py), or the benchmark fails. Ours: warm, all in one piece from columns in memory, as the views do;
and from the archive's files, range by range, as `dealtrail rebuild` does. DuckDB and PostgreSQL: window SQL
(rebuild.sql) on tables loaded beforehand, tuned as SETTINGS say; of what Look.journeys tells of each journey they
tell what the answers need and a little more. The plain fold and the eventsourcing library's ProjectionRunner work on a
slice, and their rate is scaled to the whole; the runner in memory, its fastest setting. The floor: every column read
once, and one stable sort of the rows.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from benchmarks.append import sqlite_log
from benchmarks.made_up_archive import made_up_archive
from benchmarks.made_up_columns import DAY, made_up_columns, only_first, with_values
from benchmarks.rebuild_cells import Cells, cells_of, differences, plain_cells
from benchmarks.rebuild_sql import in_duckdb, in_postgresql
from benchmarks.slow_ways import facts_of, fold_all, run_projection
from engine.log.application import Log
from engine.projections.board import board
from engine.projections.cards import Cards
from engine.projections.columns import Columns
from engine.projections.conversion import conversion
from engine.projections.cycle_time import cycle_time
from engine.projections.frames import derive
from engine.projections.journeys import derive_profiles
from engine.projections.kept import ORDER
from engine.projections.lens import Lens
from engine.projections.look import Look
from engine.projections.roster import SCHEMA as MEMBERSHIP
from engine.projections.seen import see
from engine.projections.win_rate import win_rate
from engine.stages.definition import Definition
from replay.rebuild import on_threads, rebuild

ROUNDS = 5
FOLDED = 100_000
RUN = 20_000
"""events that the fold and the runner are given"""
TARGETS = {
    "warm_seconds": 0.9,
    "archive_seconds": 1.5,
    "times_fold": 20,
    "times_runner": 100,
    "times_postgresql": 10,
    "times_duckdb": 2,
}
"""of ten million events"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--events", type=int, default=1_000_000)
    arguments.add_argument("--rounds", type=int, default=ROUNDS)
    asked = arguments.parse_args()
    results = measure(asked.events, asked.rounds)
    print(json.dumps(results, indent=2) if asked.json else as_text(results))


def measure(events: int, rounds: int) -> dict[str, Any]:
    columns, definition = made_up_columns(events)
    rows = columns.events.all()
    as_of = int(rows.select(pl.col("occurred_at").max()).item()) + DAY
    with sqlite_log() as log:
        ours, cells = timed(lambda: rebuilt(columns, definition, as_of, log), rounds)
        archived = from_archive(events, as_of, rounds, cells)
        slow = slow_seconds(columns, definition, as_of, log)
    threads, told = pl.thread_pool_size(), with_values(columns)
    duckdb = median(agreed(cells, in_duckdb(told, as_of, rounds, threads)))
    # Once or twice is enough where a round takes half a minute.
    postgresql = median(agreed(cells, in_postgresql(told, as_of, min(rounds, 3))))
    shuffled = rows.sample(fraction=1.0, shuffle=True, seed=1)
    seconds = {
        "ours, warm": ours,
        "ours, from the archive": archived,
        "DuckDB, window SQL": duckdb,
        "PostgreSQL, window SQL": postgresql,
        **{name: rows.height / rate for name, rate in slow.items()},
        "floor: scan": timed(lambda: rows.select(pl.all().cast(pl.Int64).sum()), rounds)[0],
        "floor: stable sort": timed(lambda: shuffled.sort(ORDER, maintain_order=True), rounds)[0],
    }
    return {
        "events": rows.height,
        "journeys": len(columns.streams),
        "cells": len(cells),
        "rounds": rounds,
        "threads": threads,
        "load_before": os.getloadavg()[0],
        "seconds": seconds,
        "times_ours": {name: value / ours for name, value in seconds.items()},
        "targets": TARGETS,
    }


def rebuilt(columns: Columns, definition: Definition, as_of: int, log: Log) -> Cells:
    """The work."""
    seen = see(columns, as_of=None, known=None)
    frames = derive(seen, columns, definition, derive_profiles(seen, columns.codes))
    look = Look(
        pipeline=definition.pipeline,
        definition=definition,
        version=1,
        as_of=as_of,
        known_at=None,
        position=columns.position,
        frames=frames,
        membership=pl.DataFrame(schema=MEMBERSHIP),
        people=pl.DataFrame(schema=dict.fromkeys(("person_id", "key", "name"), pl.String)),
        log=log,
        codes=columns.codes,
        seen=lambda: seen,
    )
    return cells_of(board(look, cards=Cards(limit=0)), conversion(look), cycle_time(look), win_rate(look))


def from_archive(events: int, as_of: int, rounds: int, cells: Cells) -> float:
    """Seconds of the same out of files, which the system has in its cache, range by range on all threads."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        manifest = made_up_archive(folder, events)
        lens = Lens(as_of, live=True)
        seconds, found = timed(lambda: rebuild(folder, manifest, on_threads(), lambda *_: None, lens=lens), rounds)
    (answers,) = found.pipelines.values()
    agree("the archive", cells, cells_of(answers.board, answers.conversion, answers.cycle_time, answers.win_rate))
    return float(seconds)


def slow_seconds(columns: Columns, definition: Definition, as_of: int, log: Log) -> dict[str, float]:
    """Events a second of the ways that take too long for the whole."""
    found = {}
    few = only_first(columns, FOLDED)
    journeys = facts_of(with_values(few), few.codes)
    begun = time.perf_counter()
    trails = fold_all(journeys, definition)
    cells = plain_cells(definition, trails, journeys, as_of)
    found["plain Python fold (scaled)"] = few.events.all().height / (time.perf_counter() - begun)
    agree("the plain fold", rebuilt(few, definition, as_of, log), cells)
    few = only_first(columns, RUN)
    journeys = facts_of(with_values(few), few.codes)
    seconds, trails = run_projection(journeys, definition)
    found["ProjectionRunner in memory (scaled)"] = few.events.all().height / seconds
    agree("the runner", rebuilt(few, definition, as_of, log), plain_cells(definition, trails, journeys, as_of))
    return found


def timed(work: Callable[[], Any], rounds: int) -> tuple[float, Any]:
    """Median seconds of several runs, after one to warm up, and what the work gave."""
    found, spans = work(), []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        spans.append(time.perf_counter() - begun)
    return median(spans), found


def agreed(ours: Cells, theirs: tuple[list[float], Cells]) -> list[float]:
    agree("SQL", ours, theirs[1])
    return theirs[0]


def agree(name: str, ours: Cells, theirs: Cells) -> None:
    found = differences(ours, theirs)
    if found:
        raise AssertionError(f"{name} gives {len(found)} other cells: {'; '.join(found[:10])}")


def as_text(results: dict[str, Any]) -> str:
    lines = [
        f"{results['events']:,} events, {results['journeys']:,} journeys, the same {results['cells']} cells; "
        f"medians of {results['rounds']}, {results['threads']} threads, load {results['load_before']:.1f} before",
        f"{'':38s}{'seconds':>10s}{'times ours':>12s}",
    ]
    for name, seconds in results["seconds"].items():
        lines.append(f"{name:38s}{seconds:10.3f}{results['times_ours'][name]:12.2f}")
    wanted = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in results["targets"].items())
    return "\n".join([*lines, f"targets at 10 million: {wanted}"])


if __name__ == "__main__":
    main()
