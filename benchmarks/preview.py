"""A draft beside the stages in force, over all history: from the command line, and in a running process.

    python -m benchmarks.preview [--json] [--events 1000000]

The history is an archive of made-up journeys; the log that it belongs to holds their stages alone, so that nothing of
theirs is named. The command: from its start to its last printed line, the archive on disk (and in the system's cache).
In a running process: the draft is read by views that know the history and have answered about the stages in force. The
floors: a Python that starts and imports what a preview needs; every column of the archive read from disk.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from benchmarks.append import sqlite_log
from benchmarks.made_up_archive import made_up_archive
from benchmarks.made_up_columns import DEFINITION
from engine.aggregates.inputs import PersonRef
from engine.aggregates.pipeline.commands import CreatePipeline, PublishDefinition
from engine.handle import handle
from engine.log.application import Log
from engine.log.feed import read_feed
from engine.log.positions import event_ids
from engine.projections.filters import EVERYTHING
from engine.projections.lens import Lens
from engine.projections.views import Views
from engine.stages.definition import Definition, parse_definition
from replay.archive import load
from replay.archive_files import columns_of, write_part
from replay.archive_manifest import TOLD, Manifest, write_manifest
from replay.beside import looks, of_both, sharing
from replay.preview import Preview, preview
from replay.stage_figures import side
from service.policy_effects import policy_rows

ROUNDS = 5
NEEDED = "engine.projections.views, replay.preview, service.policy_effects, service.cli.commands, sqlalchemy"
TARGETS = {"command_seconds": 3.0, "running_seconds": 1.2}
"""of ten million events"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--events", type=int, default=1_000_000)
    asked = arguments.parse_args()
    with sqlite_log() as log, TemporaryDirectory() as place:
        results = measure(log, Path(place), asked.events)
    print(json.dumps(results, indent=2) if asked.json else as_text(results))


def measure(log: Log, place: Path, events: int) -> dict[str, Any]:
    actor = PersonRef(source="login", key="benchmark")
    before, draft = stalling(DEFINITION.model_dump(mode="json")), place / "draft.yaml"
    handle(log, CreatePipeline(pipeline=before.pipeline, name="made up"), actor=actor, origin="cli")
    publish = PublishDefinition(pipeline=before.pipeline, definition=before, reason="first stages")
    handle(log, publish, actor=actor, origin="cli")
    after = changed(before.model_dump(mode="json"))
    draft.write_text(json.dumps(after.model_dump(mode="json")))
    folder = place / "archive"
    folder.mkdir()
    manifest = of_log(log, folder, made_up_archive(folder, events))
    command = [str(Path(sys.executable).with_name("dealtrail")), "pipeline", "preview", str(draft), "--db", log.url]
    environment = os.environ | {"DEALTRAIL_ARCHIVE": str(folder)}
    by_command, _ = timed(lambda: run(command, environment))
    views = Views(log, load(log, folder))
    previewed(views, before)
    running, found = timed(lambda: previewed(views, after))
    told = json.loads(run([*command, "--json"], environment))
    if told["moves"]["n"] != found.moves.n or told["after"] != found.model_dump(mode="json")["after"]:
        raise AssertionError("the command and the running process tell two things")
    return {
        "events": manifest.events,
        "journeys": manifest.journeys,
        "moved": found.moves.n,
        "rounds": ROUNDS,
        "threads": pl.thread_pool_size(),
        "command": by_command,
        "running": running,
        "floor_start": timed(lambda: run([sys.executable, "-c", f"import {NEEDED}"]))[0],
        "floor_read": timed(lambda: columns_of(folder, manifest))[0],
        "targets": TARGETS,
    }


def stalling(stages: dict[str, Any]) -> Definition:
    """The stages, with a rule when a journey stalls in each of the open ones."""
    opens = [stage for stage in stages["stages"] if stage["kind"] == "open"]
    for number, stage in enumerate(opens, 1):
        stage["stall"] = {"idle_days": 7 * number}
    return parse_definition(stages)


def changed(stages: dict[str, Any]) -> Definition:
    """The stages with a harder qualification, meeting and demo apart, proposal and negotiation in one."""
    by_key = {stage["key"]: stage for stage in stages["stages"]}
    by_key["qualification"]["enter"] = {"bant_confirmed": {"at_least": 4}}
    by_key["meeting"]["enter"] = {"touch": {"kind": ["meeting"]}}
    demo = by_key["meeting"] | {"key": "demo", "enter": {"touch": {"kind": ["demo"]}}}
    offer = by_key["negotiation"] | {"key": "offer", "replaces": ["proposal", "negotiation"]}
    offer["enter"] = {"any": [{"event": "ProposalSent"}, *offer["enter"]["any"]]}
    first, last = ("contact", "qualification", "meeting"), ("won", "lost", "retention")
    kept = [[by_key[key] for key in keys] for keys in (first, last)]
    return parse_definition(stages | {"stages": [*kept[0], demo, offer, *kept[1]]})


def of_log(log: Log, folder: Path, made_up: Manifest) -> Manifest:
    """The made-up archive as the log's own: up to its last event, with what it tells of stages."""
    position = log.position()
    manifest = made_up.model_copy(
        update={
            "log_id": log.log_id,
            "position": position,
            "event_id": event_ids(log, [position])[position],
            "told": write_part(folder, "told", read_feed(log, 0).select(TOLD.keys())),
        }
    )
    write_manifest(folder, manifest)
    return manifest


def previewed(views: Views, after: Definition) -> Preview:
    """As the command and the service do it."""
    old, new = looks(views, after.pipeline, Lens.of(), after)
    before, draft = sharing(*of_both(old, new, partial(side, filters=EVERYTHING)))
    return preview(before, draft, policies=policy_rows(views, before, draft))


def run(command: list[str], environment: Mapping[str, str] | None = None) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout


def timed(work: Callable[[], Any]) -> tuple[dict[str, float], Any]:
    """Medians of several runs, on the clock and of the processor (of started processes too); what the work gave."""
    found, walls, processors = work(), [], []
    for _ in range(ROUNDS):
        begun, spent = time.perf_counter(), sum(os.times()[:4])
        work()
        walls.append(time.perf_counter() - begun)
        processors.append(sum(os.times()[:4]) - spent)
    return {"seconds": median(walls), "processor_seconds": median(processors)}, found


def as_text(results: dict[str, Any]) -> str:
    lines = [
        f"{results['events']:,} events, {results['journeys']:,} journeys, {results['moved']:,} stand in another stage; "
        f"medians of {results['rounds']}, {results['threads']} threads",
        f"{'':44s}{'seconds':>10s}{'of processor':>14s}{'target':>10s}",
    ]
    names = {
        "command": "the command, archive on disk",
        "running": "in a running process",
        "floor_start": "floor: start and imports",
        "floor_read": "floor: the archive read",
    }
    for key, name in names.items():
        wall, processor = results[key]["seconds"], results[key]["processor_seconds"]
        target = TARGETS.get(f"{key}_seconds", "")
        lines.append(f"{name:44s}{wall:10.3f}{processor:14.3f}{target:>10}")
    return "\n".join([*lines, "targets at 10 million"])


if __name__ == "__main__":
    main()
