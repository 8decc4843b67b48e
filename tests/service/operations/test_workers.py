"""Several processes that serve: what keeps them from it is told once, and none is begun for ever without a pause."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn

from engine.scratch import BEGINS
from service.cli import exits, workers
from service.cli.workers import PAUSES, STEADY_SECONDS, Pause, Workers

SERVING = """
import socket
from service.cli.serving import run
from service.logs import log_as_json
from service.settings import Serving
if __name__ == "__main__":
    log_as_json("info")
    run(Serving(workers=2), [socket.create_server(("127.0.0.1", 0))])
"""


def served(tmp_path: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Of two processes that are begun without the look that `serve` takes first, until they end."""
    script = tmp_path / "served.py"
    script.write_text(SERVING)
    known = {name: value for name, value in os.environ.items() if not name.startswith("DEALTRAIL_")}
    command = [sys.executable, str(script)]
    return subprocess.run(command, env=known | environment, capture_output=True, text=True, timeout=120, check=False)


def test_what_keeps_the_first_process_from_serving_is_told_once_and_ends_the_service(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    # As one that was killed leaves it.
    (temporary / f"{BEGINS}1a2b3c4d").mkdir(parents=True)
    ended = served(tmp_path, DEALTRAIL_DB=str(tmp_path / "nowhere.db"), TMPDIR=str(temporary))
    assert list(temporary.iterdir()) == []
    assert ended.returncode == exits.NO_DATABASE, ended.stderr
    told = [line for line in ended.stderr.splitlines() if line.startswith("dealtrail:")]
    assert len(told) == 1
    assert "nowhere.db" in told[0]
    assert "Traceback" not in ended.stderr


def test_a_process_that_is_killed_before_it_serves_ends_the_service_as_a_shell_tells_it(tmp_path: Path) -> None:
    killing = tmp_path / "sitecustomize.py"
    killing.write_text("import os, sys\nif '--multiprocessing-fork' in sys.argv: os.kill(os.getpid(), 9)\n")
    ended = served(tmp_path, PYTHONPATH=str(tmp_path))
    assert ended.returncode == 128 + signal.SIGKILL, ended.stderr
    lines = map(json.loads, ended.stderr.splitlines())
    assert [line["exit_code"] for line in lines if line["level"] == "error"] == [-signal.SIGKILL]


class Begun:
    """A process in name only, that loads until it is told to serve, or is killed."""

    def __init__(self, *_: Any) -> None:
        self.ready, self.exitcode, self.pid, self.process = False, None, 1, self

    def start(self) -> None: ...

    def join(self) -> None: ...

    def kill(self) -> None:
        self.exitcode = -signal.SIGKILL

    def is_ready(self) -> bool:
        return self.ready

    def is_alive(self, timeout: float = 0) -> bool:
        return self.exitcode is None


def test_what_is_killed_while_it_loads_ends_nothing_while_another_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "Process", Begun)
    watched = Workers(uvicorn.Config("unused", workers=2), [])
    watched.init_processes()

    def look(times: int = 1) -> list[Any]:
        for _ in range(times):
            watched.keep_subprocess_alive()
        return watched.processes

    look()[0].ready = True
    first, second = look(2)
    first.kill()
    third, _ = look(2)
    second.kill()
    look()
    assert not watched.should_exit.is_set()
    third.kill()
    look()
    assert watched.should_exit.is_set()
    assert watched.code == 128 + signal.SIGKILL


class Mute(Begun):
    """Does not answer while it loads."""

    def is_alive(self, timeout: float = 0) -> bool:
        return super().is_alive() and (self.ready or not timeout)


def test_one_that_loads_is_not_taken_to_hang_where_all_were_held_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "Process", Mute)
    now = [0.0]
    monkeypatch.setattr(workers, "time", SimpleNamespace(monotonic=lambda: now[0]))
    watched = Workers(uvicorn.Config("unused", workers=2), [])
    watched.init_processes()
    (first,) = watched.processes
    for moment in (1.0, 1_000.0, 1_001.0):
        now[0] = moment
        watched.keep_subprocess_alive()
    assert first.exitcode is None
    while not watched.should_exit.is_set():
        now[0] += 1
        watched.keep_subprocess_alive()
    assert first.exitcode == -signal.SIGKILL
    assert now[0] < 1_100


def test_one_that_somebody_else_began_is_watched_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server begins all anew at a SIGHUP, and one more at a SIGTTIN."""
    monkeypatch.setattr(workers, "Process", Begun)
    watched = Workers(uvicorn.Config("unused", workers=2), [])
    watched.processes.append(Begun())
    watched.keep_subprocess_alive()
    watched.processes[0].ready = True
    watched.keep_subprocess_alive()
    assert len(watched.processes) == 2


def test_those_that_do_not_last_are_begun_after_ever_longer_pauses() -> None:
    pause = Pause()
    assert pause.after(STEADY_SECONDS) == 0
    soon = [pause.after(STEADY_SECONDS - 1) for _ in range(len(PAUSES) + 2)]
    assert soon == sorted(soon)
    assert (soon[0], soon[1], soon[-1]) == (0, 1, 30)
    assert pause.after(STEADY_SECONDS) == 0
    assert pause.after(1) == 0
