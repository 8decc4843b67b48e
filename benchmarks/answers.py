"""How long an answer takes: warm in a running process, and cold from the command line, beside the floor.

    python -m benchmarks.answers [--json] [--log FILE.csv.gz]

On BPI Challenge 2012 where its file is there (--log, or ../shared/data), imported into a new SQLite file. Warm: the log
is looked at for news and the answer computed and written as JSON. The floor of the cold answer: a Python that starts,
imports what the answer needs, and ends.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from engine.log import schema
from engine.log.application import Log
from engine.projections.board import board
from engine.projections.conversion import conversion
from engine.projections.cycle_time import cycle_time
from engine.projections.lens import Lens
from engine.projections.look import Look
from engine.projections.views import Views
from engine.projections.win_rate import win_rate
from service.importers.run import run_import

ROOT = Path(__file__).resolve().parents[1]
BPIC = ROOT.parent / "shared" / "data" / "bpic2012" / "bpic2012.csv.gz"
ROUNDS = 9
ANSWERS: dict[str, Callable[[Look], Any]] = {
    "board": board,
    "conversion": conversion,
    "cycle-time": cycle_time,
    "win-rate": win_rate,
}
NEEDED = "engine.projections.views, engine.projections.conversion, service.cli"
TARGETS = {"warm_seconds": 0.020, "cold_seconds": 2.0}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--log", type=Path, default=BPIC, help="the loan applications, as published")
    asked = arguments.parse_args()
    if not asked.log.exists():
        sys.exit(f"{asked.log} is not there: name the published file of BPI Challenge 2012 with --log")
    with tempfile.TemporaryDirectory() as folder:
        results = measure(asked.log, f"sqlite:///{folder}/log.db")
    print(json.dumps(results, indent=2) if asked.json else as_text(results))


def measure(file: Path, url: str) -> dict[str, Any]:
    schema.init(url)
    log = Log(url)
    run_import(log, file, ROOT / "examples" / "bpic2012" / "mapping.yaml", actor="benchmark")
    views = Views(log)
    warm = {
        name: seconds(lambda compute=compute: compute(views.look(None, Lens.of())).model_dump_json())
        for name, compute in ANSWERS.items()
    }
    log.close()
    command = [str(Path(sys.executable).with_name("dealtrail"))]
    cold = {name: seconds(lambda name=name: run([*command, name, "--json", "--db", url])) for name in ANSWERS}
    floor = seconds(lambda: run([sys.executable, "-c", f"import {NEEDED}"]))
    return {"warm_seconds": warm, "cold_seconds": cold, "cold_floor_seconds": floor, "targets": TARGETS}


def run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)


def seconds(work: Callable[[], object]) -> float:
    """Median of several runs, after one to warm up."""
    work()
    spans = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        work()
        spans.append(time.perf_counter() - begun)
    return median(spans)


def as_text(results: dict[str, Any]) -> str:
    lines = [f"medians of {ROUNDS}; targets: warm {TARGETS['warm_seconds']} s, cold {TARGETS['cold_seconds']} s"]
    for name in ANSWERS:
        warm, cold = results["warm_seconds"][name], results["cold_seconds"][name]
        lines.append(f"{name:12s}  warm {warm * 1000:7.1f} ms   cold {cold:6.3f} s")
    lines.append(f"floor of a cold answer (start and imports alone)   {results['cold_floor_seconds']:6.3f} s")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
