"""dealtrail db copy and digest: a whole log elsewhere, and the proof that it is the same."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from engine.errors import Rejected
from service.cli.opening import database_needed
from service.cli.options import Db, Json
from service.cli.progress import progress
from service.cli.terminal import console, table
from service.settings import database_url

if TYPE_CHECKING:
    from engine.log.copying import Contents


def named(given: str) -> str:
    try:
        return database_url(given)
    except Rejected as error:
        raise typer.BadParameter(str(error)) from None


def copy(
    source: Annotated[
        str, typer.Argument(metavar="FROM", help="SQLite file or postgresql://...; it may be in use.", callback=named)
    ],
    target: Annotated[
        str, typer.Argument(metavar="TO", help="A new database; its log is made if needed.", callback=named)
    ],
    json: Json = False,
) -> None:
    """Copy the whole log to another database, of either kind; it is read back and compared before it counts.

    Everything goes along, people and keys too; the log keeps its id, so that whatever is bound to it goes on. The copy
    is the log of one moment. Killed or refused, it leaves an empty log at most.
    """
    from engine.log.copying import copy_log

    with database_needed(source), progress("rows", "copying", "copying and comparing") as told:
        done = copy_log(source, target, told)
    tell(done, json, "copied, read back and compared")


def digest(db: Db = "", json: Json = False) -> None:
    """Say what every table holds: its rows, and a SHA-256 that is the same on both databases.

    Equal digests, equal contents: of a copy, of a restored backup.
    """
    from engine.log.copying import contents

    with database_needed(db), progress("rows", "reading", "reading") as told:
        found = contents(db, told)
    tell(found, json, "read")


def tell(found: "Contents", json: bool, what: str) -> None:
    if json:
        from json import dumps

        tables = [asdict(each) for each in found.tables]
        print(dumps({"log_id": str(found.log_id), "position": found.position, "tables": tables}, indent=2))
        return
    drawn = table("table", "rows", "sha256")
    for each in found.tables:
        drawn.add_row(each.table, f"{each.rows:,}", each.sha256)
    console().print(drawn)
    rows = sum(each.rows for each in found.tables)
    print(f"Log {found.log_id} at position {found.position:,}: {rows:,} rows {what}")
