"""dealtrail export: visits, journeys and events into files and tables of others; and whether a file is still right."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from service.cli import exits
from service.cli.ending import ended_by_term
from service.cli.exported import tell, tell_checked, tell_replaced
from service.cli.opening import NoDatabase, opened, views_over
from service.cli.options import Json
from service.cli.progress import progress
from service.cli.question import Question, asks

if TYPE_CHECKING:
    from replay.export.manifest import Format, Kind

app = typer.Typer(
    help="Write visits, journeys or events to a file, or to the tables of a BI tool.", no_args_is_help=True
)

TableFormat = Literal["parquet", "csv"]
EventFormat = Literal["parquet", "csv", "jsonl", "xes", "ocel-json", "ocel-sqlite"]
SUFFIXES: "dict[str, Format]" = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".xes": "xes",
    ".json": "ocel-json",
    ".jsonocel": "ocel-json",
    ".sqlite": "ocel-sqlite",
}
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Where to; its ending says the format (KIND.parquet here)."),
]
To = Annotated[
    str | None,
    typer.Option(
        "--to", metavar="URL", help="Instead: tables of this database (SQLAlchemy URL), replaced in one transaction."
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that is there, or tables of another log.")]
Names = Annotated[
    bool,
    typer.Option(
        "--names/--no-names",
        help="Keys, names and titles as they are now, or ids alone: an erasure won't reach a file.",
    ),
]


@app.command(epilog="Example: dealtrail export visits -o visits.parquet --from-date 2026-01-01")
@asks
def visits(
    question: Question,
    *,
    form: Annotated[TableFormat | None, typer.Option("--format", help="Default: by the file's ending.")] = None,
    output: Output = None,
    to: To = None,
    force: Force = False,
) -> None:
    """Every stay in a stage of the journeys asked for: entered and left when, how, worth what."""
    exported("visits", question, form, output, to, force, names=False)


@app.command(epilog="Example: dealtrail export journeys -o journeys.csv --owner rep-01")
@asks
def journeys(
    question: Question,
    *,
    form: Annotated[TableFormat | None, typer.Option("--format", help="Default: by the file's ending.")] = None,
    output: Output = None,
    to: To = None,
    force: Force = False,
    names: Names = True,
) -> None:
    """A row for each journey: stage, outcome, value, owner, team, touches, BANT, attributes."""
    exported("journeys", question, form, output, to, force, names)


@app.command(epilog="Example: dealtrail export events -o log.xes --pipeline loans")
@asks
def events(
    question: Question,
    *,
    form: Annotated[EventFormat | None, typer.Option("--format", help="Default: by the file's ending.")] = None,
    output: Output = None,
    to: To = None,
    force: Force = False,
    names: Names = True,
) -> None:
    """The events: parquet, csv and jsonl as they are stored, to be checked later; XES and OCEL for process mining."""
    exported("events", question, form, output, to, force, names)


@app.command(epilog="Example: dealtrail export tables --to postgresql://localhost/bi --pipeline loans")
@asks
def tables(
    question: Question,
    *,
    to: Annotated[str, typer.Option("--to", metavar="URL", help="A database, as SQLAlchemy names it.")],
    force: Force = False,
    names: Names = True,
) -> None:
    """Visits, journeys, attributes and stages together, as tables for BI tools: readers see all old or all new."""
    into_tables(("visits", "journeys", "attributes", "stages"), question, to, force, names)


@app.command(epilog="Example: dealtrail export verify events.parquet --against events-2025.parquet")
def verify(
    *,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="With its manifest beside it.")
    ],
    against: Annotated[
        Path | None,
        typer.Option(
            "--against", metavar="OLDER", exists=True, dir_okay=False, help="An older export of all events: is it kept?"
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Check an export without the database: exit code 1 when anything is missing, changed or out of order."""
    from replay.export.checking import check_export

    with progress("events", "checking", "checking") as told:
        found = check_export(file, against, told)
    if json:
        print(found.model_dump_json(indent=2))
    else:
        tell_checked(found)
    if found.findings:
        raise typer.Exit(exits.FOUND)


def exported(
    kind: "Kind",
    question: Question,
    form: "Format | None",
    output: Path | None,
    to: str | None,
    force: bool,
    names: bool,
) -> None:
    """One kind, into a file or into a table."""
    if to is not None:
        if output is not None or form is not None:
            raise typer.BadParameter("--to writes tables; --output and --format belong to a file: give one")
        into_tables((kind,), question, to, force, names)
        return
    chosen = format_of(kind, form or ("csv" if question.csv else None), output)
    path = output or Path(f"{kind}.{ENDINGS.get(chosen, chosen)}")
    lens, filters = question.lens(), question.filters()
    with opened(question.db) as log:
        from replay.export.files import WRITERS
        from replay.export.run import Asked, export

        asked = Asked(kind, lens, filters, question.pipeline, names)
        # What is not written as it comes is read first, to bring journeys together.
        with ended_by_term(), progress("rows", "writing" if chosen in WRITERS else "reading", "writing") as told:
            made = export(log, asked, path, chosen, force=force, progress=told, opened=views_over)
    if question.json:
        print(made.model_dump_json(indent=2))
    else:
        tell(made, path)


ENDINGS = {"ocel-json": "json", "ocel-sqlite": "sqlite"}
"""where the ending is not the format's name"""


def format_of(kind: "Kind", form: "Format | None", output: Path | None) -> "Format":
    if form is not None:
        return form
    if output is None:
        return "parquet"
    if output.suffix not in SUFFIXES:
        from replay.export.run import FORMATS

        known = ", ".join(suffix for suffix, form in SUFFIXES.items() if form in FORMATS[kind])
        raise typer.BadParameter(f"--output {output}: its ending is none of {known}: name it so, or say --format")
    return SUFFIXES[output.suffix]


def into_tables(kinds: "tuple[Kind | str, ...]", question: Question, to: str, force: bool, names: bool) -> None:
    lens, filters = question.lens(), question.filters()
    with opened(question.db) as log:
        from replay.export.run import Asked
        from replay.export.sql import replace_tables
        from replay.export.target import Unreachable

        asked = Asked("events" if kinds == ("events",) else "journeys", lens, filters, question.pipeline, names)
        with ended_by_term(), progress("rows", "writing", "writing") as told:
            try:
                made = replace_tables(log, asked, kinds, to, force=force, progress=told, opened=views_over)
            except Unreachable as error:
                raise NoDatabase(str(error)) from None
    if question.json:
        print(made.model_dump_json(indent=2))
    else:
        tell_replaced(made)
