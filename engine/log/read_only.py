"""An SQLite file that may be read and not written: on a mount that is read-only, or somebody else's."""

import os
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import Engine, event

from engine.errors import Rejected
from engine.log.history import OtherHistory

READ_ONLY: Final = "25006"
"""PostgreSQL's code for it"""
_SQLITE_READONLY: Final = 8


def takes_no_writes(error: BaseException) -> bool:
    """Whether that is why something was not written: a standby, or a file that may be read alone."""
    said = getattr(error, "orig", error)
    code = getattr(said, "sqlite_errorcode", None)
    return getattr(said, "pgcode", None) == READ_ONLY or (code is not None and code & 0xFF == _SQLITE_READONLY)


def open_to_read_where_no_more_is_allowed(engine: Engine, file: Path) -> None:
    """Of files that can't be written, or that nothing can be put beside, SQLite would say that it can't open them.

    Raises Rejected where that is so, OtherHistory where somebody began to write a file that was read as it lay there.
    """
    at_rest: list[tuple[int, int]] = []
    """size and time of a file that is read without a lock"""

    @event.listens_for(engine, "do_connect")
    def opening(_dialect: object, _entry: object, given: list[Any], named: dict[str, Any]) -> None:
        if not file.exists() or (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)):
            return
        if not os.access(file, os.R_OK):
            raise Rejected(f"the database file {file} may not be read by this account: have it allowed, or copy it")
        given[0] = f"file:{quote(str(file.absolute()))}?{'mode=ro' if in_use(file) else 'immutable=1'}"
        named["uri"] = True
        if not in_use(file) and not at_rest:
            at_rest.append(_look(file))

    @event.listens_for(engine, "checkout")
    def taken(*_: object) -> None:
        if at_rest and (in_use(file) or _look(file) != at_rest[0]):
            raise OtherHistory(
                f"the database file {file} was read as one that nobody writes, and was written: start again"
            )


def in_use(file: Path) -> bool:
    """Whether somebody has it open, or left what is not in the file yet; Rejected where that can not be read."""
    written = beside(file, "-wal")
    if not written.exists():
        return False
    if beside(file, "-shm").exists():
        return True
    if written.stat().st_size:
        raise Rejected(
            f"the database file {file} can't be read where it is: {written.name} holds what is not in it yet, and "
            f"nothing can be put beside them; copy both to a folder that you may write, and name {file.name} there"
        )
    return False


def beside(file: Path, ending: str) -> Path:
    return file.with_name(file.name + ending)


def _look(file: Path) -> tuple[int, int]:
    told = file.stat()
    return told.st_size, told.st_mtime_ns
