"""A file as plain bytes: gzip undone, no larger than allowed, clear words for what is broken."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import Rejected

UNPACKED_LIMIT = 4 * 1024**3
"""Bytes a file may have after unpacking: a small archive can hide a huge one."""


class Limited(io.RawIOBase):
    def __init__(self, path: Path, inner: gzip.GzipFile | io.BufferedReader, limit: int) -> None:
        self.path, self.inner, self.left, self.limit = path, inner, limit, limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # the base says Buffer, it is given memory
        try:
            block = self.inner.read(len(buffer))
        except EOFError:
            raise Rejected(f"{self.path} breaks off: the gzip file is truncated, fetch it again") from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise Rejected(f"{self.path} is no sound gzip file: {error}") from None
        self.left -= len(block)
        if self.left < 0:
            raise Rejected(
                f"{self.path} holds more than {self.limit} bytes after unpacking: raise the limit if that is right"
            )
        buffer[: len(block)] = block
        return len(block)


@contextmanager
def unpacked(path: Path, limit: int = UNPACKED_LIMIT) -> Iterator[io.BufferedReader]:
    """The bytes of a file, unpacked when they are gzip (told by content, not by name)."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise Rejected(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise Rejected(f"{path} is a folder: name the file to import") from None
    with file:
        magic = file.read(2)
        file.seek(0)
        if not magic:
            raise Rejected(f"{path} is empty")
        packed = magic == b"\x1f\x8b"
        if path.suffix == ".gz" and not packed:
            raise Rejected(f"{path} is named .gz and is no gzip file")
        with gzip.open(file) if packed else file as inner:
            yield io.BufferedReader(Limited(path, inner, limit), 1 << 20)
