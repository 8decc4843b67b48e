"""A file that is either the old one or the new one, whole, whenever one looks; also after a kill."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from tempfile import mkstemp

from engine.errors import Rejected


def refuse_loss(path: Path, force: bool) -> None:
    """Rejected where the file is there already, and where its folder is not."""
    if not path.parent.is_dir():
        raise Rejected(f"-o {path}: the folder {str(path.parent)!r} does not exist: create it first")
    if path.is_dir():
        raise Rejected(f"-o {path} is a folder: name a file in it")
    if path.exists() and not force:
        raise Rejected(f"-o {path} is there already and is left as it is: add --force to replace it")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path`; it takes its place, flushed to the disk, when the block ends well."""
    handle, name = mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        _flush(temporary)
        temporary.replace(path)
        _flush(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


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
