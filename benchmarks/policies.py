"""What finding the stalled costs among 600,000 open journeys, beside reading the columns it needs once.

    python -m benchmarks.policies [--json] [--journeys 600000] [--runners 10000]

As it is from round to round: nearly all that are stalled were alerted before, a thousand are due. Then four runners
whose clocks differ by minutes, two of them killed and started again, on a log with so many stalling journeys: how long
until all are alerted, and how many were alerted twice.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID, uuid4

import polars as pl

from benchmarks.made_up_columns import DAY, made_up_columns
from engine.aggregates.deal.events import DealOpened
from engine.aggregates.inputs import PersonRef
from engine.aggregates.pipeline.commands import CreatePipeline, PublishDefinition
from engine.aggregates.pipeline.events import PolicyActivated
from engine.handle import handle
from engine.log import schema
from engine.log.application import Log
from engine.log.bulk import append_bulk
from engine.log.feed import read_feed
from engine.policies.raise_stalled import due
from engine.policies.withdraw_pointless import due as withdraw
from engine.projections.frames import Frames, derive
from engine.projections.journeys import derive_profiles
from engine.projections.look import Look
from engine.projections.roster import SCHEMA as MEMBERSHIP
from engine.projections.seen import see
from engine.stages.criteria_polars import CODE
from engine.stages.definition import Definition, parse_definition
from engine.values import to_micros
from tests.postgres import postgres

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 7
NEWLY = 1_000
SKEWS = (-2, 0, 2, 5)
TARGETS = {"due_seconds": 0.2, "twice": 0}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--journeys", type=int, default=600_000)
    arguments.add_argument(
        "--runners", type=int, default=10_000, help="journeys that stall under four runners; 0: none"
    )
    asked = arguments.parse_args()
    results = {"due": finding(asked.journeys), "targets": TARGETS}
    if asked.runners:
        with tempfile.TemporaryDirectory() as folder:
            results["runners_sqlite"] = runners(f"sqlite:///{folder}/log.db", asked.runners)
        with postgres() as server:
            results["runners_postgresql"] = runners(server.create("bench"), asked.runners)
    print(json.dumps(results, indent=2) if asked.json else as_text(results))


class MadeUp(Look):
    """A look without a log: an event's id is its position, and what caused it was never taken back."""

    def event_ids(self, positions: Iterable[int]) -> dict[int, UUID]:
        return {position: UUID(int=position) for position in positions}

    def causes(self, positions: Iterable[int]) -> dict[int, UUID]:
        return dict.fromkeys(positions, UUID(int=0))


def finding(journeys: int) -> dict[str, Any]:
    look = open_journeys(journeys)
    since = {stage.key: 0 for stage in look.definition.stages}
    begun = time.perf_counter()
    first = due(look, since)
    first_round = time.perf_counter() - begun
    alerted = {alert.journey.hex for alert in first[NEWLY:]}
    told = pl.col("journey_id").is_in(list(alerted))
    frame = look.journeys.with_columns(
        alerted_position=pl.when(told).then(10**9), alerted=pl.when(told).then(pl.lit([], pl.List(pl.String)))
    )
    later = replace(look, frames=Frames(look.visits, frame, look.attributes, look.frames.void))
    withdrawing = with_steps(later, sorted(alerted))
    needed = frame.select("outcome", "stage", "stage_since", "active_at", "active_position", "alerted_position")
    return {
        "open_journeys": int((frame["outcome"] == "open").sum()),
        "stalled": len(first),
        "due": len(due(later, since)),
        "due_seconds": timed(lambda: due(later, since)),
        "scan_seconds": timed(lambda: needed.select(pl.all().max())),
        "first_round_seconds": first_round,
        "open_steps": withdrawing.seen().sides["follow_ups"].height,
        "withdrawn": len(withdraw(withdrawing, since)),
        "withdraw_seconds": timed(lambda: withdraw(withdrawing, since)),
    }


