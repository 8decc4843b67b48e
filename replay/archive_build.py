"""Write what the archive does not hold yet: only ranges in which something happened get new files."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import polars as pl

from engine.errors import Rejected
from engine.log.application import Log
from engine.log.bulk import existing_events
from engine.log.feed import read_feed
from engine.log.positions import event_ids
from engine.projections.columns import EVENTS, SIDES, Columns
from engine.projections.intake import KIND_OF, NEEDED, take
from engine.projections.kept import ORDER, Kept
from replay.archive import belonging, lacking
from replay.archive_files import as_written, copied, read_table, read_told, without_rows, write_part
from replay.archive_folder import refuse_strangers, sweep, undone
from replay.archive_manifest import (
    MEANING,
    REMEDY,
    TABLES,
    TOLD,
    WIDTH,
    ArchiveRefused,
    Manifest,
    Range,
    only_one,
    read_manifest,
    unreadable,
    write_manifest,
)
from replay.archive_pieces import Pieces
from replay.disk import writing

BATCH: Final = 100_000
"""events read while those before are decoded; more at once are no faster, and take memory"""
AT_ONCE: Final = 2
"""ranges that are written at the same time, and so are in memory"""
Progress = Callable[[int, int], None]


def silent(done: int, total: int) -> None:
    """No progress shown."""


@dataclass(frozen=True)
class Built:
    """What came of it."""

    manifest: Manifest
    read: int
    """events read from the log"""
    written: int
    """ranges written anew; the others stand as they stood"""
    instead_of: str | None
    """why an archive that was there was not gone on with"""


def build(log: Log, folder: Path, progress: Progress = silent, *, width: int = WIDTH) -> Built:
    """Brings the archive to the log's present position: from where it stands, or from the start where there is none or
    one that is not to be believed.

    progress: events read, of how many. width: journeys in a range of a new archive. Raises Conflict when another
    process writes the archive, Rejected for a folder of something else or of another log, and for a disk that lets
    nothing be written.
    """
    refuse_strangers(folder)
    refuse_others(log, folder)
    with writing(folder), only_one(folder), undone(folder):
        before, why = what_stands(log, folder)
        end = log.position()
        if before is not None and before.position == end:
            return Built(before, 0, 0, None)
        columns = Columns() if before is None else without_rows(folder, before)
        width = width if before is None else before.width
        begun = columns.position
        pieces = Pieces(folder, width)
        told = read_new(log, columns, pieces, end, progress)
        if before is not None:
            told.insert(0, read_told(folder, before))
        ranges, written = write_ranges(folder, before, pieces)
        pieces.remove()
        manifest = Manifest(
            meaning=MEANING,
            log_id=log.log_id,
            position=columns.position,
            event_id=event_ids(log, [columns.position]).get(columns.position),
            written_at=datetime.now(UTC),
            width=width,
            journeys=len(columns.streams),
            codes=copied(columns.codes),
            told=write_part(folder, "told", pl.concat(told)),
            ranges=ranges,
        )
        write_manifest(folder, manifest)
        sweep(folder, manifest)
        return Built(manifest, columns.position - begun, written, why)


def refuse_others(log: Log, folder: Path) -> None:
    """Rejected where the archive of another log is: whoever named the folder of one by mistake would lose it."""
    with suppress(ArchiveRefused):
        manifest = read_manifest(folder)
        if manifest is not None and manifest.log_id != log.log_id:
            raise Rejected(
                f"{folder} holds the archive of another log ({manifest.log_id}): name another folder, or remove that "
                f"archive with `dealtrail archive drop --dir {folder}`"
            )


def what_stands(log: Log, folder: Path) -> tuple[Manifest | None, str | None]:
    """The archive to go on with, or why there is one that can't be."""
    try:
        manifest = belonging(log, folder)
        if manifest is not None:
            # Files that stay are not written again: what the disk has spoilt must not stay with them.
            as_written(folder, manifest.parts)
    except ArchiveRefused as refusal:
        return None, str(refusal).removesuffix(f": {REMEDY}")
    except FileNotFoundError as error:
        return None, str(lacking(folder, error)).removesuffix(f": {REMEDY}")
    except OSError as error:
        return None, str(unreadable(folder, error))
    return manifest, None


def read_new(log: Log, columns: Columns, pieces: Pieces, end: int, progress: Progress) -> list[pl.DataFrame]:
    """Adds to the pieces what the log has after the columns' position up to `end`; returns the feed's rows of no
    journey.
    """
    told = [pl.DataFrame(schema=TOLD)]
    begun = columns.position
    for feed in batches(log, columns.position, end):
        told.append(feed.filter(~pl.col("type").is_in(list(KIND_OF))))
        take(columns, feed, partial(existing_events, log))
        # Taken out as they come: sorting each batch into all before it would cost more than decoding it.
        pieces.add("events", columns.events.all())
        columns.events = Kept.none(EVENTS)
        for name in SIDES:
            pieces.add(name, columns.sides[name].all())
            columns.sides[name] = Kept.none(SIDES[name])
        progress(columns.position - begun, end - begun)
    return told


def batches(log: Log, after: int, end: int) -> Iterator[pl.DataFrame]:
    """The feed up to a position; the next batch is read while the one before is used."""

    def read(after: int) -> pl.DataFrame:
        return read_feed(log, after, min(BATCH, end - after), columns=NEEDED)

    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(read, after)
        while after < end:
            feed = coming.result()
            after = int(feed["position"][-1])
            if after < end:
                coming = reader.submit(read, after)
            yield feed


def write_ranges(folder: Path, before: Manifest | None, pieces: Pieces) -> tuple[tuple[Range, ...], int]:
    """All ranges, those of journeys that have new rows written anew, the others as they are; and how many were."""
    ranges = {each.first: each for each in before.ranges} if before is not None else {}
    touched = pieces.ranges("events")

    def written(first: int) -> Range:
        old = [ranges[first]] if first in ranges else []
        tables = {}
        for name in TABLES:
            rows = pl.concat([read_table(folder, name, old), *pieces.of(name, first)]).sort(ORDER)
            if not rows.is_empty():
                tables[name] = write_part(folder, name, rows)
        return Range(first=first, parts=tables)

    with ThreadPoolExecutor(AT_ONCE) as writers:
        ranges |= dict(zip(touched, writers.map(written, touched), strict=True))
    return tuple(ranges[first] for first in sorted(ranges)), len(touched)
