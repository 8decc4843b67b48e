"""The service is stopped while somebody listens: the stream ends by itself, and the service with it."""

import json
import os
import re
import signal
import subprocess
import time
from http.client import HTTPConnection
from pathlib import Path

from tests.service.commandline import run
from tests.service.http.conftest import publish
from tests.service.http.server import Client
from tests.stories.conftest import DEALTRAIL, ready


def test_a_stream_does_not_keep_the_service_from_stopping(sqlite_url: str, tmp_path: Path) -> None:
    publish(sqlite_url)
    key = run("keys", "create", "--role", "ops", "--person", "a-listener", "--db", sqlite_url).out.strip()
    with (tmp_path / "served.log").open("wb") as log:
        command = [DEALTRAIL, "serve", "--port", "0", "--first-key", "--db", sqlite_url]
        environment = {**os.environ, "DEALTRAIL_PROT": "1"}
        process = subprocess.Popen(command, env=environment, stderr=log, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        announced = process.stdout.readline()
        found = re.search(r"at http://127\.0\.0\.1:([0-9]+) ", announced)
        assert found, announced
        port = int(found[1])
        until = time.monotonic() + 60
        while not ready(Client(port)):
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", "/v1/stream?after=0", headers={"Authorization": f"Bearer {key}"})
        response = connection.getresponse()
        while not response.readline().startswith(b"id: 2"):
            pass
        process.send_signal(signal.SIGTERM)
        # To its proper end: a connection that is cut would raise IncompleteRead.
        response.read()
        connection.close()
        # Long before the 30 seconds that what is in flight may take.
        assert process.wait(15) in (0, -signal.SIGTERM)
    finally:
        if process.poll() is None:
            process.kill()
        rest = process.communicate()[0]
    assert "A further key" in rest
    lines = [json.loads(line) for line in (tmp_path / "served.log").read_text().splitlines()]
    assert any("is DEALTRAIL_PORT meant?" in line["message"] for line in lines)
    assert "Traceback" not in (tmp_path / "served.log").read_text()
