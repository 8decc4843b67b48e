"""Folders for what is on its way: of the living they stay, of the dead they go with the next one."""

import subprocess
import sys
from pathlib import Path

import pytest

from engine.scratch import scratch, sweep

KILLED = """
import os, sys
from pathlib import Path
from engine.scratch import scratch
with scratch(Path(sys.argv[1])) as folder:
    (folder / "bucket").write_text("half")
    os.kill(os.getpid(), 9)
"""


def test_what_a_killed_one_left_goes_with_the_next_one(tmp_path: Path) -> None:
    assert subprocess.run([sys.executable, "-c", KILLED, tmp_path], check=False).returncode == -9
    (left,) = tmp_path.iterdir()
    with scratch(tmp_path) as folder:
        assert [folder] == list(tmp_path.iterdir()) != [left]
    assert not any(tmp_path.iterdir())


def test_the_folder_of_one_that_goes_on_stays(tmp_path: Path) -> None:
    with scratch(tmp_path) as first, scratch(tmp_path) as second:
        (first / "bucket").write_text("whole")
        sweep(tmp_path)
        assert (first / "bucket").read_text() == "whole"
        assert second.is_dir()


def test_only_such_folders_are_cleared_away(tmp_path: Path) -> None:
    own = tmp_path / "dealtrail-scratch-of-mine"
    elsewhere = tmp_path / "elsewhere"
    for folder in (own, elsewhere):
        folder.mkdir()
        (folder / "kept").touch()
    (tmp_path / "dealtrail-scratch-abcdefgh").symlink_to(elsewhere)
    (tmp_path / "dealtrail-scratch-ijklmnop").write_text("a file")
    before = sorted(tmp_path.rglob("*"))
    sweep(tmp_path)
    assert sorted(tmp_path.rglob("*")) == before


def test_one_that_fails_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), scratch(tmp_path):
        raise RuntimeError("the disk is full")
    assert not any(tmp_path.iterdir())
