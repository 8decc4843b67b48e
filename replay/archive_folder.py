"""What in a folder is the archive's. Whatever else lies there is left alone: the folder is named by people."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from engine.errors import NotFound, Rejected
from replay.archive_manifest import LOCK, MANIFEST, TABLES, Manifest, only_one
from replay.archive_pieces import PIECE
from replay.disk import writing

_HELD: Final = re.compile(rf"({'|'.join([*TABLES, 'told'])})-[0-9a-f]{{12}}\.parquet")
_ON_THE_WAY: Final = re.compile(rf"{PIECE}[0-9a-f]{{12}}\.arrow|{re.escape(MANIFEST)}\.new|{LOCK}")


def refuse_strangers(folder: Path) -> None:
    """Rejected where no archive is and something else lies: a build would mix the two."""
    names = names_in(folder)
    if names and not is_archive(names):
        raise Rejected(f"{folder} is no archive and holds {min(names)!r}: name a new or an empty folder")


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()] if folder.is_dir() else []


def is_archive(names: Sequence[str]) -> bool:
    """Be it a damaged one, or one that was only begun: a manifest.json or a lock alone may be anybody's."""
    return any(_HELD.fullmatch(name) for name in names) or all(_ON_THE_WAY.fullmatch(name) for name in names)


def sweep(folder: Path, manifest: Manifest) -> None:
    """Removes the files of ours that nobody names: of the archive before, or of a writer that was killed."""
    named = {part.file for part in manifest.parts}
    for path in ours(folder):
        if path.name not in (MANIFEST, LOCK) and path.name not in named:
            path.unlink()


@contextmanager
def undone(folder: Path) -> Iterator[None]:
    """Removes what a block that fails has added, but for what the manifest names by then: a full disk is left as full
    as it was.
    """
    stood = set(names_in(folder))
    try:
        yield
    except BaseException:
        manifest = folder / MANIFEST
        named = manifest.read_bytes() if manifest.is_file() else b""
        for path in ours(folder):
            if path.name != LOCK and path.name not in stood and path.name.encode() not in named:
                path.unlink(missing_ok=True)
        raise


def drop(folder: Path) -> None:
    """Removes the archive, whatever its state, and the folder when nothing else is in it.

    NotFound: there is none; Conflict: another process writes it.
    """
    names = names_in(folder)
    if not names or not is_archive(names):
        raise NotFound(f"there is no archive in {folder}")
    with writing(folder), only_one(folder):
        # The manifest first: half an archive must not look like one.
        for path in sorted(ours(folder), key=lambda path: (path.name != MANIFEST, path.name == LOCK)):
            path.unlink(missing_ok=True)
        if not any(folder.iterdir()):
            folder.absolute().rmdir()


def ours(folder: Path) -> Iterator[Path]:
    for path in list(folder.iterdir()):
        if path.name == MANIFEST or _HELD.fullmatch(path.name) or _ON_THE_WAY.fullmatch(path.name):
            yield path
