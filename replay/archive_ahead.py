"""The archive read on a thread of its own, while the process imports what answers need and opens the log.

Both are half a second at ten million events, and Polars reads without Python.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from replay.archive_files import Held, held
from replay.archive_manifest import ArchiveRefused, Manifest, read_manifest

Ahead = Callable[[Manifest], Held | None]
"""What the archive of this manifest holds, as far as it was read ahead: waits for it. None: something else was read."""


def not_begun(manifest: Manifest) -> Held | None:
    """Nothing was read ahead."""


@contextmanager
def reading_ahead(folder: Path | None) -> Iterator[Ahead]:
    """Begins to read what stands in the folder, of whichever log it is."""
    if folder is None:
        yield not_begun
        return
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(whatever, folder)

        def read(manifest: Manifest) -> Held | None:
            found = coming.result()
            return found[1] if found is not None and found[0] == manifest else None

        yield read


def whatever(folder: Path) -> tuple[Manifest, Held] | None:
    try:
        manifest = read_manifest(folder)
        return None if manifest is None else (manifest, held(folder, manifest))
    except (ArchiveRefused, OSError):
        # It is read again by who knows the log, and tells why that can't be.
        return None
