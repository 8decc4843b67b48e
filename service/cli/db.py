"""dealtrail db: create the log's schema, bring it up to date, say what is there."""

from typing import TYPE_CHECKING, Annotated

import typer

from service.cli import exits
from service.cli.copying import copy, digest
from service.cli.opening import database_needed
from service.cli.options import Db, Json

if TYPE_CHECKING:
    from engine.log.schema import Status

app = typer.Typer(help="Create, upgrade, copy or look at the database.", no_args_is_help=True)
app.command("copy", epilog="Example: dealtrail db copy sales.db postgresql://localhost/sales")(copy)
app.command("digest", epilog="Example: dealtrail db digest --db sales.db")(digest)


@app.command(epilog="Example: dealtrail db init --db deals.db")
def init(db: Db = "", json: Json = False) -> None:
    """Create an empty log; one that is there already is left as it is."""
    from engine.log.schema import init as create

    tell(create(db), json)


@app.command(epilog="Example: dealtrail db upgrade --db postgresql://localhost/sales")
def upgrade(db: Db = "", json: Json = False) -> None:
    """Bring an existing log to the schema of this version; nothing of it is lost."""
    from engine.log.schema import upgrade as bring_up

    with database_needed(db):
        found = bring_up(db)
    tell(found, json)


@app.command(epilog="Example: dealtrail db status --json")
def status(db: Db = "", json: Json = False) -> None:
    """Say which schema the database has (exit code 6 when it is missing, old or too new)."""
    from engine.log.schema import status as look

    found = look(db)
    tell(found, json)
    if found.state != "current":
        raise typer.Exit(exits.NO_DATABASE)


@app.command(epilog="Example: dealtrail db grant dealtrail_service --create --db postgresql://owner@localhost/sales")
def grant(
    role: Annotated[str, typer.Argument(metavar="ROLE", help="The role that the service connects as.")],
    *,
    create: Annotated[
        bool, typer.Option("--create", help="Make the role, which may log in and has no password yet.")
    ] = False,
    db: Db = "",
    json: Json = False,
) -> None:
    """Let a PostgreSQL role run the service, and no more: it appends events and can't change, disable or drop a thing.

    To be run as the owner of the tables, again after every upgrade; the service then connects as ROLE.
    """
    from engine.log.grants import grant as allow

    with database_needed(db):
        done = allow(db, role, create=create)
    if json:
        from json import dumps

        print(dumps({"role": done.role, "created": done.created, "tables": dict(done.tables)}, indent=2))
        return
    made = " was made and" if done.created else ""
    print(f"{done.role}{made} may run the service, and no more:")
    for name, rights in done.tables.items():
        print(f"  {name}: {rights.lower()}")


def tell(found: "Status", json: bool) -> None:
    if json:
        from json import dumps

        log_id = None if found.log_id is None else str(found.log_id)
        said = {"url": found.url, "state": found.state, "version": found.version, "newest": found.newest}
        print(dumps({**said, "log_id": log_id}, indent=2))
        return
    remedy = {
        "missing": "no log here: create it with `dealtrail db init`",
        "old": "old: bring it up to date with `dealtrail db upgrade`",
        "newer": "made by a newer dealtrail: install that",
        "current": "up to date",
    }
    print(f"{found.url}: schema {found.version} of {found.newest}, {remedy[found.state]}")
