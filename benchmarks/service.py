"""Commands and reads over HTTP, beside the floor of the same run; and the board of a long log while commands come in.

    python -m benchmarks.service [--json] [--events 1000000]

The floor of a command: a bare FastAPI route that takes the same lock and inserts one row durably through the same
driver. The floor of a read: a bare route that returns a constant of the same size. Server and clients are processes of
their own on this machine; every commit is flushed to the disk. Rounds alternate, each share is of one round, and the
servers are started anew every few rounds (one process may be a tenth quicker than the next); medians over all rounds.
"""

import argparse
import contextlib
import http.client
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from uuid import UUID, uuid4

import polars as pl
import psutil

from engine.aggregates.deal.commands import OpenDeal
from engine.aggregates.inputs import PersonRef
from engine.aggregates.pipeline.commands import CreatePipeline, PublishDefinition
from engine.handle import handle
from engine.log import schema
from engine.log.application import Log
from engine.projections.lens import Lens
from engine.projections.views import Views
from engine.stages.definition import parse_definition
from service.keys import create_key, owner_of_key
from tests.postgres import postgres

STARTS = 3
ROUNDS = 3
"""of each start"""
SECONDS = 1.0
DEALS = 200
TARGETS = {"one_client": 0.6, "eight_clients": 0.7, "board_p99_ms": 15.0}
DEALTRAIL = str(Path(sys.executable).with_name("dealtrail"))
LONG_BOARD = "/v1/board?pipeline=direct"
FORK = multiprocessing.get_context("spawn")


