"""The launcher of the test server: what it starts dies with who started it, and leaves nothing."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg2
import pytest

from tests import postgres as launcher
from tests.postgres import Server, postgres

ROOT = Path(__file__).resolve().parents[2]


def start_elsewhere() -> tuple["subprocess.Popen[str]", Path]:
    """A process that runs a server of its own, and the server's folder."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.postgres"], cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout
    url = process.stdout.readline().strip()
    return process, Path(url.partition("host=")[2])


def answers(folder: Path) -> bool:
    try:
        Server(folder).execute("SELECT 1")
    except psycopg2.OperationalError:
        return False
    return True


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_it_is_postgresql_18_and_durable_when_asked(postgres_server: Server) -> None:
    connection = psycopg2.connect(host=str(postgres_server.socket_folder), user="postgres", dbname="postgres")
    assert connection.server_version // 10_000 == 18
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)
    connection.close()


def test_a_killed_run_leaves_no_server_and_its_folder_goes_at_the_next_start(monkeypatch: pytest.MonkeyPatch) -> None:
    process, data = start_elsewhere()
    assert answers(data)
    process.kill()
    process.wait(10)
    assert eventually(lambda: not answers(data))
    assert data.is_dir()
    launcher.remove_leftovers()
    assert data.is_dir(), "a folder so young may be that of a run about to begin"
    old = time.time() - 1_000
    os.utime(data.parent / "lock", (old, old))
    launcher.remove_leftovers()
    assert not data.parent.exists()


def test_a_run_that_ends_removes_everything() -> None:
    process, data = start_elsewhere()
    assert answers(data)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert not data.parent.exists()


def test_a_server_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "installed", lambda: Path("/nowhere/bin"))
    with pytest.raises((RuntimeError, OSError), match="nowhere"), postgres():
        pass


def test_binaries_that_nobody_may_read_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the home of root, who hands the server to another account; anybody else runs it as who they are."""
    closed = tmp_path / "closed"
    closed.mkdir()
    wheel = launcher.installed().parents[1]
    (closed / wheel.name).symlink_to(wheel)
    (closed / f"{wheel.name}.libs").symlink_to(wheel.with_suffix(".libs"))
    closed.chmod(0o700)
    monkeypatch.setattr(launcher, "installed", lambda: closed / wheel.name / "pginstall" / "bin")
    with postgres() as server:
        server.execute("SELECT 1")
        assert (server.socket_folder.parent / "wheel").is_dir() == (os.geteuid() == 0)
