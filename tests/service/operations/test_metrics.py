"""What several processes tell together, of which one was killed."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import cast
from uuid import uuid4

import pytest
from prometheus_client.registry import REGISTRY

from service import background, metrics
from service.running import Running
from service.settings import Serving
from tests.log.entries import OPENED, write

TELLING = """
import sys, time
from service import metrics
metrics.view_position.set(int(sys.argv[1]))
metrics.memory.set(int(sys.argv[2]))
metrics.requests.labels("GET", "/livez", 200).inc()
if sys.argv[3:]:
    print(metrics.exposition().decode())
else:
    print("told", flush=True)
    time.sleep(60)
"""


def told(folder: Path, *said: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", TELLING, *map(str, said)]
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def asked(folder: Path, *said: object) -> dict[str, float]:
    """What a further process with these numbers answers a scrape with."""
    lines = told(folder, *said, "scraped").communicate(timeout=60)[0].splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line and line[0] != "#")}


def test_the_view_farthest_behind_and_all_memory_are_told_of_the_processes_that_live(tmp_path: Path) -> None:
    other = told(tmp_path, 5, 300)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "told\n"
        found = asked(tmp_path, 9, 1_000)
        assert (found["dealtrail_view_position"], found["dealtrail_memory_bytes"]) == (5, 1_300)
    finally:
        other.kill()
        other.communicate()
    found = asked(tmp_path, 9, 1_000)
    assert (found["dealtrail_view_position"], found["dealtrail_memory_bytes"]) == (9, 1_000)
    assert found['dealtrail_http_requests_total{method="GET",route="/livez",status="200"}'] == 3


def test_what_a_process_wrote_last_is_counted_when_it_ends(sqlite_url: str) -> None:
    def counted() -> float:
        return REGISTRY.get_sample_value("dealtrail_append_seconds_count") or 0

    metrics.catch_up(0)
    before = counted()
    running = Running(sqlite_url, Serving())
    running.log.append([write(uuid4(), 0, OPENED)])
    running.close()
    assert counted() == before + 1


def test_what_can_not_be_measured_once_is_measured_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The disk was full, say: neither the numbers end, nor what is to be closed at the end stays open."""
    measured = []

    def measure(_: Running) -> None:
        measured.append(len(measured))
        if len(measured) == 1:
            raise OSError("no space left on device")

    monkeypatch.setattr(background, "measure", measure)
    monkeypatch.setattr(background, "MEASURED_SECONDS", 0.0)

    async def for_a_moment() -> None:
        async with asyncio.timeout(10):
            task = asyncio.create_task(background.keep_measuring(cast(Running, None)))
            while len(measured) < 3:
                await asyncio.sleep(0)
            task.cancel()

    asyncio.run(for_a_moment())
    assert [record.message for record in caplog.records] == ["measuring failed"]
