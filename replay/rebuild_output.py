"""Where a rebuild writes visits, journeys and answers: a folder that is there when it is whole, and not before."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import Rejected
from replay.archive_manifest import LOCK, flush, only_one
from replay.disk import writing
from replay.rebuild import Rebuilt


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to write to; it gets its name when the block ends well. Rejected: there is something of that name, or
    the disk lets nothing be written.

    One that a killed rebuild left behind is used anew.
    """
    if path.exists():
        raise Rejected(f"-o {path} is there already and is left as it is: name a new folder")
    if not path.absolute().parent.is_dir():
        raise Rejected(f"-o {path}: the folder {str(path.parent)!r} does not exist: create it first")
    unfinished = path.with_name(f".{path.name}.part")
    with writing(path), only_one(unfinished):
        for leftover in unfinished.iterdir():
            if leftover.name != LOCK:
                shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        try:
            yield unfinished
        except BaseException:
            shutil.rmtree(unfinished)
            raise
        (unfinished / LOCK).unlink()
        for folder in (each for each in unfinished.rglob("*") if each.is_dir()):
            flush(folder)
        flush(unfinished)
        unfinished.rename(path)
        flush(path.absolute().parent)


def write_answers(rebuilt: Rebuilt, folder: Path) -> None:
    """answers.json: of each pipeline board, conversion, cycle_time and win_rate, as the commands' --json has them."""
    from json import dumps

    path = folder / "answers.json"
    path.write_text(dumps(told(rebuilt), indent=2, ensure_ascii=False))
    flush(path)


def told(rebuilt: Rebuilt) -> dict[str, object]:
    """The answers of each pipeline as plain data."""
    return {
        name: {answer: found.model_dump(mode="json", by_alias=True) for answer, found in vars(each).items()}
        for name, each in rebuilt.pipelines.items()
    }
