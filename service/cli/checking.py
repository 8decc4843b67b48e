"""dealtrail check: everything derived again by the plain fold and held against the live answers."""

import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from service.cli import exits
from service.cli.opening import opened, views_over
from service.cli.options import Db, Json
from service.cli.progress import progress
from service.cli.terminal import console, table

if TYPE_CHECKING:
    from replay.plain import Difference

SHOWN = 50


def check(db: Db = "", json: Json = False) -> None:
    """Fold every journey again, event by event, and compare with the answers; exit code 1 when anything differs."""
    from replay.verify import verify

    with opened(db) as log:
        position = log.position()
        began = time.monotonic()
        with progress("events", "folding", "folding") as told:
            found = verify(log, views_over(log), told)
        seconds = time.monotonic() - began
    if json:
        from json import dumps

        listed = [asdict(difference) for difference in found]
        print(dumps({"position": position, "n": len(found), "differences": listed}, indent=2, ensure_ascii=False))
    else:
        tell(found, position, seconds)
    if found:
        raise typer.Exit(exits.FOUND)


def tell(found: "list[Difference]", position: int, seconds: float) -> None:
    if not found:
        print(f"No difference: {position:,} events folded one by one give the same answers ({seconds:.1f} s)")
        return
    out = console()
    drawn = table("of", "where", "the plain fold says", "the answers say")
    for difference in found[:SHOWN]:
        drawn.add_row(*(str(part) for part in asdict(difference).values()))
    out.print(f"[bold red]{len(found):,} differences[/bold red]")
    out.print(drawn)
    if len(found) > SHOWN:
        out.print(f"... and {len(found) - SHOWN:,} more: --json lists them")
