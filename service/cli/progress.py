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

    doing, rate = TextColumn("{task.description}"), TextColumn("{task.fields[rate]}")
    columns = (doing, BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(before, total=None, rate="")
        began = time.monotonic()

        def told(done: int, total: int | None) -> None:
            per_second = f"{done / max(time.monotonic() - began, 0.001):,.0f} {unit}/s"
            what = before if total is None else then
            shown.update(task, description=what, completed=done, total=total, rate=per_second)

        yield told


def lines(unit: str, before: str, then: str) -> Told:
    began = last = time.monotonic()

    def told(done: int, total: int | None) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < LINE_SECONDS:
            return
        last = now
        what = f"{before}: {done:,} {unit}" if total is None else f"{then}: {done:,} of {total:,} {unit}"
        print(f"{what}, {done / (now - began):,.0f} {unit}/s", file=sys.stderr, flush=True)

    return told
