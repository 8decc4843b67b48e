"""dealtrail history: the trail of one lead and the deal it became, as a timeline."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from service.cli.answering import answer
from service.cli.difference import between
from service.cli.opening import opened
from service.cli.question import Glance, asks
from service.cli.terminal import duration, moment, money, table
from service.cli.told import told

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from replay.history import History, HistoryEvent


@asks
def history(
    glance: Glance,
    *,
    journey: Annotated[str, typer.Argument(metavar="ID", help="Key in the source system (173688), or our id.")],
    at: Annotated[
        str | None, typer.Option("--at", metavar="EVENT", help="Position or id of an event: the state after it.")
    ] = None,
    diff: Annotated[
        str | None,
        typer.Option(
            "--diff",
            metavar="FROM..TO",
            help="Instead: what came between two moments (FROM.. is up to now), and what it changed.",
        ),
    ] = None,
    clock: Annotated[
        Literal["happened", "recorded", "both"],
        typer.Option("--clock", help="--diff: by what had happened by then, what was recorded by then, or both."),
    ] = "happened",
) -> None:
    """Every event in order: who, when, what, the stage after it and why; corrections shown as such."""
    from replay.history import history as trail

    if diff is not None:
        between(glance, journey, diff, clock, at)
        return
    lens = glance.lens()
    with opened(glance.db) as log:
        answer(trail(log, journey, lens, at=at), glance.shape, draw, counted="events")


def draw(found: "History", out: "Console") -> None:
    title = "" if found.label is None else f" · {found.label}"
    out.print(f"{found.key or found.journey}{title} · journey {found.journey}", soft_wrap=True)
    if found.void:
        out.print("Void: its opening was taken back")
    out.print(timeline(found))
    stays = " -> ".join(f"{visit.stage} {duration(visit.seconds)}" for visit in found.visits)
    out.print(f"Stages: {stays or 'none'}", soft_wrap=True)
    for line in state(found):
        out.print(line, soft_wrap=True)


def timeline(found: "History") -> "Table":
    drawn = table("#", "happened", "by", "what", "stage", "because", right=["#"])
    positions = {event.event_id: event.position for event in found.events}
    before: str | None = None
    for event in found.events:
        taken_back = event.retracted_by is not None
        stage = "" if event.stage_after in (None, before) else f"[bold]{event.stage_after}[/bold]"
        before = event.stage_after or before
        happened = moment(event.occurred_at)
        if event.out_of_order:
            happened += f"\n[yellow]written {moment(event.recorded_at)}[/yellow]"
        what = said(event, found, positions)
        style = "dim" if taken_back else "bold" if event.event_id == found.state_at else ""
        drawn.add_row(str(event.position), happened, event.actor_label, what, stage, event.because or "", style=style)
    return drawn


def said(event: "HistoryEvent", found: "History", positions: dict[str, int]) -> str:
    """What happened, in words; an entry that was taken back says by which."""
    from rich.markup import escape

    text = escape(told(event.type, event.data, found.people))
    if event.data.get("event_id") in positions:
        text = f"takes back #{positions[event.data['event_id']]}: {escape(event.data.get('reason', ''))}"
    if event.retracted_by is not None:
        text = f"[strike]{text}[/strike]\n(taken back by #{positions.get(event.retracted_by, '?')})"
    return text


def state(found: "History") -> list[str]:
    """How it stands, or stood after the event asked for."""
    from rich.markup import escape

    now = found.state
    when = "Now"
    if found.state_at is not None:
        when = next(f"After #{event.position}" for event in found.events if event.event_id == found.state_at)
    bant = ", ".join(f"{dimension} {verdict}" for dimension, verdict in now.bant.items() if verdict != "unknown")
    facts = {
        "": f"in {now.stage}" if now.stage else "in no stage",
        "value": money([now.value]) if now.value else "",
        "owner": now.owner.label if now.owner else "",
        "BANT": bant,
        "touches": str(now.touches),
        "next": ", ".join(f"{due.kind} {moment(due.due_at)}" for due in now.follow_ups),
        "expected close": str(now.expected_close or ""),
        "merged into": now.merged_into or "",
    }
    facts |= {escape(name): escape(value) for name, value in now.attributes.items()}
    return [f"{when}: " + " · ".join(f"{name} {value}".strip() for name, value in facts.items() if value)]
