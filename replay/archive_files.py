"""The archive's files: tables of a range of journeys, written once and never changed."""

from collections.abc import Iterable
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Final, NamedTuple
from uuid import uuid4
from zlib import crc32

import polars as pl
from polars._typing import SchemaDict

from engine.projections.columns import SIDES, Codes, Columns
from engine.projections.kept import Kept
from engine.projections.parts import on_threads
from engine.projections.streams import Streams
from replay.archive_manifest import (
    REMEDY,
    TABLES,
    TOLD,
    ArchiveRefused,
    Manifest,
    Part,
    Range,
    flush,
)

COMPRESSION: Final = "lz4"
"""ten million events: 150 MB, read in 0.2 s; zstd makes a third less of it and takes half as long again"""
GROUP: Final = 262_144
"""rows that are read at least when only some journeys are wanted"""
IN_ONE_GO: Final = 1 << 21
"""rows of a table that is read in one go; one that is longer column by column, for it would take its memory twice"""


class Held(NamedTuple):
    """All that an archive holds."""

    columns: Columns
    told: pl.DataFrame
    """the feed's rows that are no journey's"""


def write_part(folder: Path, name: str, rows: pl.DataFrame) -> Part:
    """The rows as a new file, on the disk when this returns."""
    path = folder / f"{name}-{uuid4().hex[:12]}.parquet"
    rows.write_parquet(path, compression=COMPRESSION, row_group_size=GROUP)
    flush(path)
    return Part(file=path.name, rows=rows.height, bytes=path.stat().st_size, crc32=checksum(path))


def read_parts(folder: Path, parts: Iterable[Part], schema: SchemaDict) -> pl.DataFrame:
    """The rows of several files, one after the other; ArchiveRefused for a file that is not as it was written."""
    wanted = list(parts)
    if not wanted:
        return pl.DataFrame(schema=schema)
    as_written(folder, wanted)
    paths = [folder / part.file for part in wanted]
    if len(paths) == 1 or sum(part.rows for part in wanted) <= IN_ONE_GO:
        return pl.read_parquet(paths, schema=dict(schema)).rechunk()

    def column(name: str) -> pl.Series:
        return pl.read_parquet(paths, columns=[name], schema=dict(schema)).to_series().rechunk()

    return pl.DataFrame(on_threads(column, schema))


def as_long_as_written(folder: Path, parts: Iterable[Part]) -> None:
    """ArchiveRefused for a file that was cut off; FileNotFoundError for one that is not there."""
    for part in parts:
        size = (folder / part.file).stat().st_size
        if size != part.bytes:
            raise ArchiveRefused(
                f"{folder / part.file} has {size:,} bytes and was written with {part.bytes:,}: {REMEDY}"
            )


def as_written(folder: Path, parts: Iterable[Part]) -> None:
    """ArchiveRefused for a file of which a byte is another; FileNotFoundError for one that is not there."""
    wanted = list(parts)
    as_long_as_written(folder, wanted)
    sums = on_threads(lambda part: checksum(folder / part.file), wanted)
    for part, found in zip(wanted, sums, strict=True):
        if found != part.crc32:
            raise ArchiveRefused(
                f"{folder / part.file} is not as it was written (CRC-32 {found:08x} instead of {part.crc32:08x}): "
                f"{REMEDY}"
            )


def checksum(path: Path) -> int:
    """CRC-32 of its bytes: at several gigabytes a second every read can afford it."""
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        return crc32(content)


def read_table(folder: Path, name: str, ranges: Iterable[Range]) -> pl.DataFrame:
    """A table's rows of these ranges, in the order of the journeys."""
    return read_parts(folder, [each.parts[name] for each in ranges if name in each.parts], TABLES[name])


def read_told(folder: Path, manifest: Manifest) -> pl.DataFrame:
    """The feed's rows that are no journey's."""
    return read_parts(folder, [manifest.told], TOLD)


def held(folder: Path, manifest: Manifest) -> Held:
    return Held(columns_of(folder, manifest), read_told(folder, manifest))


def columns_of(folder: Path, manifest: Manifest) -> Columns:
    """All columns, as they were when the archive was written."""
    columns = begun(manifest)
    columns.events = Kept(read_table(folder, "events", manifest.ranges))
    columns.sides = {name: Kept(read_table(folder, name, manifest.ranges)) for name in SIDES}
    columns.streams = Streams.opened_by(columns.sides["openings"].all())
    return columns


def without_rows(folder: Path, manifest: Manifest) -> Columns:
    """Columns that know every stream and code, and no event: what is read next is what is new."""
    columns = begun(manifest)
    columns.streams = Streams.opened_by(read_table(folder, "openings", manifest.ranges))
    return columns


def begun(manifest: Manifest) -> Columns:
    """Of what the manifest itself tells."""
    columns = Columns()
    columns.codes = copied(manifest.codes)
    columns.position = manifest.position
    return columns


def copied(codes: Codes) -> Codes:
    """Codes grow with the columns they belong to; those of a manifest stay."""
    return Codes(**{name: dict(words) for name, words in vars(codes).items()})
