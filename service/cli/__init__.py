"""The command line. Every failure is one sentence on stderr and an exit code that means something (exits.py)."""

import atexit
import gc
import os
from collections.abc import Sequence

from service.cli.leaving import leave

OBJECTS = 50_000
"""made more than given back, until garbage is looked for"""
ALLOCATOR = f"narenas:{max(1, (os.cpu_count() or 1) // 2)},oversize_threshold:0"
"""jemalloc's options, for Polars: memory that is given back is used again, by whichever thread and however much it is,
instead of fresh pages of the system's; on two cores that is a quarter of the system's time at ten million events"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command and exits."""
    # What is imported stays: to look through it for garbage again and again takes an eighth of the start.
    gc.set_threshold(OBJECTS, *gc.get_threshold()[1:])
    # At the end the system takes back all memory at once: to free it piece by piece first takes 0.3 s of two gigabytes.
    atexit.register(gc.freeze)
    os.environ.setdefault("_RJEM_MALLOC_CONF", ALLOCATOR)
    from service.cli.commands import app

    try:
        app(arguments, prog_name="dealtrail")
    except Exception as error:
        leave(error)
