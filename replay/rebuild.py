"""Rebuild: all stages and the main answers out of all events once more, range by range of the archive.

One pure function (rebuild_part.py) is mapped over the ranges, on threads of this process or on the workers of a Dask
cluster, and what it gives is added up (rebuild_answers.py). The order does not matter, so a range that is derived
twice, because its worker died, or later than others, changes nothing.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from engine.projections.definitions import Definitions, Published
from engine.projections.lens import Lens
from engine.projections.roster import memberships
from engine.values import from_micros
from replay.archive_files import read_told
from replay.archive_manifest import Manifest
from replay.rebuild_answers import Answers, Partial, answers
from replay.rebuild_part import Done, Task, rebuild_part

Engine = Callable[[Sequence[Task]], Iterator[Done]]
"""runs all tasks, in whatever order, and gives each result once"""
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Rebuilt:
    events: int
    """of journeys; definitions and the roster are apart"""
    ranges: int
    as_of: int
    pipelines: dict[str, Answers]


def rebuild(
    folder: Path,
    manifest: Manifest,
    run: Engine,
    progress: Progress,
    *,
    pipeline: str | None = None,
    output: Path | None = None,
    lens: Lens | None = None,
) -> Rebuilt:
    """Every pipeline (or one) by its definition in force now, up to the archive's position; progress: events, of all.

    output: an empty folder for visits and journeys, a file each for a pipeline and a range. lens: a live one, of the
    moment at which ages are told; this one without. NotFound: no such pipeline.
    """
    told = read_told(folder, manifest)
    definitions = Definitions()
    definitions.take(told)
    lens = lens or Lens.of()
    named = sorted(definitions.by_pipeline) if pipeline is None else [pipeline]
    chosen = [definitions.choose(name, lens) for name in named]
    tasks = [
        Task(
            # A worker elsewhere has another working folder.
            folder=folder.absolute(),
            range=each,
            codes=manifest.codes,
            published=tuple((published.definition, published.version) for published in chosen),
            membership=memberships([told], as_of=lens.horizon, known_at=None),
            as_of=lens.as_of,
            position=manifest.position,
            output=None if output is None else output.absolute(),
        )
        for each in manifest.ranges
    ]
    wholes = {name: Partial.none() for name in named}
    events = 0
    for done in run(tasks):
        events += done.events
        progress(events, manifest.events)
        for name, partial in done.partials.items():
            wholes[name] = wholes[name].plus(partial)
    return Rebuilt(
        events,
        len(tasks),
        lens.as_of,
        {
            published.definition.pipeline: answers(
                head_of(published, lens, manifest),
                published.definition,
                lens.as_of,
                wholes.pop(published.definition.pipeline),
            )
            for published in chosen
        },
    )


def head_of(published: Published, lens: Lens, manifest: Manifest) -> dict[str, object]:
    return {
        "pipeline": published.definition.pipeline,
        "definition": published.version,
        "as_of": from_micros(lens.as_of),
        "known_at": None,
        "position": manifest.position,
    }


def on_threads(threads: int | None = None) -> Engine:
    """Threads of this process; as many as there are cores unless told."""

    def run(tasks: Sequence[Task]) -> Iterator[Done]:
        with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
            for done in as_completed([pool.submit(rebuild_part, task) for task in tasks]):
                yield done.result()

    return run
