"""A stop finishes what is in flight."""

import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from benchmarks.service import DEALTRAIL, free_port
from engine.log.application import Log
from engine.log.locked import append_lock
from service.keys import create_key, owner_of_key
from tests.service.http.conftest import publish
from tests.service.http.server import Client
from tests.stories.conftest import START_SECONDS, ready


def test_a_command_that_is_being_written_is_answered_before_the_service_ends(database_url: str) -> None:
    publish(database_url)
    log = Log(database_url)
    key, _ = create_key(log, owner_of_key(log, "login:ops"), "ops", now=datetime.now(UTC))
    port = free_port()
    command = [DEALTRAIL, "serve", "--port", str(port), "--db", database_url]
    process = subprocess.Popen(command, env={**os.environ, "DEALTRAIL_LOG_LEVEL": "warning"})
    client = Client(port, key)
    try:
        until = time.monotonic() + START_SECONDS
        while not ready(client):
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)
        with ThreadPoolExecutor(1) as pool:
            with append_lock(log.engine):
                writing = pool.submit(client.post, "/v1/deals", {"pipeline": "loans"})
                time.sleep(0.5)
                process.send_signal(signal.SIGTERM)
                time.sleep(0.5)
                assert process.poll() is None
                with pytest.raises(OSError):  # noqa: PT011 (refused or reset: nobody new is let in)
                    client.get("/livez")
                assert not writing.done()
            assert writing.result(20).answer["position"] == 3
        assert process.wait(30) in (0, -signal.SIGTERM)
    finally:
        process.kill()
        process.wait()
    assert log.position() == 3
    log.close()