def with_steps(look: Look, journeys: list[str]) -> Look:
    """Every alert with its follow-up open; in a thousand journeys something happened since."""
    seen, told = look.seen(), pl.DataFrame({"journey_id": journeys}).with_row_index("n")
    rows = look.journeys.select("journey", "journey_id").join(told, on="journey_id").sort("journey")
    since = pl.when(pl.col("n") < NEWLY).then(0).otherwise(10**9) + pl.col("n").cast(pl.Int64)
    steps = rows.select(
        "journey",
        occurred_at=pl.lit(look.as_of),
        position=since,
        kind=pl.lit(CODE["FollowUpScheduled"]),
        follow_up=pl.Series([str(UUID(hex=journey)) for journey in rows["journey_id"]]),
        due_at=pl.lit(look.as_of),
        origin=pl.lit("policy:raise_stalled"),
    )
    side = pl.concat([seen.sides["follow_ups"].clear(), steps], how="diagonal_relaxed")
    opened = side.select("journey", step_position="position")
    frame = look.journeys.drop("step_position").join(opened, on="journey", how="left", maintain_order="left")
    frames = Frames(look.visits, frame, look.attributes, look.frames.void)
    told_of = {**seen.sides, "follow_ups": side}
    return replace(look, frames=frames, seen=lambda: replace(seen, sides=told_of))


