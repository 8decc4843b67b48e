"""What a disk refuses, as a refusal of ours: that it is full, or not ours to write on, is nobody's bug."""

import errno
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from polars.exceptions import ComputeError

from engine.errors import Rejected

REMEDIES: Final = {
    errno.ENOSPC: "make room there",
    errno.EDQUOT: "make room there",
    errno.EFBIG: "name a place where files may be as large",
    errno.EACCES: "name another place, or have the right to write there given to you",
    errno.EPERM: "name another place, or have the right to write there given to you",
    errno.EROFS: "name another place",
}


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Rejected, with the path and a remedy, where the disk lets the block write no more; other errors stay as they are.

    The block leaves what stood there before, also when it fails.
    """
    try:
        yield
    except (OSError, ComputeError, sqlite3.OperationalError) as error:
        number = number_of(error)
        if number not in REMEDIES:
            raise
        said = f"{path} can't be written ({os.strerror(number)}), what was there stands: {REMEDIES[number]}"
        raise Rejected(said) from error


def number_of(error: Exception) -> int | None:
    """The system's number of what went wrong; Polars tells it in words, and SQLite has its own."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    if isinstance(error, sqlite3.Error):
        return errno.ENOSPC if error.sqlite_errorcode == sqlite3.SQLITE_FULL else None
    told = re.search(r"\(os error (\d+)\)", str(error))
    return None if told is None else int(told[1])
