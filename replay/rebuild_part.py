"""One range of journeys, derived from the archive's files alone: what a rebuild does over and over, here or elsewhere.

A pure function of files, definitions and a moment; it needs no log. What it gives can be added up
(replay/rebuild_answers.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import polars as pl

from engine.log.application import Log
from engine.projections.columns import SIDES, Codes, Columns
from engine.projections.filters import EVERYTHING
from engine.projections.frames import Frames, derive
from engine.projections.journeys import derive_profiles
from engine.projections.kept import Kept
from engine.projections.look import Look
from engine.projections.seen import see
from engine.projections.streams import Streams
from engine.stages.definition import Definition
from replay.archive_files import copied, read_table
from replay.archive_manifest import Range, flush
from replay.export.frames import journeys, picked, visits
from replay.rebuild_answers import Partial


@dataclass(frozen=True)
class Task:
    """What a worker is told. It must have the folder before it: on its own disk, or on storage that many share."""

    folder: Path
    range: Range
    codes: Codes
    published: tuple[tuple[Definition, int], ...]
    """a definition of each pipeline, and its version"""
    membership: pl.DataFrame
    """who sold in which team, when"""
    as_of: int
    position: int
    output: Path | None = None
    """where visits and journeys are written, a file each for a pipeline and a range"""


@dataclass(frozen=True)
class Done:
    """What came of a task."""

    events: int
    partials: Mapping[str, Partial]
    """by pipeline"""


def rebuild_part(task: Task) -> Done:
    """Derives all pipelines of the task's range."""
    columns = columns_of_range(task)
    seen = see(columns, as_of=None, known=None)
    profiles = derive_profiles(seen, columns.codes)
    partials = {}
    for definition, version in task.published:
        frames = derive(seen, columns, definition, profiles)
        look = look_at(frames, columns, definition, version, task)
        if task.output is not None:
            write(look, task, task.output)
        partials[definition.pipeline] = Partial.of(look)
    return Done(task.range.parts["events"].rows, partials)


def columns_of_range(task: Task) -> Columns:
    """The range as if there were no other: its journeys are numbered from 0."""

    def own(name: str) -> pl.DataFrame:
        rows = read_table(task.folder, name, [task.range])
        return rows.with_columns(pl.col("journey") - task.range.first)

    columns = Columns()
    columns.codes = copied(task.codes)
    columns.events = Kept(own("events"))
    columns.sides = {name: Kept(own(name)) for name in SIDES}
    columns.streams = Streams.opened_by(columns.sides["openings"].all())
    return columns


def look_at(frames: Frames, columns: Columns, definition: Definition, version: int, task: Task) -> Look:
    """The frames as the answers want them. Figures alone are asked for: nothing that needs the log or names people."""
    return Look(
        pipeline=definition.pipeline,
        definition=definition,
        version=version,
        as_of=task.as_of,
        known_at=None,
        position=task.position,
        frames=frames,
        membership=task.membership,
        people=pl.DataFrame(schema=dict.fromkeys(("person_id", "key", "name"), pl.String)),
        log=cast("Log", None),
        codes=columns.codes,
        seen=lambda: see(columns, as_of=None, known=None),
    )


def write(look: Look, task: Task, output: Path) -> None:
    """Visits and journeys as `dealtrail export` has them, without names; a file each."""
    rows = picked(look, EVERYTHING)
    for name, batches in (("visits", visits(look, rows)), ("journeys", journeys(look, rows, names=False, wide=False))):
        path = output / look.pipeline / name / f"{task.range.first:012}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pl.concat(list(batches)).write_parquet(path)
        flush(path)
