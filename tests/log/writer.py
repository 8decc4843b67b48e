"""A writer in its own process: python -m tests.log.writer URL append|hold|bulk [COUNT]; it prints what it committed."""

import sys
import time
from uuid import uuid4

from engine.log.application import Log
from engine.log.bulk import append_bulk
from engine.log.locked import append_lock
from tests.log.entries import OPENED, entry, signal, write
from tests.log.test_bulk import batch_of


def append_forever(log: Log) -> None:
    """Each commit of two events is acknowledged by a line: stream, version."""
    stream, version = uuid4(), 0
    while True:
        log.append([write(stream, version, signal("one"), signal("two"))])
        version += 2
        print(stream, version, flush=True)


def hold(log: Log) -> None:
    """Stands still in the middle of a transaction."""
    with append_lock(log.engine):
        print("holding", flush=True)
        time.sleep(600)


def bulk(log: Log, count: int) -> None:
    streams = [uuid4() for _ in range(count // 10)]
    batch = batch_of([entry(OPENED, stream, 1) for stream in streams for _ in range(10)])
    print(append_bulk(log, batch), flush=True)


if __name__ == "__main__":
    opened = Log(sys.argv[1])
    if sys.argv[2] == "append":
        append_forever(opened)
    elif sys.argv[2] == "hold":
        hold(opened)
    else:
        bulk(opened, int(sys.argv[3]))
