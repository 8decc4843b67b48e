"""The end of a command that failed: why, in one sentence on standard error, and its exit code."""

import sys
import traceback
from typing import Final, NoReturn

from engine.errors import Conflict, DealtrailError, NotFound, Rejected
from service.cli import exits
from service.cli.listening import NoAddress
from service.cli.opening import NoDatabase, disk_trouble, is_forbidden, is_read_only, is_unreachable

LONGEST: Final = 1_500
"""characters of a message; a value in it may be of any size"""


def leave(error: Exception) -> NoReturn:
    """Says what went wrong, and exits; with a traceback where nobody but we could mend it."""
    if isinstance(error, DealtrailError):
        _leave(str(error), _code(error))
    if is_read_only(error):
        _leave("the database takes no writes: a standby, or a file that this account may only read", exits.REFUSED)
    if disk := disk_trouble(error):
        _leave(f"the disk of the database can't be used ({disk}): see whether it is full", exits.NO_DATABASE)
    if is_unreachable(error):
        _leave(f"the database does not answer: {str(error).splitlines()[0]}", exits.NO_DATABASE)
    if is_forbidden(error):
        said = str(error).splitlines()[0]
        _leave(f"{said}: come in as a role that may, such as the tables' owner", exits.REFUSED)
    if isinstance(error, MemoryError):
        _leave("there is not enough memory for this: let the process have more (its container, ulimit -v)", exits.BUG)
    traceback.print_exception(error)
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
    if isinstance(error, Rejected):
        return exits.REFUSED
    # Whoever raises another has the log loaded; who was refused before that need not wait for it.
    from engine.log.history import OtherHistory

    return exits.NO_DATABASE if isinstance(error, OtherHistory) else exits.CONFLICT


def _leave(message: str, code: int) -> NoReturn:
    shown = message if len(message) <= LONGEST else f"{message[:LONGEST]} ... ({len(message):,} characters)"
    print(f"dealtrail: {shown}", file=sys.stderr)
    raise SystemExit(code)
