"""Progress of what takes seconds: a bar with rate and remaining time on a terminal, else a line now and then.

Always on stderr, so that the answer on stdout stays clean.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Told = Callable[[int, int | None], None]
"""how many are done, of how many (None while nobody knows)"""
LINE_SECONDS = 2.0
"""between two lines where there is no terminal"""


@contextmanager
def progress(unit: str, before: str, then: str) -> Iterator[Told]:
    """`before` says what is done while the total is unknown, `then` what afterwards: rows, reading, writing."""
    if not sys.stderr.isatty():
        yield lines(unit, before, then)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    doing, speed = TextColumn("{task.description}"), TextColumn("{task.fields[rate]}")
    columns = (doing, BarColumn(), MofNCompleteColumn(), speed, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task, rate = shown.add_task(before, total=None, rate=""), Rate()

        def told(done: int, total: int | None) -> None:
            what, per_second = before if total is None else then, f"{rate.of(done, total):,.0f} {unit}/s"
            shown.update(task, description=what, completed=done, total=total, rate=per_second)

        yield told


def lines(unit: str, before: str, then: str) -> Told:
    last, rate = time.monotonic(), Rate()

    def told(done: int, total: int | None) -> None:
        nonlocal last
        now, per_second = time.monotonic(), rate.of(done, total)
        if now - last < LINE_SECONDS:
            return
        last = now
        what = f"{before}: {done:,} {unit}" if total is None else f"{then}: {done:,} of {total:,} {unit}"
        print(f"{what}, {per_second:,.0f} {unit}/s", file=sys.stderr, flush=True)

    return told


class Rate:
    """How many a second: since the total is known of those alone, for what was counted before was something else."""

    def __init__(self) -> None:
        self._began, self._before, self._looking = time.monotonic(), 0, False

    def of(self, done: int, total: int | None) -> float:
        now = time.monotonic()
        if self._looking and total is not None:
            self._began, self._before = now, done
        self._looking = total is None
        return (done - self._before) / max(now - self._began, 0.001)
