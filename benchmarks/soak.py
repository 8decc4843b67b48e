"""Many clients at once, on several worker processes over PostgreSQL: is every accepted command there, once, in order?

    python -m benchmarks.soak [--seconds 60] [--clients 32] [--workers 2] [--kill] [--json]

Mixed commands and reads over real HTTP; the service's database role owns no table. --kill ends a worker with -9 in the
middle; clients send again with the same Idempotency-Key. What clients were told is held against the table of events,
read by the driver alone. Exit code 1 when anything is lost, doubled, out of order, or answered by a 5xx but 503.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4, uuid5

import psutil
import psycopg2
from sqlalchemy import make_url

from benchmarks.service import DEALTRAIL, free_port, percentiles, prepared, running
from benchmarks.soak_clients import Client, Follower
from engine.log.application import Log
from engine.log.grants import grant
from service.keys import find_key
from tests.postgres import postgres


@dataclass(frozen=True)
class Stored:
    """An event as PostgreSQL has it."""

    position: int
    event_id: str
    stream: str
    version: int
    recorded_at: int
    command: UUID


def stored(url: str) -> list[Stored]:
    where = make_url(url)
    connection = psycopg2.connect(host=where.query["host"], user=where.username, dbname=where.database)
    with connection, connection.cursor() as cursor:
        names = "position, event_id::text, stream_id::text, version, recorded_at, command_id::text"
        cursor.execute(f"SELECT {names} FROM events ORDER BY position")
        found = [Stored(*rest, UUID(command)) for *rest, command in cursor.fetchall()]
    connection.close()
    return found


def soak(url: str, *, seconds: float, clients: int, workers: int = 2, kill: bool = False) -> dict[str, Any]:
    """Runs it on an empty PostgreSQL database, to which the URL leads as its owner; what is wrong is in "wrong"."""
    deals, key = prepared(url)
    log = Log(url)
    known = find_key(log, key)
    assert known is not None
    log.close()
    role = f"soak_{uuid4().hex}"
    grant(url, role, create=True)
    limited = make_url(url).set(username=role).render_as_string(hide_password=False)
    port = free_port()
    killed: list[int] = []
    command = [DEALTRAIL, "serve", "--port", str(port), "--workers", str(workers), "--db", limited]
    with running(command, port) as pid:
        until = time.monotonic() + seconds
        follower = Follower(port, key)
        crowd = [Client(n, port, key, deals, until) for n in range(clients)]
        for thread in (follower, *crowd):
            thread.start()
        if kill:
            time.sleep(seconds / 2)
            killed.append(kill_one(pid))
        for thread in crowd:
            thread.join(seconds + 90)
        follower.stop.set()
        follower.join(60)
        left = sum(thread.is_alive() for thread in (follower, *crowd))
    checked = subprocess.run([DEALTRAIL, "check", "--db", url], capture_output=True, text=True, check=False)
    events = stored(url)
    wrong = [problem for client in crowd for problem in client.heard.wrong]
    wrong += [f"{left} clients never ended"] * (left > 0)
    wrong += [f"check: {checked.stdout}{checked.stderr}"] * (checked.returncode != 0)
    wrong += out_of_order(events) + lost_or_doubled(events, crowd, known.person_id) + badly_followed(events, follower)
    return {**figures(crowd, seconds), "events": len(events), "killed": len(killed), "wrong": wrong}


def kill_one(supervisor: int) -> int:
    """The worker with the most CPU time: one that serves."""
    workers = [each for each in psutil.Process(supervisor).children(recursive=True) if each.num_threads() > 3]
    victim: psutil.Process = max(workers, key=lambda each: each.cpu_times().user)
    os.kill(victim.pid, signal.SIGKILL)
    return int(victim.pid)


def out_of_order(events: Sequence[Stored]) -> list[str]:
    wrong = []
    if [event.position for event in events] != list(range(1, len(events) + 1)):
        wrong.append("positions have gaps")
    if any(late.recorded_at <= early.recorded_at for early, late in pairwise(events)):
        wrong.append("recorded_at does not increase")
    versions: dict[str, list[int]] = defaultdict(list)
    for event in events:
        versions[event.stream].append(event.version)
    wrong += [f"stream {name} has versions {found}" for name, found in versions.items() if found != in_order(found)]
    return wrong


def in_order(versions: Sequence[int]) -> list[int]:
    return list(range(1, len(versions) + 1))


def lost_or_doubled(events: Sequence[Stored], crowd: Sequence[Client], person: UUID) -> list[str]:
    """Every accepted command left exactly the events it was answered with; what nobody sent is not there."""
    by_command: dict[UUID, list[Stored]] = defaultdict(list)
    for event in events:
        by_command[event.command].append(event)
    wrong, accounted = [], set()
    for client in crowd:
        last = 0
        for key, answer in client.heard.acknowledged:
            command = uuid5(person, key)
            accounted.add(command)
            told = [(event["event_id"], event["position"], event["version"]) for event in answer["events"]]
            found = [(event.event_id, event.position, event.version) for event in by_command[command]]
            if told != found:
                wrong.append(f"{client.name}: {key} was answered {told}, the log has {found}")
            for _, position, _ in told:
                if position <= last:
                    wrong.append(f"{client.name}: {key} at {position} came before {last}, which was sent earlier")
                last = position
        accounted |= {uuid5(person, key) for key in client.heard.unanswered}
    mine = [event for event in events if event.position > SET_UP and event.command not in accounted]
    return wrong + [f"nobody was told of the event at {event.position}" for event in mine]


SET_UP = 202
"""events that prepared() writes"""


def badly_followed(events: Sequence[Stored], follower: Follower) -> list[str]:
    if follower.seen == [(event.position, event.event_id) for event in events]:
        return []
    return [f"a consumer of the feed saw {len(follower.seen)} events, not the {len(events)} there are, in their order"]


def figures(crowd: Sequence[Client], seconds: float) -> dict[str, Any]:
    statuses: Counter[int] = sum((client.heard.statuses for client in crowd), Counter())
    accepted = sum(len(client.heard.acknowledged) for client in crowd)
    commands = [span for client in crowd for span in client.heard.command_seconds]
    reads = [span for client in crowd for span in client.heard.read_seconds]
    return {
        "clients": len(crowd),
        "seconds": seconds,
        "commands_accepted": accepted,
        "commands_per_second": accepted / seconds,
        "reads_per_second": len(reads) / seconds,
        "command_ms": percentiles(commands),
        "read_ms": percentiles(reads),
        "statuses": dict(sorted(statuses.items())),
        "broken_connections": sum(client.heard.broken for client in crowd),
        "sent_again_on_purpose": sum(client.heard.repeated for client in crowd),
        "unanswered": sum(len(client.heard.unanswered) for client in crowd),
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=float, default=60.0)
    arguments.add_argument("--clients", type=int, default=32)
    arguments.add_argument("--workers", type=int, default=2)
    arguments.add_argument("--kill", action="store_true", help="end a worker with -9 in the middle")
    arguments.add_argument("--json", action="store_true")
    asked = arguments.parse_args()
    with postgres(durable=True) as server:
        url = server.create("soak")
        found = soak(url, seconds=asked.seconds, clients=asked.clients, workers=asked.workers, kill=asked.kill)
    print(json.dumps(found, indent=2) if asked.json else as_text(found))
    sys.exit(1 if found["wrong"] else 0)


def as_text(found: dict[str, Any]) -> str:
    command, read = found["command_ms"], found["read_ms"]
    lines = [
        f"{found['clients']} clients, {found['seconds']:g} s, {found['killed']} workers killed: "
        f"{found['commands_accepted']:,} commands accepted ({found['commands_per_second']:.0f}/s), "
        f"{found['reads_per_second']:.0f} reads/s, {found['events']:,} events in the log",
        f"command p50 {command['p50']:.1f}, p99 {command['p99']:.1f} ms; read p50 {read['p50']:.1f}, p99 "
        f"{read['p99']:.1f} ms; statuses {found['statuses']}, {found['broken_connections']} broken connections, "
        f"{found['sent_again_on_purpose']} sent again on purpose, {found['unanswered']} unanswered",
    ]
    lines += [f"WRONG: {problem}" for problem in found["wrong"][:20]]
    lines.append(f"{len(found['wrong'])} things wrong" if found["wrong"] else "Nothing lost, doubled or out of order.")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
