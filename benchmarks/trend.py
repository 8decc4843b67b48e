"""A trend of 24 months with groups over a million events, beside one derivation a point, which users would do by hand.

    python -m benchmarks.trend [--json] [--events 1000000]

Ours: every figure of every month and group, from the visits. By hand: the look as of a month's end and the conversion,
cycle time and win rate of it, for the last month alone, times 24. The floor: the visits counted by stage.
"""

import argparse
import json
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import polars as pl

from benchmarks.made_up_columns import made_up_columns
from engine.projections.conversion import conversion
from engine.projections.cycle_time import cycle_time
from engine.projections.frames import derive
from engine.projections.journeys import derive_profiles
from engine.projections.look import Look
from engine.projections.seen import see
from engine.projections.trend import trend
from engine.projections.win_rate import win_rate

ROUNDS = 7
MONTHS = 24
TARGETS = {"by_owner_seconds": 0.5}
ANSWERS: tuple[Callable[..., Any], ...] = (conversion, cycle_time, win_rate)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--events", type=int, default=1_000_000)
    asked = arguments.parse_args()
    results = measure(asked.events)
    print(json.dumps(results, indent=2) if asked.json else as_text(results))


def measure(events: int) -> dict[str, Any]:
    columns, definition = made_up_columns(events)
    last = int(columns.events.all()["occurred_at"].max() or 0)  # type: ignore[arg-type]  # a column of integers

    def look(as_of: int) -> Look:
        seen = see(columns, as_of=as_of, known=None)
        frames = derive(seen, columns, definition, derive_profiles(seen, columns.codes))
        return Look(
            pipeline=definition.pipeline,
            definition=definition,
            version=1,
            as_of=as_of,
            known_at=None,
            position=events,
            frames=frames,
            membership=pl.DataFrame(schema={"rep": pl.String}),
            people=pl.DataFrame(schema={"person_id": pl.String, "key": pl.String, "name": pl.String}),
            log=None,  # type: ignore[arg-type]  # no answer measured here reads the log
            codes=columns.codes,
            seen=lambda: see(columns, as_of=as_of, known=None),
        )

    now = look(last)
    return {
        "events": events,
        "visits": now.visits.height,
        "months": MONTHS,
        "groups": now.journeys["owner"].n_unique(),
        "whole_seconds": seconds(lambda: trend(now, count=MONTHS)),
        "by_owner_seconds": seconds(lambda: trend(now, count=MONTHS, by="owner")),
        "by_hand_seconds": MONTHS * seconds(lambda: by_hand(look(last)), rounds=2),
        "floor_seconds": seconds(lambda: now.visits.group_by("stage").len()),
        "targets": TARGETS,
    }


def by_hand(found: Look) -> list[Any]:
    return [answer(found, by="owner") for answer in ANSWERS]


def seconds(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Median of several runs, after one to warm up."""
    work()
    spans = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        spans.append(time.perf_counter() - begun)
    return median(spans)


def as_text(results: dict[str, Any]) -> str:
    return "\n".join(
        [
            f"{results['events']:,} events, {results['visits']:,} visits, {results['months']} months; target "
            f"{TARGETS['by_owner_seconds']} s with groups",
            f"trend, all in one                      {results['whole_seconds']:7.3f} s",
            f"trend, by owner ({results['groups']} groups)            {results['by_owner_seconds']:7.3f} s",
            f"one derivation and its answers a month   {results['by_hand_seconds']:6.3f} s",
            f"floor: visits counted by stage         {results['floor_seconds']:7.4f} s",
        ]
    )


if __name__ == "__main__":
    main()
