"""What Prometheus reads: kept here, or in files that several processes share (PROMETHEUS_MULTIPROC_DIR)."""

import os
import resource
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import REGISTRY

FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
requests = Counter("dealtrail_http_requests", "Requests by route and status", ["method", "route", "status"])
commands = Counter("dealtrail_commands", "Commands by what came of them", ["command", "result"])
append_seconds = Histogram("dealtrail_append_seconds", "Appends to the log, lock and commit included", buckets=FAST)
command_seconds = Histogram("dealtrail_command_seconds", "Commands from decide to commit", buckets=FAST)
answer_seconds = Histogram("dealtrail_answer_seconds", "Answers, catching up included", ["answer"], buckets=FAST)
view_position = Gauge(
    "dealtrail_view_position", "Position the views of every process have read to", multiprocess_mode="livemin"
)
memory = Gauge("dealtrail_memory_bytes", "Resident memory of all processes", multiprocess_mode="livesum")
policy_actions = Counter("dealtrail_policy_actions", "What was due, by what came of it", ["policy", "result"])
policy_seconds = Histogram("dealtrail_policy_seconds", "Rounds of the policies", buckets=FAST)
policy_round = Gauge("dealtrail_policy_round_timestamp_seconds", "When a round ended last", multiprocess_mode="max")
notices = Counter("dealtrail_notices", "Attempts to deliver to webhooks", ["result"])
notice_seconds = Histogram("dealtrail_notice_seconds", "Attempts to deliver, to the answer", buckets=FAST)
waiting = Gauge("dealtrail_waiting", "Requests running or waiting", ["pool"], multiprocess_mode="livesum")

_STATM = Path("/proc/self/statm")


def resident_bytes() -> int:
    """Where the system does not tell what is resident now: the most that ever was."""
    if _STATM.exists():
        return int(_STATM.read_text().split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def exposition() -> bytes:
    """The text format of Prometheus."""
    catch_up(0)
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    forget_the_dead(Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]))
    shared = CollectorRegistry()
    MultiProcessCollector(shared)  # type: ignore[no-untyped-call]  # the library's
    return generate_latest(shared)


def forget_the_dead(folder: Path) -> None:
    """What a process that was killed has, has read and waits for is no longer told; what it counted stays counted."""
    for process in {int(file.stem.rpartition("_")[2]) for file in folder.glob("gauge_live*_*.db")}:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            mark_process_dead(process)  # type: ignore[no-untyped-call]  # the library's


@contextmanager
def counted(command: str) -> Iterator[None]:
    """As count, of the block."""
    began = time.perf_counter()
    end: BaseException | None = None
    try:
        yield
    except BaseException as error:
        end = error
        raise
    finally:
        count(command, end, time.perf_counter() - began)


def count(command: str, end: object, seconds: float) -> None:
    """end: what came of it, or the error it ended with."""
    result = type(end).__name__ if isinstance(end, BaseException) else "accepted"
    later(command_seconds.observe, seconds)
    later(_of(commands, command, result).inc, 1)


def count_request(method: str, route: str, status: int) -> None:
    _of(requests, method, route, status).inc()


@cache
def _of(counter: Counter, *labels: object) -> Counter:
    """Found by the library in as much time again as counting takes."""
    return counter.labels(*labels)


_LATER: deque[tuple[Callable[[float], None], float]] = deque()
_MOST: Final = 64


def later(tell: Callable[[float], None], value: float) -> None:
    """What somebody has no time to tell who waits for something else: some at once take a fraction of the time."""
    _LATER.append((tell, value))


def catch_up(unless_fewer: int = _MOST) -> None:
    """Tells what was left for later."""
    if len(_LATER) < unless_fewer:
        return
    with suppress(IndexError):
        while True:
            tell, value = _LATER.popleft()
            tell(value)
