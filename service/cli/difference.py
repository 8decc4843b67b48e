"""dealtrail history --diff: what came between two moments of one deal, and what it changed."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

from service.cli.answering import answer
from service.cli.opening import opened
from service.cli.question import Glance, usage
from service.cli.terminal import moment, table
from service.cli.told import told

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from replay.difference import JourneyDifference, Moment
    from service.question import Clock

STYLES = {"new": "green", "gone": "red", "left": "", "same": "dim"}
MARKS = {"new": "+", "gone": "-", "left": "~", "same": ""}


def between(glance: Glance, journey: str, diff: str, clock: "Clock", at: str | None) -> None:
    """Print the difference of the two moments FROM..TO."""
    from replay.difference import difference
    from service.question import lenses_of

    since, separator, until = diff.partition("..")
    if not since or not separator:
        raise typer.BadParameter(f"--diff: write FROM..TO or FROM.., such as 2026-01-01..2026-02-01 (given: {diff!r})")
    if at is not None:
        raise typer.BadParameter("--at: --diff looks at two moments already: give one of the two options")
    with usage():
        before, after = lenses_of(since, until or None, clock, glance, ("diff", "diff"))
    with opened(glance.db) as log:
        answer(difference(log, journey, before, after), glance.shape, draw, counted="new events")


def draw(found: "JourneyDifference", out: "Console") -> None:
    title = "" if found.label is None else f" · {found.label}"
    out.print(f"{found.key or found.journey}{title} · journey {found.journey}", soft_wrap=True)
    for name, side in (("before", found.before), ("after", found.after)):
        out.print(f"{name}: {stood(side)}", soft_wrap=True)
    if not found.events and not found.changes:
        out.print("Nothing differs.")
        return
    if found.events:
        out.print(entries(found))
    if found.changes:
        drawn = table("what", "before", "after", title="\nChanged")
        for change in found.changes:
            drawn.add_row(
                change.field.replace("_", " "),
                *(spoken(value, change.field) for value in (change.before, change.after)),
            )
        out.print(drawn)
    drawn = table("", "stage", "entered", "left before", "left after", title="\nStages")
    for visit in found.visits:
        cells = (visit.stage, moment(visit.entered_at), left(visit.left_before), left(visit.left_after))
        drawn.add_row(MARKS[visit.change], *cells, style=STYLES[visit.change])
    out.print(drawn)


def stood(side: "Moment") -> str:
    if side.state is None:
        return f"nothing of it at {moment(side.as_of)}"
    known = "" if side.known_at is None else f", known at {moment(side.known_at)}"
    stage = side.state.stage or "no stage"
    return f"{side.n:,} events, in {stage}, as of {moment(side.as_of)} UTC{known}, definition {side.definition}"


def entries(found: "JourneyDifference") -> "Table":
    from rich.markup import escape

    drawn = table("", "#", "happened", "recorded", "by", "what", right=["#"], title="\nEntries")
    rows: list[tuple[str, Any, str]] = [
        ("+", event, "late entry" if event.retroactive else "") for event in found.events
    ]
    rows += [("-", event, "taken back since") for event in found.taken_back]
    for mark, event, note in sorted(rows, key=lambda row: (row[1].occurred_at, row[1].position)):
        what = escape(told(event.type, event.data, found.people))
        drawn.add_row(
            mark,
            str(event.position),
            moment(event.occurred_at),
            moment(event.recorded_at),
            event.actor_label,
            f"{what}\n[yellow]{note}[/yellow]" if note else what,
            style=STYLES["new" if mark == "+" else "gone"],
        )
    return drawn


def left(at: datetime | None) -> str:
    return "-" if at is None else moment(at)


def spoken(value: Any, field: str = "") -> str:
    """A value of the standing in words."""
    match value:
        case None | "" | [] | ():
            return "-"
        case {"amount": amount, "currency": currency}:
            return f"{amount} {currency}"
        case {"key": _, "label": label}:
            return str(label)
        case {"kind": kind, "due_at": due}:
            return f"{kind} {spoken(due, 'due_at')}"
        case str() if field.endswith("_at"):
            return moment(datetime.fromisoformat(value))
        case list():
            return ", ".join(spoken(each) for each in value)
    return str(value)
