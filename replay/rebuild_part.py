"""One range of journeys, derived from the archive's files alone: what a rebuild does over and over, here or elsewhere.

A pure function of files, definitions and a moment; it needs no log. What it gives can be added up: counts, sums of
money, and the lengths of time themselves, for the quantiles of a whole can't be told from those of its parts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import polars as pl

from engine.log.application import Log
from engine.projections import conversion, cycle_time, win_rate
from engine.projections.board import placed
from engine.projections.columns import SIDES, Codes, Columns
from engine.projections.figures import sums
from engine.projections.filters import EVERYTHING
from engine.projections.frames import Frames, derive
from engine.projections.journeys import derive_profiles
from engine.projections.kept import Kept
from engine.projections.likelihood import closed_visitors, likelihood
from engine.projections.seen import see
from engine.projections.streams import Streams
from engine.projections.views import Look
from engine.stages.definition import Definition
from replay.archive_files import copied, ids_of, read_table
from replay.archive_manifest import Range, flush
from replay.export.frames import journeys, picked, visits

Counts = dict[tuple[str, str, str], int]
"""by answer, part and stage or outcome: ("conversion", "advanced", "contact")"""
Money = dict[tuple[str, str, str], tuple[int, int]]
"""by answer, stage or outcome, and currency: minor units, and how many journeys have a value"""
Spans = dict[tuple[str, ...], list[pl.Series]]
"""microseconds of every single one: by ("stay", stage), ("age", stage), ("cycle", outcome), ("move", from, to)"""


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


@dataclass
class Partial:
    """What a range adds to the answers about one pipeline."""

    counts: Counts = field(default_factory=dict)
    money: Money = field(default_factory=dict)
    spans: Spans = field(default_factory=dict)

    def add(self, other: "Partial") -> None:
        for key, number in other.counts.items():
            self.counts[key] = self.counts.get(key, 0) + number
        for place, (minor, valued) in other.money.items():
            mine = self.money.get(place, (0, 0))
            self.money[place] = (mine[0] + minor, mine[1] + valued)
        for what, each in other.spans.items():
            self.spans.setdefault(what, []).extend(each)


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
        partials[definition.pipeline] = partial_of(look)
    return Done(task.range.parts["events"].rows, partials)


def columns_of_range(task: Task) -> Columns:
    """The range as if there were no other: its journeys are numbered from 0."""

    def own(name: str) -> pl.DataFrame:
        rows = read_table(task.folder, name, [task.range])
        return rows.with_columns(pl.col("journey") - task.range.first)

    columns = Columns()
    columns.codes = copied(task.codes)
    streams = own("streams")
    columns.streams = Streams(ids_of(streams), streams.clear().select("stream_id", "journey"))
    columns.events = Kept(own("events"))
    columns.sides = {name: Kept(own(name)) for name in SIDES}
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
        visits=frames.visits,
        journeys=frames.journeys,
        attributes=frames.attributes,
        membership=task.membership,
        people=pl.DataFrame(schema=dict.fromkeys(("person_id", "key", "name"), pl.String)),
        void=frames.void.height,
        log=cast("Log", None),
        codes=columns.codes,
        seen=lambda: see(columns, as_of=None, known=None),
    )


def partial_of(look: Look) -> Partial:
    """The parts of board, conversion, cycle time and win rate, out of the very rows that these answers count."""
    key_of = look.definition.key_of
    closed = closed_visitors(look)
    stages = enumerate(look.definition.stages)
    chances = [likelihood(stage, closed.get(rank, (0, 0)), "observed") for rank, stage in stages]
    standing = placed(look, EVERYTHING, None, chances)
    on_board = standing.filter(~pl.col("outcome").is_in(["merged", "transferred"]))
    entered, moves = conversion.asked_of(
        look, EVERYTHING, None, look.visits.lazy(), strict=False, within_days=None, in_period=False
    )
    left, _ = cycle_time.stays_of(look, EVERYTHING, None, look.visits.lazy())
    decided, ready = win_rate.asked_of(look, EVERYTHING, None, "closed", ())
    board, worth, ages, asked, moved, cycles, stays, outcomes, money, qualified = pl.collect_all(
        [
            on_board.group_by("stage").agg(
                count=pl.len(), without_value=pl.col("amount_minor").null_count(), stalled=pl.col("stalled").sum()
            ),
            sums(on_board, "stage"),
            on_board.select("stage", spent="age"),
            entered.select(
                "group", "journey", "stage", "first", "cohort", "far", "place", *conversion.PARTS, "immature"
            ),
            moves.select("stage", "to", "spent"),
            cycle_time.clocked_of(look, EVERYTHING, None, None, from_first_touch=False).select("outcome", "spent"),
            left.group_by("stage", "journey").agg(pl.col("spent").sum()).select("stage", "spent"),
            decided.group_by("outcome").agg(count=pl.len()),
            sums(decided.filter(pl.col("outcome").is_in(["won", "lost"])), "outcome"),
            ready.select(pl.len()),
        ]
    )
    found = Partial()
    counts = found.counts
    for row in board.iter_rows(named=True):
        counts |= {("board", part, key_of(row["stage"])): row[part] for part in ("count", "without_value", "stalled")}
    for rank, (visitors, won) in closed.items():
        counts |= {("likelihood", "closed", key_of(rank)): visitors, ("likelihood", "won", key_of(rank)): won}
    funnel = conversion.figures(asked, moved.clear().with_columns(group=pl.lit(None, pl.String)), look.definition)[None]
    for stage in funnel["stages"]:
        counts |= {("conversion", part, stage.stage): getattr(stage, part) for part in ("entered", *conversion.PARTS)}
    counts |= {("overall", part, ""): getattr(funnel["overall"], part) for part in conversion.NONE if part != "n"}
    counts["conversion", "n", ""] = funnel["n"]
    counts |= {("outcome", outcome, ""): number for outcome, number in outcomes.iter_rows()}
    counts |= {("outcome", "qualified", ""): qualified.item(), ("outcome", "void", ""): look.void}
    found.money |= {("board", key_of(stage), unit): (minor, n) for stage, unit, minor, n in worth.iter_rows()}
    found.money |= {("close", outcome, unit): (minor, n) for outcome, unit, minor, n in money.iter_rows()}
    found.spans |= by_key("age", ages, "stage") | by_key("stay", stays, "stage") | by_key("cycle", cycles, "outcome")
    found.spans |= by_key("move", moved, "stage", "to")
    return found


def by_key(what: str, rows: pl.DataFrame, *keys: str) -> Spans:
    """The column `spent`, apart for each value of the keys."""
    parts = rows.partition_by(*keys, as_dict=True, include_key=False)
    return {(what, *map(str, key)): [part["spent"]] for key, part in parts.items()}


def write(look: Look, task: Task, output: Path) -> None:
    """Visits and journeys as `dealtrail export` has them, without names; a file each."""
    rows = picked(look, EVERYTHING)
    for name, batches in (("visits", visits(look, rows)), ("journeys", journeys(look, rows, names=False, wide=False))):
        path = output / look.pipeline / name / f"{task.range.first:012}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pl.concat(list(batches)).write_parquet(path)
        flush(path)
