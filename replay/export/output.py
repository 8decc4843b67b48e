"""A file that is either the old one or the new one, whole, whenever one looks; also after a kill."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from hashlib import sha256
from pathlib import Path
from tempfile import mkstemp

from engine.errors import Rejected


def refuse_loss(path: Path, force: bool) -> None:
    """Rejected where the file is there already, where its folder is not, and where it would be called `-`."""
    if path.name == "-":
        raise Rejected(
            "-o -: an export is a file with a manifest beside it and isn't told to the terminal: name a file"
        )
    if not path.parent.is_dir():
        raise Rejected(f"-o {path}: the folder {str(path.parent)!r} does not exist: create it first")
    if path.is_dir():
        raise Rejected(f"-o {path} is a folder: name a file in it")
    if path.exists() and not force:
        raise Rejected(f"-o {path} is there already and is left as it is: add --force to replace it")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path`; it takes its place, flushed to the disk, when the block ends well.

    Those of exports of the same file that were killed are cleared away.
    """
    sweep(path)
    handle, temporary = part_of(path)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        _flush(temporary)
        temporary.replace(path)
        _flush(path.parent)
    finally:
        temporary.unlink(missing_ok=True)
        os.close(handle)


def part_of(path: Path) -> tuple[int, Path]:
    """A new file beside it, locked as long as the handle is open: that is how a part of the living is told."""
    while True:
        handle, name = mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        fcntl.flock(handle, fcntl.LOCK_EX)
        if Path(name).exists():
            return handle, Path(name)
        # Another's sweep came between.
        os.close(handle)


def sweep(path: Path) -> None:
    """Removes what is left of exports of this file that did not end."""
    for part in path.parent.glob(f".{escape(path.name)}.{'[a-z0-9_]' * 8}.part"):
        # Gone meanwhile, of another user, or still written: it stays.
        with suppress(FileNotFoundError, PermissionError, BlockingIOError), part.open("rb") as left:
            fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
            part.unlink()


def digest_of(path: Path) -> str:
    """SHA-256 of the file's bytes."""
    found = sha256()
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            found.update(part)
    return found.hexdigest()


def _umask() -> int:
    # There is no way to ask but to set it.
    now = os.umask(0o077)
    os.umask(now)
    return now


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        # Not every system flushes a folder.
        with suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)
