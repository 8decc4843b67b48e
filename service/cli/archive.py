"""dealtrail archive: keep the log's columns as files, so that every start is a quick one."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli import exits
from service.cli.as_json import print_json
from service.cli.opening import opened
from service.cli.options import Db, Json
from service.cli.progress import progress
from service.settings import ARCHIVE_VARIABLE, archive_folder

if TYPE_CHECKING:
    from replay.archive import Status
    from replay.archive_build import Built

app = typer.Typer(
    help="Keep the log's columns as files: a start reads these and then only what is new in the log.",
    no_args_is_help=True,
)
Dir = Annotated[
    Path | None,
    typer.Option(
        "--dir",
        metavar="FOLDER",
        help=f"Where it is ({ARCHIVE_VARIABLE}, else beside the SQLite file).",
        show_default=False,
    ),
]


def chosen(db: str, given: Path | None) -> Path:
    folder = given or archive_folder(db)
    if folder is None:
        raise typer.BadParameter(
            f"an archive of a PostgreSQL log has no place of its own: --dir, or {ARCHIVE_VARIABLE}"
        )
    return folder


@app.command(epilog="Example: dealtrail archive build --db deals.db")
def build(directory: Dir = None, db: Db = "", json: Json = False) -> None:
    """Write what the archive does not hold yet; from the start where there is none, or one of another history."""
    from replay.archive_build import build as write

    folder = chosen(db, directory)
    with opened(db) as log:
        began = time.monotonic()
        with progress("events", "looking", "reading") as told:
            built = write(log, folder, told)
        tell_built(built, folder, time.monotonic() - began, json)


@app.command(epilog="Example: dealtrail archive status --json")
def status(
    directory: Dir = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Read every byte and hold it against what was written.")
    ] = False,
    db: Db = "",
    json: Json = False,
) -> None:
    """Say what the archive holds and whether it is this log's (exit code 1: it is refused; 4: there is none)."""
    from replay.archive import status as look

    folder = chosen(db, directory)
    with opened(db) as log:
        found = look(log, folder, verify=verify)
    tell_status(found, json)
    if found.state == "refused":
        raise typer.Exit(exits.FOUND)
    if found.state == "none":
        raise typer.Exit(exits.NOT_FOUND)


@app.command(epilog="Example: dealtrail archive drop --dir /var/lib/dealtrail/archive")
def drop(directory: Dir = None, db: Db = "", json: Json = False) -> None:
    """Remove the archive. Nothing is lost: it can be built from the log at any time."""
    from replay.archive_folder import drop as remove

    folder = chosen(db, directory)
    remove(folder)
    if json:
        print_json({"folder": str(folder), "state": "none"})
    else:
        print(f"Removed the archive in {folder}")


def tell_built(built: "Built", folder: Path, seconds: float, json: bool) -> None:
    manifest = built.manifest
    if json:
        print_json(
            {
                "folder": str(folder),
                "position": manifest.position,
                "events_read": built.read,
                "journeys": manifest.journeys,
                "ranges": len(manifest.ranges),
                "ranges_written": built.written,
                "bytes": manifest.bytes,
                "seconds": seconds,
                "instead_of": built.instead_of,
            }
        )
        return
    if built.instead_of is not None:
        print(f"Begun anew: {built.instead_of}")
    if not built.read:
        print(f"Up to date: {folder} holds the log up to position {manifest.position:,}")
        return
    print(
        f"{folder} holds the log up to position {manifest.position:,}: {manifest.journeys:,} journeys, "
        f"{manifest.bytes / 1e6:,.1f} MB. Read {built.read:,} events and wrote {built.written} of "
        f"{len(manifest.ranges)} ranges in {seconds:.1f} s ({built.read / max(seconds, 0.001):,.0f} events/s)"
    )


def tell_status(found: "Status", json: bool) -> None:
    if json:
        said = asdict(found) | {"folder": str(found.folder), "behind": found.behind}
        print_json(said | {"written_at": None if found.written_at is None else found.written_at.isoformat()})
    elif found.state == "none":
        print(f"No archive in {found.folder}: write one with `dealtrail archive build`")
    elif found.state == "refused":
        print(f"Refused: {found.why}")
    else:
        print(
            f"{found.folder}: up to position {found.position:,} of {found.log_position:,} "
            f"({found.behind:,} to read at a start), {found.journeys:,} journeys in {found.ranges} ranges, "
            f"{found.files} files, {found.bytes / 1e6:,.1f} MB, written {found.written_at:%Y-%m-%d %H:%M} UTC"
        )
