"""An import that is killed and run again is one import."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.log.application import Log
from engine.log.keys import keys_frame
from engine.log.people import people_frame
from service.importers.run import run_import
from tests.service.importers.histories import LONG, ROWS, facts, journeys_feed, lay

CHILD = """
import os, signal, sys
from pathlib import Path
from engine.log.application import Log
from service.importers import writing
from service.importers.run import run_import

url, file, mapping, left = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
writing.WRITTEN = 50

def progress(done, total):
    global left
    if total is not None:
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

run_import(Log(url), file, mapping, actor="clerk", progress=progress)
"""
MANY = ROWS + "".join(
    f"x{n},{what},2024-05-0{day}T08:00:00Z,rep{n % 7},{n}\n"
    for n in range(100)
    for day, what in enumerate(["open", "call", "offer", "win"], 1)
)


@pytest.mark.parametrize("after", [1, 2, 7])
def test_killed_with_9_and_run_again_is_one_run(log: Log, sqlite_template: Path, tmp_path: Path, after: int) -> None:
    file, mapping = lay(tmp_path, LONG, MANY)
    child = [sys.executable, "-c", CHILD, log.url, str(file), str(mapping), str(after)]
    assert subprocess.run(child, check=False).returncode == -signal.SIGKILL
    half = journeys_feed(log).height
    assert 0 < half < 510
    report = run_import(log, file, mapping, actor="clerk")
    assert report.already_known == half
    assert report.changed_count == 0
    assert report.new_events == 510 - half

    whole = tmp_path / "whole.db"
    whole.write_bytes(sqlite_template.read_bytes())
    other = Log(f"sqlite:///{whole}")
    run_import(other, file, mapping, actor="clerk")
    assert facts(log) == facts(other)
    assert keys_frame(log).equals(keys_frame(other))
    assert people_frame(log).drop("person_id").equals(people_frame(other).drop("person_id"))
    other.close()
