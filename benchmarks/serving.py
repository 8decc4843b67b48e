"""What `dealtrail serve` takes on a long log: memory at rest and at the peak of each question, and seconds.

    python -m benchmarks.serving [--json] [--events 1000000 | --log LOG.db]

--log: an SQLite log of `dealtrail simulate` with its archive beside it. It is written to (a key, and touches): give a
copy. The process is asked over HTTP from another one; its policies are off, so that what is measured is the questions.
Peak: the most that was resident during the step (VmHWM, set back before each, which Linux alone tells). At rest: what
is resident some seconds later. The chain: one touch is recorded, then the next answer is timed, which has it.
"""

import argparse
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote

from benchmarks.append import sqlite_log
from benchmarks.service import DEALTRAIL, LONG_BOARD, Caller, free_port, running
from engine.log.application import Log
from engine.log.feed import read_few
from engine.projections.views import KEPT_SECONDS
from engine.values import from_micros, to_micros
from replay.archive_build import build
from service.keys import create_key, owner_of_key
from service.settings import archive_folder
from service.simulation.history import simulate
from service.simulation.settings import EVENTS_A_JOURNEY, Settings

TARGETS = {"start_seconds": 5, "at_rest_mb": 1_000, "peak_mb": 2_000, "lens_seconds": 2, "chain_ms": 30}
ANSWERS = ("board", "conversion", "cycle-time", "win-rate")
ROUNDS = 15
REST_SECONDS = 4.0


class Asking(Caller):
    """A caller that looks at what it gets."""

    def content(self, path: str) -> Any:
        self.connection.request("GET", path, headers=self.headers)
        return json.loads(self.connection.getresponse().read())


class Watched:
    """A process, seen from outside."""

    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}")
        self.steps: dict[str, dict[str, float]] = {}

    def step(self, name: str, work: Callable[[], object]) -> None:
        (self._folder / "clear_refs").write_text("5")
        begun = time.perf_counter()
        work()
        self.ended(name, time.perf_counter() - begun)

    def ended(self, name: str, seconds: float) -> None:
        peak = self._megabytes("VmHWM")
        time.sleep(REST_SECONDS)
        self.steps[name] = {"seconds": seconds, "peak_mb": peak, "at_rest_mb": self._megabytes("VmRSS")}

    def _megabytes(self, field: str) -> float:
        lines = (self._folder / "status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


def measure(log: Log) -> dict[str, Any]:
    key, _ = create_key(log, owner_of_key(log, "benchmark"), "admin", now=datetime.now(UTC))
    port = free_port()

    def get(path: str) -> int:
        # Each on a connection of its own: the server closes one that rests.
        return Asking(port, key).get(path)

    serve = [DEALTRAIL, "serve", "--port", str(port), "--db", log.url]
    begun = time.perf_counter()
    with running(serve, port, DEALTRAIL_POLICIES_SECONDS="0") as pid:
        started, watched = time.perf_counter() - begun, Watched(pid)
        watched.ended("ready", started)
        for answer in ANSWERS:
            watched.step(f"first {answer}", partial(get, f"/v1/{answer}?pipeline=direct"))
        stages = changed(Asking(port, key).content("/v1/pipelines/direct")["definition"])
        for name in ("preview of a draft", "the same again"):
            watched.step(name, lambda: Asking(port, key).post("/v1/pipelines/direct/preview", stages))
        ago = quote((datetime.now(UTC) - timedelta(days=365)).replace(microsecond=0).isoformat())
        for answer in ("board", "conversion"):
            watched.step(f"{answer} as of a year ago", partial(get, f"/v1/{answer}?pipeline=direct&as_of={ago}"))
        # A simulated log is recorded within minutes: half of it stands for what was known a year ago.
        known = quote(from_micros(read_few(log, log.position() // 2, 1)[0].recorded_at).isoformat())
        watched.step("board as known at half", partial(get, f"/v1/board?pipeline=direct&known_at={known}"))
        spans = chain(Asking(port, key))
        watched.step("board after new events", partial(get, LONG_BOARD))
        # What was derived for another time is let go of, where nobody asks again.
        watched.step("a minute later", partial(time.sleep, KEPT_SECONDS + 5))
    return {"events": log.position(), "steps": watched.steps, "chain_ms": spans}


def changed(definition: dict[str, Any]) -> bytes:
    """The stages of the simulation's pipeline without one of them."""
    stages = [stage for stage in definition["stages"] if stage["key"] != "meeting"]
    return json.dumps({"definition": {**definition, "stages": stages}}).encode()


def chain(caller: Asking) -> dict[str, dict[str, float]]:
    """Milliseconds of the first answer after a new event, by answer."""
    journeys = caller.content("/v1/journeys?pipeline=direct&limit=20")["journeys"]
    spans: dict[str, list[float]] = {answer: [] for answer in ANSWERS}
    for number in range(ROUNDS):
        for answer in ANSWERS:
            caller.post(f"/v1/journeys/{journeys[number % len(journeys)]['journey']}/touch", b'{"kind": "call"}')
            begun = time.perf_counter()
            caller.get(f"/v1/{answer}?pipeline=direct")
            spans[answer].append((time.perf_counter() - begun) * 1_000)
    return {answer: {"p50": median(each), "most": max(each)} for answer, each in spans.items()}


def made_up(events: int) -> dict[str, Any]:
    """Of a simulated log of so many events."""
    since, until = (to_micros(datetime(year, 1, 1, tzinfo=UTC)) for year in (2023, 2026))
    with sqlite_log() as log:
        simulate(log, Settings(round(events / EVENTS_A_JOURNEY), 1, since, until))
        folder = archive_folder(log.url)
        assert folder is not None
        build(log, folder)
        return measure(log)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--events", type=int, default=1_000_000)
    arguments.add_argument("--log", type=Path)
    asked = arguments.parse_args()
    if asked.log is None:
        results = made_up(asked.events)
    else:
        log = Log(f"sqlite:///{asked.log.absolute()}")
        results = measure(log)
        log.close()
    results["targets"] = TARGETS
    print(json.dumps(results, indent=2) if asked.json else as_text(results))


def as_text(results: dict[str, Any]) -> str:
    targets = results["targets"]
    lines = [
        f"{results['events']:,} events; targets, of 10 million: ready in {targets['start_seconds']} s, a year ago in "
        f"{targets['lens_seconds']} s, {targets['at_rest_mb']:,} MB at rest, {targets['peak_mb']:,} MB at the peak",
        f"{'':24s}{'seconds':>9s}{'peak MB':>9s}{'rest MB':>9s}",
    ]
    for name, step in results["steps"].items():
        lines.append(f"{name:24s}{step['seconds']:9.2f}{step['peak_mb']:9,.0f}{step['at_rest_mb']:9,.0f}")
    lines.append(f"the next answer after one new event (target {targets['chain_ms']} ms):")
    for answer, told in results["chain_ms"].items():
        lines.append(f"  {answer:22s}{told['p50']:9.1f} ms in the middle, {told['most']:.1f} ms at most")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
