"""What is told of an export: what was written where, or what differs from what was."""

from pathlib import Path
from typing import TYPE_CHECKING

from service.cli.terminal import console, table

if TYPE_CHECKING:
    from replay.export.checking import Checked
    from replay.export.manifest import Manifest
    from replay.export.sql import Replaced


def tell(made: "Manifest", path: Path) -> None:
    of = made.kind if made.pipeline is None else f"{made.kind} of {made.pipeline}, definition {made.definition},"
    console().print(
        f"{made.rows:,} {of} up to log position {made.position:,} in {path} ({made.bytes:,} bytes)", soft_wrap=True
    )
    for why, count in made.left_out.items():
        console().print(f"· left out {count:,} events {why}", markup=False, soft_wrap=True)
    print(f"sha256 {made.sha256}")
    if made.content_sha256 is not None:
        print(f"events {made.content_sha256}")


def tell_replaced(made: "Replaced") -> None:
    drawn = table("table", "rows", right=["rows"])
    for name, rows in made.tables.items():
        drawn.add_row(name, f"{rows:,}")
    out = console()
    out.print(drawn)
    out.print(f"In {made.url}, up to log position {made.position:,}", soft_wrap=True)


def tell_checked(found: "Checked") -> None:
    made = found.manifest
    if not found.findings:
        whole = f"all {made.rows:,} events of log {made.log_id}" if made.whole else f"{made.rows:,} {made.kind}"
        print(f"No difference: {whole} up to position {made.position:,} ({', '.join(found.checks)})")
    else:
        out = console()
        out.print(f"[bold red]{len(found.findings):,} differences[/bold red]")
        drawn = table("check", "where", "expected", "found")
        for finding in found.findings:
            drawn.add_row(finding.check, finding.where, short(finding.expected), short(finding.found))
        out.print(drawn)
    if found.content_sha256 is not None:
        print(f"events {found.content_sha256}")


def short(text: str) -> str:
    from rich.markup import escape

    return escape(text if len(text) <= LONGEST else f"{text[:LONGEST]}...")


LONGEST = 200
"""characters of a payload on the terminal"""
