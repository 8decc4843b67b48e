"""dealtrail import: a file in, and a report of everything that was done, left out or assumed."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from service.cli import exits
from service.cli.inspecting import inspected
from service.cli.opening import opened
from service.cli.options import Actor, Db, Json
from service.cli.progress import progress
from service.cli.terminal import console, table

if TYPE_CHECKING:
    from rich.console import Console

    from service.importers.report import ImportReport


def import_file(
    *,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="CSV, JSON or XES, also gzipped; or the folder of a CRM's export.", exists=True
        ),
    ],
    mapping: Annotated[
        Path | None,
        typer.Option("--mapping", metavar="MAPPING", help="What its columns mean.", exists=True, dir_okay=False),
    ] = None,
    inspect: Annotated[
        bool, typer.Option("--inspect", help="Import nothing: show the columns, what fits them, and draft a mapping.")
    ] = False,
    draft: Annotated[
        Path | None,
        typer.Option(
            "--draft", metavar="OUT", help="With --inspect: where to write the drafted mapping.", dir_okay=False
        ),
    ] = None,
    on_error: Annotated[
        Literal["stop", "continue"],
        typer.Option("--on-error", help="Bad rows: refuse the whole file, or leave them out and list them."),
    ] = "stop",
    corrections: Annotated[
        bool, typer.Option("--corrections", help="Facts the file tells otherwise now: retract the old, enter the new.")
    ] = False,
    actor: Actor = "",
    db: Db = "",
    json: Json = False,
) -> None:
    """Import a history. Doing it twice adds nothing; a grown file adds what is new."""
    if inspect:
        inspected(file, draft, as_json=json)
        return
    if mapping is None:
        raise typer.BadParameter("say what the columns mean, or --inspect to draft a mapping", param_hint="--mapping")
    if draft is not None:
        raise typer.BadParameter("belongs to --inspect", param_hint="--draft")
    with opened(db) as log:
        from service.importers.report import ImportRefused
        from service.importers.run import run_import

        with progress("rows", "reading", "writing") as told:
            try:
                report = run_import(
                    log, file, mapping, actor=actor, on_error=on_error, corrections=corrections, progress=told
                )
                refused = False
            except ImportRefused as error:
                report, refused = error.report, True
    if json:
        print(report.model_dump_json(indent=2))
    else:
        tell(report, console(), refused)
    if report.bad_count:
        raise typer.Exit(exits.FOUND)


def tell(report: "ImportReport", out: "Console", refused: bool) -> None:
    if refused:
        out.print(f"[bold]{report.file}[/bold]: {report.bad_count:,} bad rows, nothing was written", soft_wrap=True)
    else:
        out.print(
            f"[bold]{report.file}[/bold] into pipeline {report.pipeline}: {report.new_events:,} new events of "
            f"{report.new_journeys:,} new journeys from {report.rows:,} rows; {report.already_known:,} events were "
            "known already",
            soft_wrap=True,
        )
        if report.published:
            out.print(f"Pipeline {report.pipeline} did not exist: its definition was published as version 1")
        told = table("event", "in the file", right=["in the file"])
        for name, count in report.events.items():
            told.add_row(name, f"{count:,}")
        out.print(told)
    for line in remarks(report):
        out.print(f"· {line}", markup=False, soft_wrap=True)


def remarks(report: "ImportReport") -> Iterator[str]:
    """Everything assumed, corrected or left out, one line each."""
    for skipped in report.skipped:
        yield f"skipped {skipped.rows:,} rows of {skipped.activity}: {skipped.reason}"
    for activity, rows in report.unknown_activities.items():
        yield f"{rows:,} rows of {activity} became signals: no rule of the mapping speaks of it"
    for event, count in report.fallbacks.items():
        yield f"{count:,} {event} had no date and took the mapping's fall-back"
    for column, count in report.spelling.items():
        yield f"{count:,} spellings corrected in {column}"
    for name in report.missing_files:
        yield f"{name} is not there: what it would tell is missing"
    for name in report.other_files:
        yield f"{name} was not read: the mapping does not speak of it"
    for name in report.lacking_columns:
        yield f"{name}: no such column, or nothing in it"
    for name, count in report.unnamed_rows.items():
        yield f"{count:,} rows of {name} are named by no row"
    for name, count in report.empty_keys.items():
        yield f"{count:,} rows name nothing in {name}"
    for name, count in report.unknown_keys.items():
        yield f"{count:,} rows name what {name} lacks"
    for stage, count in report.unmapped_stages.items():
        yield f"{count:,} moves to {stage}, a stage that the definition does not know"
    for event, rows in report.rule_rows.items():
        if rows == 0:
            yield f"no row speaks of {event}: is it misspelt in the mapping?"
    if report.rows_without_actor:
        yield f"{report.rows_without_actor:,} rows name nobody: the actor of this import stands for them"
    if report.reopened_by_move:
        yield f"{report.reopened_by_move:,} moves of closed deals to open stages were imported as reopenings"
    if report.reopened_by_close:
        yield f"{report.reopened_by_close:,} wins or losses of deals closed the other way came with their reopening"
    if report.closed_twice:
        yield (
            f"{report.closed_twice:,} wins or losses of deals closed the other way before: the first stands; "
            "`reopens: STAGE` on their rule lets the last one stand"
        )
    if report.changed_count:
        done = "were corrected" if all(fact.corrected for fact in report.changed) else "are told otherwise now"
        yield f"{report.changed_count:,} known facts {done}:"
        for fact in report.changed[:20]:
            yield f"  {fact.file}, line {fact.line}: {fact.event} of {fact.key}: {', '.join(fact.changed)}"
        if done != "were corrected":
            yield "  --corrections retracts the old entries and enters the new ones"
    yield from (str(bad) for bad in report.bad_rows)
    if report.bad_count > len(report.bad_rows):
        yield f"... and {report.bad_count - len(report.bad_rows):,} more bad rows"
