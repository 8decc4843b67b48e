"""The clients of benchmarks/soak.py: each sends mixed commands and reads, and keeps what it was told."""

import http.client
import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

GIVE_UP_SECONDS = 30.0
"""for one command; whoever gets no answer for so long counts it as unanswered"""
FINAL = frozenset({200, 201, 400, 403, 404, 409, 412, 422, 428})
"""statuses after which nothing is tried again"""
READS = ("/v1/board", "/v1/conversion", "/v1/cycle-time", "/v1/journeys/{deal}/history", "/v1/journeys/{deal}")


@dataclass
class Heard:
    """What one client was told."""

    statuses: Counter[int] = field(default_factory=Counter)
    broken: int = 0
    """connections that ended without an answer"""
    acknowledged: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Idempotency-Key and answer of every accepted command, in the order they were sent"""
    unanswered: list[str] = field(default_factory=list)
    repeated: int = 0
    """commands sent again on purpose after their answer"""
    wrong: list[str] = field(default_factory=list)
    command_seconds: list[float] = field(default_factory=list)
    read_seconds: list[float] = field(default_factory=list)


class Connection:
    """Kept open, opened anew after a break: then perhaps to the other process."""

    def __init__(self, port: int, key: str) -> None:
        self.port = port
        self.headers = {"Authorization": f"Bearer {key}"}
        self.http: http.client.HTTPConnection | None = None

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        """OSError or HTTPException where no answer comes."""
        if self.http is None:
            self.http = http.client.HTTPConnection("127.0.0.1", self.port, timeout=GIVE_UP_SECONDS)
        try:
            self.http.request(method, path, body, {**self.headers, **headers})
            reply = self.http.getresponse()
            content = reply.read()
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        if reply.will_close or random.random() < 0.02:
            self.close()
        return reply.status, content

    def close(self) -> None:
        if self.http is not None:
            self.http.close()
            self.http = None


class Client(threading.Thread):
    def __init__(self, number: int, port: int, key: str, deals: list[str], until: float) -> None:
        super().__init__(name=f"client-{number}", daemon=True)
        self.random = random.Random(number)
        self.connection = Connection(port, key)
        self.deals, self.until = deals, until
        self.heard = Heard()

    def run(self) -> None:
        while time.monotonic() < self.until:
            if self.random.random() < 0.6:
                self.command()
            else:
                self.read()
        self.connection.close()

    def command(self) -> None:
        path, body = self.wish()
        key, heard = str(uuid4()), self.heard
        answer = self.until_answered(path, body, key)
        if answer is None:
            return
        heard.acknowledged.append((key, answer))
        if path == "/v1/deals":
            self.deals.append(answer["stream_id"])
        if self.random.random() < 0.05:
            heard.repeated += 1
            again = self.until_answered(path, body, key)
            if again is not None and again != answer:
                heard.wrong.append(f"{key} was answered {answer}, then {again}")

    def wish(self) -> tuple[str, bytes]:
        if self.random.random() < 0.1:
            return "/v1/deals", b'{"pipeline": "bench", "title": "a deal of the soak"}'
        at = f"/v1/journeys/{self.random.choice(self.deals)}"
        return self.random.choice(
            [
                (f"{at}/touch", b'{"kind": "call", "note": "rang"}'),
                (f"{at}/record-signal", b'{"signal": "trial finished"}'),
                (f"{at}/set-score", json.dumps({"fit": self.random.randrange(1_000)}).encode()),
                (f"{at}/assess-bant", b'{"dimension": "budget", "verdict": "confirmed"}'),
            ]
        )

    def until_answered(self, path: str, body: bytes, key: str) -> dict[str, Any] | None:
        """The answer of an accepted command; None of a refused one, or when none came."""
        gives_up = time.monotonic() + GIVE_UP_SECONDS
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        while time.monotonic() < gives_up:
            began = time.perf_counter()
            try:
                status, content = self.connection.send("POST", path, body, **headers)
            except (OSError, http.client.HTTPException):
                self.heard.broken += 1
                time.sleep(self.random.uniform(0.01, 0.1))
                continue
            self.heard.statuses[status] += 1
            self.heard.command_seconds.append(time.perf_counter() - began)
            if status in (200, 201):
                answer: dict[str, Any] = json.loads(content)
                return answer
            if status in FINAL:
                return None
            if status != 503:
                self.heard.wrong.append(f"{status} {path}: {content[:300]!r}")
                return None
            time.sleep(self.random.uniform(0.05, 0.3))
        self.heard.unanswered.append(key)
        return None

    def read(self) -> None:
        """The answer knows of everything this client was told before, whichever process gives it."""
        seen = max((answer["position"] for _, answer in self.heard.acknowledged[-3:]), default=0)
        path = self.random.choice(READS).format(deal=self.random.choice(self.deals))
        began = time.perf_counter()
        try:
            status, content = self.connection.send("GET", path)
        except (OSError, http.client.HTTPException):
            self.heard.broken += 1
            return
        self.heard.statuses[status] += 1
        self.heard.read_seconds.append(time.perf_counter() - began)
        if status == 200:
            position = json.loads(content).get("position")
            if position is not None and position < seen:
                self.heard.wrong.append(f"{path} is at position {position}, after a command at {seen} was accepted")
        elif status not in FINAL and status != 503:
            self.heard.wrong.append(f"{status} {path}: {content[:300]!r}")


class Follower(threading.Thread):
    """Reads the feed all along, as a consumer does."""

    def __init__(self, port: int, key: str) -> None:
        super().__init__(daemon=True)
        self.connection = Connection(port, key)
        self.seen: list[tuple[int, str]] = []
        """position and event_id, in the order they came"""
        self.stop = threading.Event()

    def run(self) -> None:
        after = 0
        while True:
            last = self.stop.is_set()
            try:
                status, content = self.connection.send("GET", f"/v1/events?after={after}&limit=1000")
            except (OSError, http.client.HTTPException):
                continue
            if status != 200:
                time.sleep(0.1)
                continue
            page = json.loads(content)
            self.seen += [(event["position"], event["event_id"]) for event in page["events"]]
            after = page["next"]
            if last and not page["events"]:
                return
            time.sleep(0.05)
