"""What an archive says of itself: which log it is of, up to where, and which files hold what.

The manifest alone decides what belongs to the archive. It is replaced by a rename, after everything it names is on the
disk; so a process killed at any moment leaves the archive before or the archive after, and at most files nobody names.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final
from uuid import UUID

import polars as pl
from polars._typing import PolarsDataType
from pydantic import BaseModel, ConfigDict, ValidationError

from engine.errors import Conflict, Rejected
from engine.projections.columns import EVENTS, SIDES, Codes
from engine.stages.criteria_polars import DIMENSION, TOUCH, VERDICT
from engine.stages.facts import KINDS

MANIFEST: Final = "manifest.json"
LOCK: Final = "lock"
WIDTH: Final = 65_536
"""journeys in one range of files, unless told: about a million events"""
FORMAT: Final = 3
"""to be raised when columns.py gives the same columns and codes another meaning"""
TABLES: Final[dict[str, dict[str, PolarsDataType]]] = {
    "events": EVENTS,
    **SIDES,
}
"""of every range"""
TOLD: Final[dict[str, PolarsDataType]] = {
    "position": pl.Int64,
    "stream_id": pl.String,
    "type": pl.String,
    "occurred_at": pl.Int64,
    "recorded_at": pl.Int64,
    "actor": pl.String,
    "origin": pl.String,
    "payload": pl.String,
}
"""The rows of the feed that are no journey's. Said here again, for an archive is read before a database is imported."""
_WORDS: Final = (KINDS, *(sorted(codes.items()) for codes in (TOUCH, VERDICT, DIMENSION)))
MEANING: Final = sha256(repr((FORMAT, TABLES, TOLD, _WORDS)).encode()).hexdigest()
"""Of all that the numbers in the files stand for: another program that counts otherwise must not read them."""


class ArchiveRefused(Rejected):
    """There is an archive, and it is not to be believed here: the log alone answers."""


class Part(BaseModel):
    """One file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    rows: int
    bytes: int
    crc32: int
    """of the bytes: a disk may give back others than it was given"""


class Range(BaseModel):
    """Consecutive journeys from `first` on: their rows by table; a table without rows has no file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first: int
    parts: dict[str, Part]


class Manifest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    meaning: str
    log_id: UUID
    position: int
    """of the newest event it holds"""
    event_id: UUID | None
    """of that event: another history of the same log has another there"""
    written_at: datetime
    width: int
    """journeys a range"""
    journeys: int
    codes: Codes
    told: Part
    """the feed's rows that are no journey's: of definitions and the roster"""
    ranges: tuple[Range, ...]

    @property
    def parts(self) -> list[Part]:
        """All files that belong to the archive."""
        return [part for each in self.ranges for part in each.parts.values()] + [self.told]

    @property
    def events(self) -> int:
        return sum(each.parts["events"].rows for each in self.ranges)

    @property
    def bytes(self) -> int:
        return sum(part.bytes for part in self.parts)


def read_manifest(folder: Path) -> Manifest | None:
    """What the folder holds; None: no archive. ArchiveRefused: what stands there is none of this program's."""
    try:
        text = (folder / MANIFEST).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unreadable(folder, error) from None
    try:
        found = Manifest.model_validate_json(text)
    except ValidationError:
        raise ArchiveRefused(f"{folder / MANIFEST} is no manifest of this program: {REMEDY}") from None
    if found.meaning != MEANING:
        raise ArchiveRefused(f"the archive in {folder} was written by another version of this program: {REMEDY}")
    return found


def unreadable(folder: Path, error: OSError) -> ArchiveRefused:
    return ArchiveRefused(f"there is no reading an archive in {folder} ({error.strerror}): name another folder")


REMEDY: Final = "build it anew with `dealtrail archive build`, or remove it with `dealtrail archive drop`"


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Puts the manifest in the place of the one before."""
    flush(folder)
    fresh = folder / f"{MANIFEST}.new"
    fresh.write_text(manifest.model_dump_json(indent=1))
    flush(fresh)
    fresh.replace(folder / MANIFEST)
    flush(folder)


def flush(path: Path) -> None:
    """Onto the disk: a file's content, or which files a folder has."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Held by the one process that writes the archive; Conflict when another does. It ends with the process.

    Rejected: there can be no such folder, or none to write in.
    """
    import fcntl

    try:
        folder.mkdir(parents=True, exist_ok=True)
        opened = (folder / LOCK).open("w")
    except OSError as error:
        raise Rejected(f"{folder} is no folder to write in ({error.strerror}): name another") from None
    taken = Conflict(f"another process is writing in {folder}: wait for it")
    with opened as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise taken from None
        # Whoever had it before may have removed the folder, and with it the file that is locked now.
        if not (folder / LOCK).exists() or not os.path.samestat(os.fstat(lock.fileno()), (folder / LOCK).stat()):
            raise taken
        yield
