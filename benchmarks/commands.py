"""One-event commands a second through the whole path, beside the floor: a bare commit of one row, equally durable.

Run: python -m benchmarks.commands [--json]. Both databases; every commit is flushed to the disk. Rounds of the floor
and of commands alternate, so that both meet the same machine; medians over the rounds.
"""

import argparse
import json
import sqlite3
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID, uuid4

import psycopg2
from sqlalchemy import make_url

from engine.aggregates.deal.commands import OpenDeal
from engine.aggregates.inputs import PersonRef
from engine.aggregates.journey.commands import AssessBant, RecordSignal, SetScore, Touch
from engine.aggregates.pipeline.commands import CreatePipeline, PublishDefinition
from engine.handle import handle
from engine.log import schema
from engine.log.application import Log
from engine.messages import Command
from engine.stages.definition import parse_definition
from engine.values import Dimension, TouchKind, Verdict
from tests.postgres import postgres

ROUNDS = 5
COMMANDS = 1_000
DEALS = 250
"""Each deal is at its 2nd to 21st event when the commands reach it, as real deals are."""
TARGETS = {"sqlite": 1_000, "postgresql": 700}


def asked(number: int) -> Command:
    return (
        Touch(kind=TouchKind.CALL),
        AssessBant(dimension=list(Dimension)[number // 4 % 4], verdict=list(Verdict)[number // 16 % 3]),
        RecordSignal(signal="trial finished"),
        SetScore(fit=number % 1_000),
    )[number % 4]


def measure(url: str) -> dict[str, Any]:
    schema.init(url)
    log = Log(url)
    actor = PersonRef(source="login", key="benchmark")
    definition = parse_definition({"pipeline": "bench", "stages": [{"key": "contact", "kind": "open"}]})
    created = handle(log, CreatePipeline(pipeline="bench", name="Bench"), actor=actor, origin="cli")
    known = created.events[0].envelope.actor
    publish = PublishDefinition(pipeline="bench", definition=definition, reason="first")
    handle(log, publish, actor=known, origin="cli")
    deals = [handle(log, OpenDeal(pipeline="bench"), actor=known, origin="cli").stream_id for _ in range(DEALS)]
    commit = bare_commit(url)
    numbers = count()

    def command() -> None:
        one(log, deals, known, next(numbers))

    rounds = [(rate(commit), rate(command)) for _ in range(ROUNDS)]
    shares = python_share(log, command)
    log.close()
    floors, rates = zip(*rounds, strict=True)
    return {"floor_per_second": median(floors), "commands_per_second": median(rates), **shares}


def one(log: Log, deals: list[UUID], actor: UUID, number: int) -> None:
    handle(
        log, asked(number // DEALS + number), on=deals[number % DEALS], actor=actor, origin="api", command_id=uuid4()
    )


def rate(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    for _ in range(COMMANDS):
        act()
    return COMMANDS / (time.perf_counter() - start)


def bare_commit(url: str) -> Callable[[], None]:
    """Inserts a row of an event's size in a transaction of its own, with the driver alone."""
    row = "x" * 300
    parsed = make_url(url)
    connection: Any
    if parsed.get_backend_name() == "sqlite":
        connection = sqlite3.connect(str(parsed.database), isolation_level=None)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE bare (id INTEGER PRIMARY KEY, body TEXT)")
        return lambda: connection.execute("INSERT INTO bare (body) VALUES (?)", (row,))
    connection = psycopg2.connect(host=parsed.query["host"], user="postgres", dbname=parsed.database)
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE bare (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text)")
    return lambda: cursor.execute("INSERT INTO bare (body) VALUES (%s)", (row,))


def python_share(log: Log, command: Callable[[], None]) -> dict[str, float]:
    """Milliseconds a command: reading the stream, appending, and handle itself (fold, decide, all the rest)."""
    spent = {"stream": 0.0, "write_all": 0.0}

    def timed(name: str, act: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any) -> Any:
            start = time.perf_counter()
            try:
                return act(*given)
            finally:
                spent[name] += time.perf_counter() - start

        return run

    for name in spent:
        setattr(log, name, timed(name, getattr(log, name)))
    total = COMMANDS / rate(command)
    each = 1_000 / COMMANDS
    return {
        "read_ms": spent["stream"] * each,
        "append_ms": spent["write_all"] * each,
        "handle_ms": (total - sum(spent.values())) * each,
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--json", action="store_true")
    as_json = arguments.parse_args().json
    with tempfile.TemporaryDirectory() as folder, postgres(durable=True) as server:
        figures = {
            "sqlite": measure(f"sqlite:///{Path(folder) / 'bench.db'}"),
            "postgresql": measure(server.create("bench")),
        }
    if as_json:
        print(json.dumps(figures))
        return
    for database, found in figures.items():
        print(
            f"{database:<11} {found['commands_per_second']:7,.0f} commands/s (target {TARGETS[database]:,}; "
            f"a bare commit {found['floor_per_second']:,.0f}/s); of one command: read {found['read_ms']:.3f} ms, "
            f"append {found['append_ms']:.3f} ms, handle itself {found['handle_ms']:.3f} ms"
        )


if __name__ == "__main__":
    main()
