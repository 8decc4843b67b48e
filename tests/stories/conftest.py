"""The service as it is run: `dealtrail serve` in processes of its own; on PostgreSQL two that share the database."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import make_url

from engine.log.grants import grant
from tests.service.commandline import run
from tests.service.http.server import Client

DEALTRAIL = str(Path(sys.executable).with_name("dealtrail"))
START_SECONDS = 60


class Served:
    """A running service and the command line beside it."""

    def __init__(self, url: str, port: int) -> None:
        self.url = url
        self.anybody = Client(port)

    def key(self, role: str, person: str) -> Client:
        """Made as an operator makes one."""
        made = run("keys", "create", "--role", role, "--person", person, "--db", self.url)
        assert made.code == 0, made.err
        return self.anybody.with_key(made.out.strip())


@pytest.fixture
def served(database_url: str, tmp_path: Path) -> Iterator[Served]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    workers = "1"
    if database_url.startswith("postgresql"):
        # As it should be run there: as a role that owns no table.
        workers, role = "2", f"service_{uuid4().hex}"
        grant(database_url, role, create=True)
        database_url = make_url(database_url).set(username=role).render_as_string(hide_password=False)
    command = [DEALTRAIL, "serve", "--port", str(port), "--workers", workers, "--first-key"]
    told, announced = tmp_path / "served.log", tmp_path / "announced"
    environment = {**os.environ, "DEALTRAIL_DB": database_url}
    with told.open("wb") as logs, announced.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stderr=logs, stdout=output)
    service = Served(database_url, port)
    try:
        until = time.monotonic() + START_SECONDS
        while not ready(service.anybody):
            assert process.poll() is None, told.read_text()
            assert time.monotonic() < until, told.read_text()
            time.sleep(0.05)
        # To be seen by who started it, not kept with the logs.
        assert re.search(r"dt_[0-9a-f]{8}_[\w-]{43}", announced.read_text())
        assert "dt_" not in told.read_text()
        yield service
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert code in (0, -signal.SIGTERM), told.read_text()
    assert "Traceback" not in told.read_text(), told.read_text()


def ready(anybody: Client) -> bool:
    try:
        return anybody.get("/readyz").status == 200
    except OSError:
        return False