class Caller:
    """One connection that is kept."""

    def __init__(self, port: int, key: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.headers = {"Authorization": f"Bearer {key}"}

    def get(self, path: str) -> int:
        self.connection.request("GET", path, headers=self.headers)
        return self.read()

    def post(self, path: str, body: bytes) -> int:
        sent = {**self.headers, "Content-Type": "application/json", "Idempotency-Key": str(uuid4())}
        self.connection.request("POST", path, body, sent)
        return self.read()

    def read(self) -> int:
        reply = self.connection.getresponse()
        content = reply.read()
        if reply.status not in (200, 201):
            raise RuntimeError(f"{reply.status}: {content[:300]!r}")
        return len(content)


BODIES = (
    ("touch", b'{"kind": "call"}'),
    ("record-signal", b'{"signal": "trial finished"}'),
    ("set-score", b'{"fit": 7}'),
    ("assess-bant", b'{"dimension": "budget", "verdict": "confirmed"}'),
)


def commands_for(port: int, key: str, deals: Sequence[str], seconds: float, pace: float | None) -> list[float]:
    """Sends commands one after the other (so many a second, if paced); returns how long each took."""
    caller, spans, until = Caller(port, key), [], time.perf_counter() + seconds
    number = int(time.time_ns() % 1_000)
    due = time.perf_counter()
    while (began := time.perf_counter()) < until:
        if pace is not None and (wait := due - began) > 0:
            time.sleep(wait)
            began = time.perf_counter()
        due += 0 if pace is None else 1 / pace
        if deals:
            name, body = BODIES[number % len(BODIES)]
            caller.post(f"/v1/journeys/{deals[number % len(deals)]}/{name}", body)
        else:
            caller.post("/floor", BODIES[0][1])
        number += 1
        spans.append(time.perf_counter() - began)
    return spans


def reads_for(port: int, key: str, path: str, seconds: float, pace: float | None) -> list[float]:
    caller, spans, until = Caller(port, key), [], time.perf_counter() + seconds
    due = time.perf_counter()
    while (began := time.perf_counter()) < until:
        if pace is not None and (wait := due - began) > 0:
            time.sleep(wait)
            began = time.perf_counter()
        due += 0 if pace is None else 1 / pace
        caller.get(path)
        spans.append(time.perf_counter() - began)
    return spans


def at_once(clients: int, port: int, key: str, deals: Sequence[str]) -> float:
    """Commands a second of so many clients at once."""
    with FORK.Pool(min(clients, 8)) as pool:
        pool.map(abs, range(clients))
        each = pool.starmap(commands_for, [(port, key, deals, SECONDS, None)] * clients)
    return sum(len(spans) for spans in each) / SECONDS


def processor_seconds(process: int) -> float:
    """That the process has had so far, in its own code and in the system's; unlike a rate, others take little of it."""
    spent = psutil.Process(process).cpu_times()
    return float(spent.user + spent.system)


@contextlib.contextmanager
def running(arguments: Sequence[str], port: int, **environment: str) -> Iterator[int]:
    """A server process, ready, until the block ends."""
    told = {**os.environ, "DEALTRAIL_LOG_LEVEL": "warning", **environment}
    process = subprocess.Popen(arguments, env=told)
    try:
        deadline = time.monotonic() + 120
        while not ready(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{arguments} did not start")
            time.sleep(0.05)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def ready(port: int) -> bool:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


STAGES = {
    "pipeline": "bench",
    "stages": [
        {"key": "contact", "kind": "open"},
        {"key": "qualified", "kind": "open", "enter": {"bant_confirmed": {"at_least": 2}}},
        {"key": "won", "kind": "won", "enter": {"event": "DealWon"}},
    ],
}


def prepared(url: str) -> tuple[list[str], str]:
    """A log with a pipeline and deals; and a key."""
    schema.init(url)
    log = Log(url)
    actor = PersonRef(source="login", key="benchmark")
    handle(log, CreatePipeline(pipeline="bench", name="Bench"), actor=actor, origin="cli")
    published = PublishDefinition(pipeline="bench", definition=parse_definition(STAGES), reason="first")
    handle(log, published, actor=actor, origin="cli")
    deals = [str(handle(log, OpenDeal(pipeline="bench"), actor=actor, origin="cli").stream_id) for _ in range(DEALS)]
    key, _ = create_key(log, owner_of_key(log, "benchmark"), "ops", now=datetime.now(UTC))
    log.close()
    return deals, key


def measure(url: str) -> dict[str, Any]:
    deals, key = prepared(url)
    served, floor = free_port(), free_port()
    found: dict[str, list[float]] = {}
    serve = [DEALTRAIL, "serve", "--port", str(served), "--db", url]
    bare = [sys.executable, "-m", "benchmarks.service_floor", url, str(floor)]
    for _ in range(STARTS):
        with running(serve, served) as serving, running(bare, floor) as barely:
            # The first requests of a process are slower than all others.
            for port, on in ((served, deals), (floor, ())):
                at_once(1, port, key, on)
            for _ in range(ROUNDS):
                for name, clients in (("one_client", 1), ("eight_clients", 8)):
                    sides = (f"{name}_floor", barely, floor, ()), (name, serving, served, deals)
                    for side, process, port, on in sides:
                        before = processor_seconds(process)
                        rate = at_once(clients, port, key, on)
                        found.setdefault(f"{side}_per_second", []).append(rate)
                        spent = processor_seconds(process) - before
                        found.setdefault(f"{side}_processor_ms", []).append(spent * 1_000 / (rate * SECONDS))
                    share = found[f"{name}_per_second"][-1] / found[f"{name}_floor_per_second"][-1]
                    found.setdefault(f"{name}_share", []).append(share)
            size = Caller(served, key).get("/v1/board")
            reads = reads_for(served, key, "/v1/board", SECONDS, None)
            bare_reads = reads_for(floor, key, f"/constant?size={size}", SECONDS, None)
            single = commands_for(served, key, deals, SECONDS, None)
    return {
        **{name: median(each) for name, each in found.items()},
        "command_ms": percentiles(single),
        "board_ms": percentiles(reads),
        "constant_ms": percentiles(bare_reads),
    }


def long_log(url: str, events: int) -> dict[str, Any]:
    """The board of a long log: 50 reads, and 100 commands that change it, a second in one process."""
    _, key = prepared(url)
    made_up = ["simulate", "--events", str(events), "--pipelines", "direct", "--db", url]
    subprocess.run([DEALTRAIL, *made_up], check=True, capture_output=True)
    deals = open_deals(url, "direct")
    port = free_port()
    with running([DEALTRAIL, "serve", "--port", str(port), "--db", url], port) as pid:
        reads_for(port, key, LONG_BOARD, 1, 50)
        with FORK.Pool(2) as pool:
            pool.map(abs, range(2))
            writing = pool.apply_async(commands_for, (port, key, deals, 10.0, 100.0))
            reading = pool.apply_async(reads_for, (port, key, LONG_BOARD, 10.0, 50.0))
            written, read = writing.get(), reading.get()
        memory = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return {
        "events": events,
        "reads": len(read),
        "commands": len(written),
        "board_ms": percentiles(read),
        "command_ms": percentiles(written),
        "memory_mb": memory / 2**20,
    }


def open_deals(url: str, pipeline: str) -> list[str]:
    """Some of the pipeline's, from all over the log: the streams that take entries."""
    log = Log(url)
    journeys = Views(log).look(pipeline, Lens.of()).journeys
    streams = journeys.filter(pl.col("outcome") == "open")["stream"]
    log.close()
    return [str(UUID(hex=stream)) for stream in streams.gather_every(max(1, len(streams) // (2 * DEALS)))]


def percentiles(spans: Sequence[float]) -> dict[str, float]:
    cuts = quantiles(spans, n=100)
    return {"p50": median(spans) * 1_000, "p99": cuts[98] * 1_000}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--events", type=int, default=1_000_000, help="of the long log; 0 leaves it out")
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, postgres(durable=True) as server:
        figures: dict[str, Any] = {
            "sqlite": measure(f"sqlite:///{Path(folder) / 'bench.db'}"),
            "postgresql": measure(server.create("bench")),
        }
        if asked.events:
            figures["long_log"] = long_log(f"sqlite:///{Path(folder) / 'long.db'}", asked.events)
    print(json.dumps(figures, indent=2) if asked.json else as_text(figures))


def as_text(figures: dict[str, Any]) -> str:
    lines = []
    for database in ("sqlite", "postgresql"):
        found = figures[database]
        for name in ("one_client", "eight_clients"):
            rate, floor, share = (found[f"{name}{end}"] for end in ("_per_second", "_floor_per_second", "_share"))
            spent, bare = found[f"{name}_processor_ms"], found[f"{name}_floor_processor_ms"]
            said = (
                f"{rate:6,.0f} commands/s, floor {floor:6,.0f}/s: {share:.0%} (target {TARGETS[name]:.0%}); "
                f"{spent:.2f} ms of processor a command, floor {bare:.2f}"
            )
            lines.append(f"{database:<11} {name.replace('_', ' '):<14} {said}")
        for name in ("command_ms", "board_ms", "constant_ms"):
            lines.append(f"{database:<11} {name:<14} p50 {found[name]['p50']:.2f}, p99 {found[name]['p99']:.2f}")
    if "long_log" in figures:
        found = figures["long_log"]
        board, command = found["board_ms"], found["command_ms"]
        lines.append(
            f"{found['events']:,} events, {found['reads']} reads and {found['commands']} commands in 10 s: board p50 "
            f"{board['p50']:.1f} ms, p99 {board['p99']:.1f} ms (target {TARGETS['board_p99_ms']:g}); command p50 "
            f"{command['p50']:.1f}, p99 {command['p99']:.1f} ms; {found['memory_mb']:,.0f} MB"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
