"""Killed with -9 at random moments; `python -m tests.replay.archive.kills` does it more often."""

from pathlib import Path

from tests.replay.archive.kills import survive


def test_what_a_killed_build_or_rebuild_leaves_is_right(tmp_path: Path) -> None:
    assert len(list(survive(tmp_path, times=3, seed=7))) == 6
