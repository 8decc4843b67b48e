"""dealtrail check: nothing where all is well, and a planted difference is found."""

import sqlite3
from pathlib import Path

from service.cli import exits
from tests.service.commandline import run


def test_a_sound_log_has_no_difference(sample_log: Path) -> None:
    answer = run("check", "--db", sample_log, "--json").answer
    assert answer["n"] == 0
    assert answer["position"] > 1000
    assert "No difference" in run("check", "--db", sample_log).out


def test_a_planted_difference_is_found_and_listed(own_sample: Path) -> None:
    with sqlite3.connect(own_sample) as connection:
        triggers = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
        for name in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(
            "UPDATE events SET position = position + 1 WHERE position = (SELECT max(position) FROM events)"
        )
    connection.close()
    said = run("check", "--db", own_sample)
    assert said.code == exits.FOUND
    assert "position" in said.out
    assert run("check", "--db", own_sample, "--json").code == exits.FOUND
