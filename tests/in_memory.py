"""Where tests keep their databases: in memory where the machine has such a file system with room, else on its disk.

Most tests make a database to write a few rows to it, and every commit is flushed. On a disk that waiting and the
copying of PostgreSQL's empty databases were half of such a test. What a flush is worth is not tested here: a process
that is killed loses as little in memory as on a disk.
"""

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
# A run has needed less than one at its height; the system wants some of what is free, too.
ROOM_BYTES = 3 * 2**30


def use_memory() -> None:
    """Temporary folders of this process and of those it starts are made in memory. TMPDIR says otherwise."""
    if "TMPDIR" not in os.environ and _has_room(MEMORY):
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None


def _has_room(folder: Path) -> bool:
    # PostgreSQL's programs may be copied there, and run (tests/postgres.py).
    usable = os.access(folder, os.W_OK) and not os.statvfs(folder).f_flag & os.ST_NOEXEC
    return usable and shutil.disk_usage(folder).free >= ROOM_BYTES
