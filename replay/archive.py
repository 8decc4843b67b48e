"""The archive: the columns of the log as Parquet files, so that a process starts without reading the whole log.

It is disposable: everything in it comes from the log, and can be built anew at any time. Its files hold ranges of
consecutive journeys, in the order in which journeys appear in the log, so that what is old keeps its files. It holds
what events hold, hence no name and no free text. Why so: docs/adr/0008-archive-by-range.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from engine.log.application import Log
from engine.log.positions import event_ids
from engine.projections.views import Start, Views
from replay.archive_ahead import Ahead, not_begun
from replay.archive_files import as_long_as_written, as_written, held
from replay.archive_manifest import REMEDY, ArchiveRefused, Manifest, read_manifest, unreadable

TRIES: Final = 5
"""times a reader looks again when a writer replaced the files under its hands"""


def belonging(log: Log, folder: Path) -> Manifest | None:
    """The manifest of this log's archive; None: there is no archive.

    ArchiveRefused: it is of another log, or of another history of this one (a database that was restored has other
    events after the backup), or not to be read by this program.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        return None
    if manifest.log_id != log.log_id:
        raise ArchiveRefused(f"the archive in {folder} is of another log ({manifest.log_id}): {REMEDY}")
    here = event_ids(log, [manifest.position]).get(manifest.position)
    if here != manifest.event_id:
        told = "no event" if here is None else f"event {here}"
        raise ArchiveRefused(
            f"the archive in {folder} is of another history of this log: at position {manifest.position:,} it has "
            f"event {manifest.event_id}, the log has {told}: {REMEDY}"
        )
    return manifest


def load(log: Log, folder: Path, ahead: Ahead = not_begun) -> Start | None:
    """Where views of the log may begin; None: there is no archive. Raises ArchiveRefused (see belonging)."""
    for again in reversed(range(TRIES)):
        manifest = belonging(log, folder)
        if manifest is None:
            return None
        try:
            return Start(*(ahead(manifest) or held(folder, manifest)))
        except FileNotFoundError as error:
            if not again:
                raise lacking(folder, error) from None
        except OSError as error:
            raise unreadable(folder, error) from None
    raise AssertionError("the last try either returns or raises")


def lacking(folder: Path, error: FileNotFoundError) -> ArchiveRefused:
    return ArchiveRefused(f"the archive in {folder} lacks {Path(error.filename or 'a file').name}: {REMEDY}")


def views_of(log: Log, folder: Path | None, say: Callable[[str], None], ahead: Ahead = not_begun) -> Views:
    """Views that begin with the archive where there is one. One that is refused is told of, and the log alone read."""
    if folder is None:
        return Views(log)
    try:
        return Views(log, load(log, folder, ahead))
    except ArchiveRefused as refusal:
        say(f"{refusal}; reading the whole log instead")
        return Views(log)


@dataclass(frozen=True)
class Status:
    """What there is, seen from the log."""

    folder: Path
    state: Literal["none", "current", "behind", "refused"]
    log_position: int
    position: int = 0
    """of the archive's newest event"""
    events: int = 0
    """of journeys"""
    journeys: int = 0
    ranges: int = 0
    files: int = 0
    bytes: int = 0
    written_at: datetime | None = None
    why: str | None = None
    """it is refused"""

    @property
    def behind(self) -> int:
        """Events a process would still read from the log."""
        return self.log_position - self.position


def status(log: Log, folder: Path, *, verify: bool = False) -> Status:
    """Never raises for what stands in the folder. verify: every byte is looked at."""
    end = log.position()
    for again in reversed(range(TRIES)):
        try:
            manifest = belonging(log, folder)
            if manifest is not None:
                (as_written if verify else as_long_as_written)(folder, manifest.parts)
            break
        except ArchiveRefused as refusal:
            return Status(folder, "refused", end, why=str(refusal))
        except FileNotFoundError as error:
            # Perhaps replaced by a writer under our hands.
            if not again:
                return Status(folder, "refused", end, why=str(lacking(folder, error)))
        except OSError as error:
            return Status(folder, "refused", end, why=str(unreadable(folder, error)))
    if manifest is None:
        return Status(folder, "none", end)
    return Status(
        folder,
        "current" if manifest.position == end else "behind",
        end,
        manifest.position,
        manifest.events,
        manifest.journeys,
        len(manifest.ranges),
        len(manifest.parts),
        manifest.bytes,
        manifest.written_at,
    )
