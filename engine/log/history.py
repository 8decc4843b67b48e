"""That the log is still the one that was read. An older backup in its place, or a standby that never got the last
commits, has the same id and other events: whoever derived something from the ones before must begin anew. So must a
program below which the schema was upgraded: it would write as it always did."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from engine.errors import DealtrailError
from engine.log.tables import NEWEST


class OtherHistory(DealtrailError):
    """What this process has read is no longer what the database holds: it must end, and be started again."""


def lost(position: int, event_id: str) -> OtherHistory:
    """The event read last is not there any more."""
    return OtherHistory(
        f"event {event_id} was read at position {position:,} and is there no more: an older backup took the log's "
        "place, or a failover lost what was written last; what was derived from it is void, so start again"
    )


def require_version(schema: int) -> None:
    """OtherHistory where the log no longer has the schema that this program opened it with.

    Looked at with what is read, and under the lock with what is written: nothing is written by an older program.
    """
    if schema != NEWEST:
        raise OtherHistory(
            f"the log has schema version {schema} by now, and this program knows {NEWEST}: it was upgraded while this "
            "was running, so start again with the program that upgraded it"
        )


def hold_to_file(engine: Engine, file: Path) -> None:
    """An SQLite file is the one that was opened first, or OtherHistory: what is written to one that was removed, or
    that another took the place of, is lost."""
    first: list[_Identity] = []
    name = str(file)

    def require_same() -> None:
        if first and _identity(name) != first[0]:
            raise OtherHistory(
                f"the database file {file} was removed or replaced while it was open: put files in place while nothing "
                "runs, and start again"
            )

    @event.listens_for(engine, "do_connect")
    def opening(*_: object) -> None:
        # Before it is opened: that would make a new one where it was removed.
        require_same()

    @event.listens_for(engine, "connect")
    def opened(_driver: object, entry: ConnectionPoolEntry) -> None:
        entry.info[_HELD] = require_same
        if not first:
            first.append(_identity(name))

    @event.listens_for(engine, "checkout")
    def taken(*_: object) -> None:
        require_same()


def required_same_file(connection: Connection) -> Callable[[], None]:
    """As hold_to_file, for a connection that does not go back to the pool between two uses: to be called at each."""
    required: Callable[[], None] = connection.info[_HELD]
    return required


_HELD: Final = "dealtrail file"
_Identity = tuple[int, int] | None


def _identity(file: str) -> _Identity:
    try:
        told = os.stat(file)
    except FileNotFoundError:
        return None
    return told.st_dev, told.st_ino
