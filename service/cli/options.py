"""Options that several commands take, each with one meaning everywhere."""

from typing import Annotated, Literal

import typer

from engine.errors import Rejected
from service.settings import DATABASE_VARIABLE, DEFAULT_DATABASE, database_url, login_name

DB_HELP = f"SQLite file or postgresql://... ({DATABASE_VARIABLE}, else {DEFAULT_DATABASE} here)."


def chosen_database(context: typer.Context, given: str | None) -> str:
    """--db may stand before the command or after it; after it wins."""
    try:
        return database_url(given or context.find_root().params.get("db"))
    except Rejected as error:
        raise typer.BadParameter(str(error)) from None


def chosen_actor(given: str | None) -> str:
    return given or login_name()


Db = Annotated[str, typer.Option("--db", metavar="URL", help=DB_HELP, callback=chosen_database, show_default=False)]
Actor = Annotated[
    str,
    typer.Option(
        "--actor", metavar="NAME", help="Who does this (the login name).", callback=chosen_actor, show_default=False
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the whole answer as JSON.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print the whole answer as CSV, for a spreadsheet.")]
Shape = Literal["drawn", "json", "csv"]
By = Annotated[
    str | None,
    typer.Option("--by", metavar="GROUPING", help="owner, team, manager, region, source, channel, month or attr:NAME."),
]
