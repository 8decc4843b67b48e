"""What waits for a thread, and for a database that hangs: refused in time, and its place is given back."""

import asyncio
import subprocess
import sys
from threading import Event

import pytest

from engine.log.application import Log
from engine.log.dialogue import Dialogue
from service.work import Bounds, Overloaded, Pool, Unanswered
from service.writing import Writer

SOON = Bounds(waiting=2, patience_seconds=0.05, answer_seconds=0.1)


def test_who_waits_for_what_hangs_is_refused_and_so_is_who_waits_behind() -> None:
    async def story() -> None:
        pool, again = Pool("asking", 1, SOON), Event()
        try:
            first, second, third = await asyncio.gather(
                *(pool.run(again.wait) for _ in range(3)), return_exceptions=True
            )
            assert isinstance(first, Unanswered)
            assert isinstance(second, Overloaded)
            assert isinstance(third, Overloaded)
            # Their places are taken while the thread is: more would only gather behind it.
            with pytest.raises(Overloaded):
                await pool.run(lambda: True)
            assert pool.inside == 3
        finally:
            again.set()
        while pool.inside:
            await asyncio.sleep(0.001)
        assert await pool.run(lambda: "as before") == "as before"
        pool.close()

    asyncio.run(story())


def test_a_command_that_hangs_is_refused_and_the_next_is_done(log: Log) -> None:
    async def story() -> None:
        writer, again = Writer(log, 8, SOON), Event()

        def hangs() -> Dialogue[bool]:
            yield from ()
            return again.wait()

        def done() -> Dialogue[str]:
            yield from ()
            return "as before"

        try:
            with pytest.raises(Unanswered):
                await writer.run("Touch", hangs)
        finally:
            again.set()
        assert await writer.run("Touch", done) == "as before"
        writer.close()

    asyncio.run(story())


def test_a_process_that_is_asked_to_stop_ends_whatever_hangs() -> None:
    hangs = "from threading import Event, Thread; Thread(target=Event().wait).start()"
    stops = "from service.stopping import end_at_last; end_at_last(0.1)"
    asked = [sys.executable, "-c", f"{hangs}; {stops}"]
    ended = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 1
    assert "did not end in time" in ended.stderr