def open_journeys(journeys: int) -> Look:
    """Made-up journeys that are all open, 17 events each."""
    columns, definition = made_up_columns(journeys * 100 // 6)
    ruled = with_rules(definition)
    seen = see(columns, as_of=None, known=None)
    frames = derive(seen, columns, ruled, derive_profiles(seen, columns.codes))
    open_rank = pl.col("stage").clip(0, ruled.open_count - 1)
    # Closed ones too take part, as open ones of the last open stage.
    frame = frames.journeys.with_columns(outcome=pl.lit("open").cast(frames.journeys["outcome"].dtype), stage=open_rank)
    newest = int(seen.events["occurred_at"].max() or 0)  # type: ignore[arg-type]  # a column of integers
    return MadeUp(
        pipeline=ruled.pipeline,
        definition=ruled,
        version=1,
        as_of=newest - 30 * DAY,
        known_at=None,
        position=seen.events.height,
        frames=frames._replace(journeys=frame),
        membership=pl.DataFrame(schema=MEMBERSHIP),
        people=pl.DataFrame(),
        log=None,  # type: ignore[arg-type]  # MadeUp asks no log
        codes=columns.codes,
        seen=lambda: seen,
    )


def with_rules(definition: Definition) -> Definition:
    raw = definition.model_dump(mode="json", exclude_none=True)
    raw["calendar"] = {"zone": "Europe/Madrid", "country": "ES"}
    rules = [
        {"idle_days": 10},
        {"idle_days": 10, "stage_days": 30},
        {"touch_days": 10, "touch_kinds": ["call", "meeting"]},
        {"idle_days": 5, "business": True},
        {"stage_days": 20, "business": True},
    ]
    for stage, rule in zip(raw["stages"], rules, strict=False):
        stage["stall"] = rule
    return parse_definition(raw)


def runners(url: str, stalling_journeys: int) -> dict[str, Any]:
    """Four processes on one log; two are killed with -9 on the way and started again."""
    schema.init(url)
    log = Log(url)
    stall(log, stalling_journeys)
    begun = time.perf_counter()
    started = [runner(url, skew) for skew in SKEWS]
    try:
        for number, share in ((1, 3), (3, 2)):
            wait_for(log, stalling_journeys // share)
            os.kill(started[number].pid, signal.SIGKILL)
            started[number].wait()
            started[number] = runner(url, SKEWS[number])
        wait_for(log, stalling_journeys)
        seconds = time.perf_counter() - begun
        time.sleep(2)
    finally:
        for process in started:
            process.kill()
            process.wait()
    found = by_policies(log).group_by("stream_id", "type").agg(pl.len())
    log.close()
    return {
        "journeys": stalling_journeys,
        "seconds": seconds,
        "a_second": stalling_journeys / seconds,
        "alerts": found.filter(pl.col("type") == "deal.stalled.v1").height,
        "follow_ups": found.filter(pl.col("type") == "deal.follow_up_scheduled.v1").height,
        "twice": found.filter(pl.col("len") > 1).height,
    }


def stall(log: Log, journeys: int) -> None:
    """Deals opened so long ago that the clocks of some runners say stalled and those of others not yet."""
    me = PersonRef(source="login", key="benchmark")
    raw = {
        "pipeline": "bench",
        "stages": [
            {"key": "contact", "kind": "open", "stall": {"idle_days": 14}},
            {"key": "won", "kind": "won", "enter": {"event": "DealWon"}},
        ],
    }
    ago = datetime.now(UTC) - timedelta(days=14, minutes=1)
    handle(log, CreatePipeline(pipeline="bench", name="Bench"), actor=me, origin="cli")
    publish = PublishDefinition(pipeline="bench", definition=parse_definition(raw), reason="benchmark")
    actor = handle(log, publish, actor=me, origin="cli").events[0].envelope.actor.hex
    ids = [[uuid4().hex for _ in range(journeys)] for _ in range(3)]
    rows = pl.DataFrame({"event_id": ids[0], "stream_id": ids[1], "command_id": ids[2], "correlation_id": ids[2]})
    batch = rows.with_columns(
        pl.lit(DealOpened.TOPIC).alias("type"),
        pl.lit(actor).alias("actor"),
        pl.lit(None, pl.String).alias("causation_id"),
        pl.lit("cli").alias("origin"),
        pl.lit(DealOpened(pipeline="bench").payload()).alias("payload"),
        occurred_at=to_micros(ago) + pl.int_range(pl.len(), dtype=pl.Int64) % (4 * 60) * 1_000_000,
    )
    append_bulk(log, batch)


def runner(url: str, skew_minutes: float) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-m", "tests.policies.runner", url, str(skew_minutes)], cwd=ROOT)


def by_policies(log: Log) -> pl.DataFrame:
    """What policies did to journeys."""
    mine = pl.col("origin").str.starts_with("policy:") & (pl.col("type") != PolicyActivated.TOPIC)
    return read_feed(log, 0).filter(mine)


def wait_for(log: Log, alerts: int) -> None:
    while by_policies(log).height < 2 * alerts:
        time.sleep(0.2)


def timed(work: Callable[[], object]) -> float:
    """Median seconds of several runs, after one to warm up."""
    work()
    spans = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        work()
        spans.append(time.perf_counter() - begun)
    return median(spans)


def as_text(results: dict[str, Any]) -> str:
    found = results["due"]
    lines = [
        f"{found['open_journeys']:,} open journeys, {found['stalled']:,} stalled",
        f"due, round by round ({found['due']:,} due)  {found['due_seconds'] * 1000:8.1f} ms   target "
        f"{TARGETS['due_seconds'] * 1000:.0f} ms",
        f"floor: the columns it needs, read once   {found['scan_seconds'] * 1000:8.1f} ms",
        f"due, when nobody was told yet           {found['first_round_seconds'] * 1000:8.1f} ms",
        f"of {found['open_steps']:,} open follow-ups {found['withdrawn']:,} are over "
        f"{found['withdraw_seconds'] * 1000:8.1f} ms   target {TARGETS['due_seconds'] * 1000:.0f} ms",
    ]
    for name in ("sqlite", "postgresql"):
        if ran := results.get(f"runners_{name}"):
            lines.append(
                f"four runners, two killed, {name:10s} {ran['journeys']:,} journeys in {ran['seconds']:.1f} s "
                f"({ran['a_second']:,.0f} a second): {ran['alerts']:,} alerts, {ran['follow_ups']:,} follow-ups, "
                f"{ran['twice']} twice"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
