"""How fast the log takes events, with full durability, beside the floor of one durable commit in the same run.

    python -m benchmarks.append [--json] [--events 1000000]

One event a commit is measured through what a command does: its id looked up, the stream loaded, the event appended with
the expected version and the command's row. The floor is a single-row commit by the same driver under the same lock.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import polars as pl

from engine.aggregates.deal.events import Touched
from engine.log import schema
from engine.log.application import CommandRecord, Log, StreamWrite
from engine.log.bulk import append_bulk
from engine.log.connect import SQLITE
from engine.log.feed import read_feed
from engine.log.locked import append_lock
from engine.messages import AnyRecorded, Envelope, Recorded
from engine.values import TouchKind, to_micros
from tests.postgres import postgres

ROUNDS = 5
NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
TOUCH = Touched(kind=TouchKind.CALL)
STREAM_LENGTH = 20


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--json", action="store_true")
    arguments.add_argument("--events", type=int, default=1_000_000, help="of the bulk append")
    asked = arguments.parse_args()
    results = {}
    for name, opened in (("sqlite", sqlite_log), ("postgresql", postgres_log)):
        with opened() as log:
            results[name] = measure(log, asked.events)
    print(json.dumps(results, indent=2) if asked.json else as_text(results))


@contextmanager
def sqlite_log() -> Iterator[Log]:
    with tempfile.TemporaryDirectory(prefix="dealtrail-bench-") as folder:
        yield from _opened(f"sqlite:///{Path(folder) / 'log.db'}")


@contextmanager
def postgres_log() -> Iterator[Log]:
    with postgres(durable=True) as server:
        yield from _opened(server.create("bench"))


def _opened(url: str) -> Iterator[Log]:
    schema.init(url)
    log = Log(url)
    yield log
    log.close()


def measure(log: Log, size: int) -> dict[str, float]:
    """Rates a second: the median of ROUNDS rounds, the floor and the commands of each round side by side."""
    rounds = [(rate(floor(log), 400), rate(command(log), 400), rate(hundred(log), 20) * 100) for _ in range(ROUNDS)]
    floors, ones, hundreds = (statistics.median(column) for column in zip(*rounds, strict=True))
    batch = events(size)
    started = time.perf_counter()
    append_bulk(log, batch)
    bulk = size / (time.perf_counter() - started)
    started = time.perf_counter()
    read = read_feed(log, 0).height
    return {
        "floor_commits": round(floors),
        "one_event_commands": round(ones),
        "events_100_a_commit": round(hundreds),
        "events_bulk": round(bulk),
        "events_read": round(read / (time.perf_counter() - started)),
    }


def rate(act: Callable[[], object], times: int) -> float:
    act()
    started = time.perf_counter()
    for _ in range(times):
        act()
    return times / (time.perf_counter() - started)


def floor(log: Log) -> Callable[[], object]:
    sqlite = log.engine.dialect.name == SQLITE
    with log.engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE TABLE IF NOT EXISTS floor (id {'BLOB' if sqlite else 'uuid'}, body TEXT)")

    def act() -> None:
        with append_lock(log.engine) as writing:
            one = uuid4()
            writing.insert("floor (id, body)", [(one.bytes if sqlite else one, "x" * 60)])

    return act


def command(log: Log) -> Callable[[], object]:
    """One touch after the other; a new deal when one has STREAM_LENGTH of them."""
    stream = uuid4()
    actor = uuid4()

    def act() -> None:
        nonlocal stream
        command_id = uuid4()
        assert log.command(command_id) is None
        version = len(log.stream(stream))
        if version == STREAM_LENGTH:
            stream, version = uuid4(), 0
        log.append(
            [StreamWrite(stream, version, [touch(stream, version + 1, actor, command_id)])],
            command=CommandRecord(command_id, "0" * 64, {"stream": str(stream), "version": version + 1}),
        )

    return act


def hundred(log: Log) -> Callable[[], object]:
    def act() -> None:
        stream, command_id = uuid4(), uuid4()
        touches = [touch(stream, version, command_id, command_id) for version in range(1, 101)]
        log.append([StreamWrite(stream, 0, touches)])

    return act


def touch(stream: UUID, version: int, actor: UUID, command_id: UUID) -> AnyRecorded:
    envelope = Envelope(actor, command_id, command_id, None, "api")
    return Recorded(TOUCH, stream, version, uuid4(), NOW, envelope)


def events(size: int) -> pl.DataFrame:
    """A batch as an importer makes it: streams of STREAM_LENGTH events, ids that look like uuid5."""
    stream = (pl.int_range(pl.len()) // STREAM_LENGTH).cast(pl.String)
    number = pl.int_range(pl.len()).cast(pl.String)
    columns: dict[str, Any] = {
        "event_id": _hex("event" + number),
        "stream_id": _hex("stream" + stream),
        "type": pl.lit(TOUCH.TOPIC),
        "occurred_at": to_micros(NOW) + pl.int_range(pl.len()),
        "actor": pl.lit(uuid4().hex),
        "command_id": _hex("command" + stream),
        "correlation_id": _hex("command" + stream),
        "causation_id": pl.lit(None, pl.String),
        "origin": pl.lit("import:bench"),
        "payload": pl.lit(TOUCH.payload()),
    }
    return pl.DataFrame({"n": pl.arange(size, eager=True)}).select(**columns)


def _hex(text: pl.Expr) -> pl.Expr:
    return pl.concat_str(_hash(text, 1), _hash(text, 2))


def _hash(text: pl.Expr, seed: int) -> pl.Expr:
    return text.hash(seed).reinterpret(signed=False).cast(pl.String).str.zfill(20).str.slice(4, 16)


def as_text(results: dict[str, dict[str, float]]) -> str:
    lines = [f"{'a second':24}" + "".join(f"{name:>14}" for name in results)]
    for what in next(iter(results.values())):
        lines.append(f"{what:24}" + "".join(f"{result[what]:>14,}" for result in results.values()))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
