"""Building and rebuilding, killed with -9 at random moments: what the next start finds is right each time.

    python -m tests.replay.archive.kills [--times 20] [--seed 1]

A child process goes on and on: it appends journeys and builds the archive, or rebuilds into one new folder after the
other. The parent kills it after a random while, looks at what is there, and lets the next child go on.
"""

import argparse
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from engine.log import schema
from engine.log.application import Log
from engine.projections.views import Views
from replay.archive import status, views_of
from replay.archive_build import build
from replay.rebuild import on_threads, rebuild
from replay.rebuild_output import new_folder, write_answers
from tests.replay.archive.histories import frames, write_history

LONGEST = 1.0
"""seconds a child may go on after its first piece of work"""
WIDTH = 4
"""journeys a range: many files"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--times", type=int, default=20)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    asked = arguments.parse_args()
    if asked.child:
        {"build": build_on_and_on, "rebuild": rebuild_on_and_on}[asked.child[0]](Path(asked.child[1]))
        return
    with TemporaryDirectory() as place:
        for name, found in survive(Path(place), asked.times, asked.seed):
            print(f"{name}: {found}")


def survive(place: Path, times: int, seed: int) -> Iterator[tuple[str, str]]:
    """Kills so many builds, then so many rebuilds; AssertionError when something is not as it should be."""
    chance = random.Random(seed)
    schema.init(url(place))
    log = Log(url(place))
    write_history(log, journeys=60)
    for number in range(times):
        kill("build", place, chance)
        found = status(log, place / "archive")
        assert found.state in ("current", "behind"), found
        assert frames(views_of(log, place / "archive", refuse)) == frames(Views(log))
        yield f"build {number + 1}", f"archive up to {found.position:,} of {found.log_position:,} events"
    build(log, place / "archive")
    for number in range(times):
        kill("rebuild", place, chance)
        whole = [folder for folder in place.iterdir() if folder.name.startswith("derived")]
        assert whole, "the first was there before the child said so"
        assert len({digest(folder) for folder in whole}) == 1
        yield f"rebuild {number + 1}", f"{len(whole)} folders, all of them whole"
        for folder in whole[1:]:
            shutil.rmtree(folder)
    log.close()


def url(place: Path) -> str:
    return f"sqlite:///{place / 'log.db'}"


def refuse(message: str) -> None:
    raise AssertionError(message)


def kill(work: str, place: Path, chance: random.Random) -> None:
    """A child at the work, killed some time after its first piece of it."""
    command = [sys.executable, "-m", "tests.replay.archive.kills", "--child", work, str(place)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"once\n"
        time.sleep(chance.uniform(0, LONGEST))
        child.send_signal(signal.SIGKILL)


def build_on_and_on(place: Path) -> None:
    log = Log(url(place))
    build(log, place / "archive", width=WIDTH)
    print("once", flush=True)
    for _ in count():
        write_history(log, journeys=2, seed=log.position())
        build(log, place / "archive")


def rebuild_on_and_on(place: Path) -> None:
    log = Log(url(place))
    manifest = build(log, place / "archive").manifest
    while True:
        with new_folder(place / f"derived-{uuid4().hex}") as output:
            done = rebuild(place / "archive", manifest, on_threads(), lambda done, total: None, output=output)
            write_answers(done, output)
        print("once", flush=True)


def digest(folder: Path) -> str:
    """Of every file's name, and of the content of the tables; answers.json tells when it was asked."""
    found = sha256()
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        found.update(str(path.relative_to(folder)).encode())
        if path.suffix == ".parquet":
            found.update(path.read_bytes())
    return found.hexdigest()


if __name__ == "__main__":
    main()
