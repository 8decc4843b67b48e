"""Open the log a command speaks of. Imports of the engine wait until a command needs them: --help stays quick."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from engine.errors import Rejected
from service.settings import archive_folder

if TYPE_CHECKING:
    from engine.log.application import Log
    from engine.projections.views import Views
    from replay.archive_ahead import Ahead


class NoDatabase(Rejected):
    """There is no log of this program's schema where the command looked."""


@contextmanager
def database_needed(url: str) -> Iterator[None]:
    """Turns a refusal into NoDatabase when the reason is that there is no log of the newest schema."""
    from engine.log.schema import status

    try:
        yield
    except Rejected as error:
        if status(url).state == "current":
            raise
        raise NoDatabase(str(error)) from None


@contextmanager
def opened(url: str) -> Iterator["Log"]:
    """The log, closed afterwards; NoDatabase where there is none of the newest schema."""
    from engine.log.application import Log

    with database_needed(url):
        log = Log(url)
    try:
        yield log
    finally:
        log.close()


@contextmanager
def archive_ahead(url: str) -> Iterator["Ahead"]:
    """Begins to read the log's archive; who imports more before it asks `viewed` for answers need not wait for both."""
    from replay.archive_ahead import reading_ahead

    with reading_ahead(archive_folder(url)) as ahead:
        yield ahead


@contextmanager
def viewed(url: str, ahead: "Ahead | None" = None) -> Iterator["Views"]:
    """The answers over the log. ahead: where the reading of its archive was begun already."""
    with nullcontext(ahead) if ahead is not None else archive_ahead(url) as begun, opened(url) as log:
        yield views_over(log, begun)


def views_over(log: "Log", ahead: "Ahead | None" = None) -> "Views":
    """The answers over the log, begun with its archive where there is one."""
    from replay.archive import views_of
    from replay.archive_ahead import not_begun

    return views_of(log, archive_folder(log.url), tell, ahead or not_begun)


def tell(message: str) -> None:
    print(f"dealtrail: {message}", file=sys.stderr)


def is_unreachable(error: Exception) -> bool:
    """Whether the database could not be reached or read at all. Asks by name: no driver is imported to say no."""
    kinds = {(kind.__module__.partition(".")[0], kind.__name__) for kind in type(error).__mro__}
    if kinds & {("sqlalchemy", "OperationalError"), ("psycopg2", "OperationalError"), ("sqlite3", "OperationalError")}:
        return True
    # What SQLite says of a file that is no database; the subclasses of it are our own mistakes.
    return (type(error).__module__, type(error).__name__) == ("sqlalchemy.exc", "DatabaseError")


def is_read_only(error: Exception) -> bool:
    """Whether the database can be read alone."""
    if type(error).__module__ not in ("sqlalchemy.exc", "sqlite3"):
        return False
    from engine.log.read_only import takes_no_writes

    return takes_no_writes(error)


def disk_trouble(error: Exception) -> str | None:
    """What SQLite calls it that the disk is full or fails (SQLITE_IOERR, SQLITE_FULL); None: it is not that."""
    said = getattr(error, "orig", error)
    name: str | None = getattr(said, "sqlite_errorname", None)
    return name if name is not None and name.startswith(("SQLITE_IOERR", "SQLITE_FULL")) else None


def is_forbidden(error: Exception) -> bool:
    """Whether PostgreSQL does not let the role do it."""
    return getattr(getattr(error, "orig", error), "pgcode", None) == "42501"
