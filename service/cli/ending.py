"""SIGTERM ends a command as Ctrl-C does: what is half written is cleared away."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Final

TERMINATED: Final = 128 + signal.SIGTERM
"""exit code, as a shell tells it"""


@contextmanager
def ended_by_term() -> Iterator[None]:
    """For the block, in the main thread: SIGTERM leaves it as an exception, in the end SystemExit(TERMINATED)."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        # A shell has said that Ctrl-C is not for this job in the background: SIGTERM does what it does without us.
        yield
        return
    terminated = Event()
    reading, writing = os.pipe()
    os.set_blocking(writing, False)

    def listen() -> None:
        # While Polars writes a file no Python runs in the main thread, where signals are handled: it looks for Ctrl-C
        # alone. So that is what it is told.
        while told := os.read(reading, 1):
            if told[0] == signal.SIGTERM:
                terminated.set()
                os.kill(os.getpid(), signal.SIGINT)

    on_term = signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    woken = signal.set_wakeup_fd(writing)
    listener = Thread(target=listen, daemon=True)
    listener.start()
    try:
        yield
    except KeyboardInterrupt:
        if terminated.is_set():
            raise SystemExit(TERMINATED) from None
        raise
    finally:
        signal.set_wakeup_fd(woken)
        signal.signal(signal.SIGTERM, on_term)
        os.close(writing)
        listener.join()
        os.close(reading)
