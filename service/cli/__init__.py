"""The command line. Every failure is one sentence on stderr and an exit code that means something (exits.py)."""

import atexit
import gc
import os
import sys
import traceback
from collections.abc import Sequence

from engine.errors import Conflict, DealtrailError, NotFound
from service.cli import exits
from service.cli.listening import NoAddress
from service.cli.opening import NoDatabase, is_forbidden, is_unreachable

OBJECTS = 50_000
"""made more than given back, until garbage is looked for"""
LONGEST = 1_500
"""characters of a message; a value in it may be of any size"""
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
    except DealtrailError as error:
        _leave(str(error), _code(error))
    except Exception as error:
        if is_unreachable(error):
            _leave(f"the database does not answer: {str(error).splitlines()[0]}", exits.NO_DATABASE)
        if is_forbidden(error):
            said = str(error).splitlines()[0]
            _leave(f"{said}: come in as a role that may, such as the tables' owner", exits.REFUSED)
        traceback.print_exc()
        _leave("this is a bug of dealtrail, not of your data: please report what stands above", exits.BUG)


def _code(error: DealtrailError) -> int:
    if isinstance(error, NoDatabase):
        return exits.NO_DATABASE
    if isinstance(error, NoAddress):
        return exits.NO_ADDRESS
    if isinstance(error, NotFound):
        return exits.NOT_FOUND
    if isinstance(error, Conflict):
        return exits.CONFLICT
    return exits.REFUSED


def _leave(message: str, code: int) -> None:
    shown = message if len(message) <= LONGEST else f"{message[:LONGEST]} ... ({len(message):,} characters)"
    print(f"dealtrail: {shown}", file=sys.stderr)
    raise SystemExit(code)
