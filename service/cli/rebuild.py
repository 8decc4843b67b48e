"""dealtrail rebuild: all stages and answers out of all events once more, range by range, here or on a cluster."""

import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from service.cli import exits
from service.cli.archive import Dir, chosen
from service.cli.as_json import print_json
from service.cli.opening import opened
from service.cli.options import Db, Json
from service.cli.progress import progress
from service.cli.terminal import console, duration, moment, money, percent, table

if TYPE_CHECKING:
    from rich.console import Console

    from replay.plain import Difference
    from replay.rebuild import Engine, Rebuilt
    from replay.rebuild_answers import Answers


def rebuild(
    engine: Annotated[
        Literal["threads", "dask"], typer.Option("--engine", help="Threads of this process, or a Dask cluster.")
    ] = "threads",
    dask: Annotated[
        str | None,
        typer.Option(
            "--dask",
            metavar="ADDRESS",
            help="The cluster's scheduler, tcp://host:8786; its workers must see the archive's folder. "
            "Without it processes on this machine.",
            show_default=False,
        ),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option("--threads", min=1, help="How many at once; fewer take less memory (cores).", show_default=False),
    ] = None,
    pipeline: Annotated[
        str | None, typer.Option("--pipeline", metavar="KEY", help="This one alone (all).", show_default=False)
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FOLDER",
            help="Write visits and journeys as Parquet and the answers as JSON into a new folder.",
            show_default=False,
        ),
    ] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Hold it against the live answers; exit code 1 when anything differs.")
    ] = False,
    directory: Dir = None,
    db: Db = "",
    json: Json = False,
) -> None:
    """Derive everything anew from the archive, which is brought up to date first, and tell the main answers."""
    from replay.archive_build import build
    from replay.rebuild import rebuild as derive
    from replay.rebuild_compare import differences
    from replay.rebuild_output import new_folder, told, write_answers

    folder, run = chosen(db, directory), engine_of(engine, dask, threads)
    with opened(db) as log:
        began = time.monotonic()
        with progress("events", "looking", "reading") as reading:
            manifest = build(log, folder, reading).manifest
        read = time.monotonic()
        with nullcontext() if output is None else new_folder(output) as place:
            with progress("events", "deriving", "deriving") as deriving:
                rebuilt = derive(folder, manifest, run, deriving, pipeline=pipeline, output=place)
            if place is not None:
                write_answers(rebuilt, place)
        seconds = {"archive": read - began, "rebuild": time.monotonic() - read}
        found = list(differences(log, folder, rebuilt)) if compare else None
    if json:
        compared = None if found is None else [vars(each) for each in found]
        head = {"events": rebuilt.events, "ranges": rebuilt.ranges, "position": manifest.position, "seconds": seconds}
        print_json({**head, "differences": compared, "pipelines": told(rebuilt)})
    else:
        draw(rebuilt, seconds, console())
        tell_differences(found)
    if found:
        raise typer.Exit(exits.FOUND)


def engine_of(engine: str, dask: str | None, threads: int | None) -> "Engine":
    from replay.rebuild import on_threads
    from replay.rebuild_dask import on_dask

    if engine == "threads":
        if dask is not None:
            raise typer.BadParameter(f"--dask {dask} is a cluster: add --engine dask")
        return on_threads(threads)
    return on_dask(dask, threads)


def draw(rebuilt: "Rebuilt", seconds: dict[str, float], out: "Console") -> None:
    for answers in rebuilt.pipelines.values():
        draw_pipeline(answers, out)
    parts = "range" if rebuilt.ranges == 1 else "ranges"
    out.print(
        f"{rebuilt.events:,} events in {rebuilt.ranges} {parts} derived in {seconds['rebuild']:.1f} s "
        f"({rebuilt.events / max(seconds['rebuild'], 0.001):,.0f} events/s); "
        f"bringing the archive up to date took {seconds['archive']:.1f} s"
    )


def draw_pipeline(answers: "Answers", out: "Console") -> None:
    board, rates, times = answers.board, answers.win_rate, answers.cycle_time
    out.print(
        f"[bold]{board.pipeline}[/bold] · {board.n:,} journeys · as of {moment(board.as_of)} UTC · "
        f"definition {board.definition} · log position {board.position:,}"
    )
    figures = ("there now", "worth", "entered", "conversion", "time in stage p50")
    drawn = table("stage", *figures, right=figures, breaks=("worth",))
    funnel = {stage.stage: stage for stage in answers.conversion.stages}
    for standing, stay in zip(board.stages, times.stages, strict=True):
        passed = funnel.get(standing.stage)
        entered, share = ("", "") if passed is None else (f"{passed.entered:,}", percent(passed.conversion))
        cells = (f"{standing.count:,}", money(standing.value), entered, share, duration(stay.p50_seconds))
        drawn.add_row(standing.stage, *cells)
    out.print(drawn)
    out.print(
        f"Won {rates.won:,}, lost {rates.lost:,}, open {rates.open:,}: win rate {percent(rates.win_rate)}. "
        f"Opened to won: p50 {duration(times.won.p50_seconds)}, p90 {duration(times.won.p90_seconds)}\n"
    )


def tell_differences(found: "list[Difference] | None") -> None:
    if found is None:
        return
    if not found:
        print("The live answers are the same, figure by figure")
    for difference in found:
        print(f"{difference.what}, {difference.where}: rebuilt {difference.expected}, live {difference.found}")
