"""The end of a process that is asked to stop: it comes, whatever still hangs."""

import logging
import os
from threading import Timer


def end_at_last(seconds: float) -> None:
    """Ends the process after so long, were it still there: a thread that asks a database which hangs can't be stopped,
    and would be waited for. What it had begun is not committed, and is sent again with the same Idempotency-Key.
    """
    last = Timer(seconds, _end)
    last.daemon = True
    last.start()


def _end() -> None:
    logging.getLogger(__name__).error("what was in flight did not end in time: ending without it")
    os._exit(1)
