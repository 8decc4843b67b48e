"""A folder for what is on its way, of an import, export or service: gone when that ends, or when the next begins."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from typing import Final

BEGINS: Final = "dealtrail-scratch-"


@contextmanager
def scratch(place: Path | None = None) -> Iterator[Path]:
    """place: the folder it is made in; else where the system has its temporary files.

    Those there of ours that were killed are cleared away.
    """
    place = place or Path(gettempdir())
    sweep(place)
    handle, folder = locked(place)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
        os.close(handle)


def locked(place: Path) -> tuple[int, Path]:
    """A new folder, locked as long as the handle is open: that is how one of the living is told."""
    while True:
        folder = Path(mkdtemp(prefix=BEGINS, dir=place))
        # Another's sweep may come between.
        with suppress(FileNotFoundError):
            handle = os.open(folder, os.O_RDONLY)
            fcntl.flock(handle, fcntl.LOCK_EX)
            if folder.exists():
                return handle, folder
            os.close(handle)


def sweep(place: Path) -> None:
    """Removes what is left of those that did not end."""
    for folder in place.glob(f"{BEGINS}{'[a-z0-9_]' * 8}"):
        # Gone meanwhile, or still used: it stays. A link somebody laid there is not followed.
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError, BlockingIOError):
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(handle).st_uid == os.geteuid():
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(handle)
