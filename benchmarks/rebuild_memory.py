"""How much memory a rebuild of very many events takes: the archive is made up range by range, and so derived.

    python -m benchmarks.rebuild_memory [--json] [--events 100000000] [--threads 2]

Making up and rebuilding are processes of their own; the figure is the largest resident set the system saw of the
second one (ru_maxrss). 100 million events need 2 GB of disk.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.made_up_archive import made_up_archive
from engine.projections.lens import Lens
from replay.archive_manifest import read_manifest
from replay.rebuild import on_threads, rebuild

TARGETS = {"rss_mb": 1000}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--events", type=int, default=100_000_000)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    asked = arguments.parse_args()
    if asked.child:
        print(json.dumps(child(asked.child[0], Path(asked.child[1]), asked.events, asked.threads)))
        return
    with TemporaryDirectory() as folder:
        results = {name: run(name, folder, asked.events, asked.threads) for name in ("made", "rebuilt")}
    results["targets"] = TARGETS
    print(json.dumps(results, indent=2) if asked.json else as_text(results))


def run(name: str, folder: str, events: int, threads: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.rebuild_memory", "--child", name, folder]
    sizes = ["--events", str(events), "--threads", str(threads)]
    found: dict[str, Any] = json.loads(subprocess.run([*command, *sizes], check=True, stdout=subprocess.PIPE).stdout)
    return found


def child(name: str, folder: Path, events: int, threads: int) -> dict[str, Any]:
    begun, spent = time.perf_counter(), time.process_time()
    if name == "made":
        made_up_archive(folder, events)
    manifest = read_manifest(folder)
    assert manifest is not None
    found: dict[str, Any] = {"events": manifest.events, "bytes": manifest.bytes, "ranges": len(manifest.ranges)}
    if name == "rebuilt":
        rebuilt = rebuild(folder, manifest, on_threads(threads), lambda *_: None, lens=Lens.of())
        (answers,) = rebuilt.pipelines.values()
        found |= {"threads": threads, "journeys": answers.conversion.overall.entered, "won": answers.win_rate.won}
    return found | {
        "seconds": time.perf_counter() - begun,
        "processor_seconds": time.process_time() - spent,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def as_text(results: dict[str, Any]) -> str:
    made, rebuilt = results["made"], results["rebuilt"]
    return "\n".join(
        [
            f"{made['events']:,} events in {made['ranges']} ranges, {made['bytes'] / 1e9:.2f} GB of files, made up in "
            f"{made['seconds']:.0f} s with {made['rss_mb']:.0f} MB",
            f"{rebuilt['journeys']:,} journeys rebuilt on {rebuilt['threads']} threads in {rebuilt['seconds']:.1f} s "
            f"({rebuilt['processor_seconds']:.1f} s of processor) with {rebuilt['rss_mb']:.0f} MB "
            f"(target {TARGETS['rss_mb']} MB)",
        ]
    )


if __name__ == "__main__":
    main()
