"""Options that several commands take, each with one meaning everywhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final, Literal

import typer

from engine.errors import Rejected
from service.settings import DATABASE_VARIABLE, DEFAULT_DATABASE, database_url, login_name

DB_HELP = f"SQLite file or postgresql://... ({DATABASE_VARIABLE}, else {DEFAULT_DATABASE} here)."

LONGEST_NAME: Final = 200
"""characters of a person's key, which --actor is"""


def chosen_database(context: typer.Context, given: str | None) -> str:
    """--db may stand before the command or after it; after it wins."""
    try:
        return database_url(given or context.find_root().params.get("db"))
    except Rejected as error:
        raise typer.BadParameter(str(error)) from None


def chosen_actor(given: str | None) -> str:
    name = (given or "").strip() or login_name()
    if len(name) > LONGEST_NAME:
        raise typer.BadParameter(f"give at most {LONGEST_NAME} characters, not {len(name):,}")
    return name


@contextmanager
def from_options() -> Iterator[None]:
    """Around the making of a command of options: what it refuses of them is a wrong command line."""
    from pydantic import ValidationError

    from engine.wording import problems

    try:
        yield
    except ValidationError as error:
        raise typer.BadParameter("; ".join(f"--{line}" for line in problems(error))) from None


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
Every = Annotated[Literal["week", "month", "quarter"], typer.Option("--every", help="How long each period is.")]
By = Annotated[
    str | None,
    typer.Option("--by", metavar="GROUPING", help="owner, team, manager, region, source, channel, month or attr:NAME."),
]
