"""The end of a process: of one that is asked to stop, whatever still hangs, and of one that nobody is served by."""

import logging
import multiprocessing
import os
import signal
from threading import Thread, Timer
from typing import NoReturn


def end_at_last(seconds: float) -> None:
    """Ends the process after so long, were it still there: a thread that asks a database which hangs can't be stopped,
    and would be waited for. What it had begun is not committed, and is sent again with the same Idempotency-Key.
    """
    last = Timer(seconds, _end)
    last.daemon = True
    last.start()


def end_now(code: int, why: str) -> NoReturn:
    """Ends a process that can't go on: everything it holds is void. Whoever supervises it begins another."""
    logging.getLogger(__name__).critical(why)
    os._exit(code)


def end_with_parent() -> None:
    """Has one of several processes stop when the one that began them is gone, even by -9: nobody would look after it,
    and those that are started in its place would find the port taken."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        Thread(target=_stop_after, args=(parent,), name="parent", daemon=True).start()


def _stop_after(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    logging.getLogger(__name__).error("the process that began this one is gone: stopping")
    os.kill(os.getpid(), signal.SIGTERM)


def _end() -> None:
    logging.getLogger(__name__).error("what was in flight did not end in time: ending without it")
    os._exit(1)
