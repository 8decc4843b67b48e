"""dealtrail follow-ups and follow-up: every rep's next steps; done, snoozed, cancelled, scheduled."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from service.cli.answering import answer, looking
from service.cli.explain import Explain, explained
from service.cli.opening import opened, views_over
from service.cli.options import Actor, Db, from_options
from service.cli.question import Question, asks
from service.cli.terminal import moment, table

if TYPE_CHECKING:
    from rich.console import Console

    from engine.messages import Command
    from engine.projections.follow_ups import FollowUps, Step

SHOWN = 50
"""rows on the terminal; --json lists all"""

app = typer.Typer(
    help="Do something with a follow-up: complete, snooze, cancel it; schedule one.", no_args_is_help=True
)

Named = Annotated[
    str, typer.Argument(metavar="FOLLOW-UP", help="Its id, the first digits of it, or the deal if it has one alone.")
]
Time = Annotated[str, typer.Option("--until", metavar="TIME", help="2026-04-01 or 2026-04-01T09:00Z.")]


@asks
def follow_ups(
    question: Question,
    *,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those that are due since.")] = False,
    explain: Explain = None,
) -> None:
    """Every rep's next steps, the longest due first, and the open journeys that have none."""
    with looking(question) as (look, filters):
        if explain is not None:
            explained(explain, "follow-ups", look, filters, question, overdue=overdue)
            return
        from engine.projections import follow_ups as metric

        answer(metric.follow_ups(look, filters, overdue=overdue), question.shape, draw)


def draw(found: "FollowUps", out: "Console") -> None:
    drawn = table("", "due", "what", "deal", "title", "stage", "owner", "note")
    digits = telling(tuple(each.follow_up for each in found.follow_ups))
    for each in found.follow_ups[:SHOWN]:
        due = f"[red]{moment(each.due_at)}[/red]" if each.overdue else moment(each.due_at)
        note = each.note or each.snoozed or ("nothing happened for too long" if each.policy == "raise_stalled" else "")
        drawn.add_row(
            each.follow_up[:digits],
            due,
            each.kind,
            each.key or each.journey,
            each.label or "",
            each.stage,
            whose(each),
            note,
        )
    out.print(drawn)
    if found.journeys:
        bare = table("no next step", "title", "stage", "owner")
        for journey in found.journeys[:SHOWN]:
            bare.add_row(journey.key or journey.journey, journey.label or "", journey.stage, whose(journey))
        out.print(bare)
    out.print(
        f"{found.count:,} follow-ups, {found.overdue:,} overdue; "
        f"{found.without_next_step:,} of {found.n:,} open journeys without a next step"
    )
    if max(found.count, len(found.journeys)) > SHOWN:
        out.print("More with --json")


def telling(names: tuple[str, ...]) -> int:
    """How many of the first digits tell all of them apart; 8 or more."""
    return next((n for n in range(8, 36) if len({name[:n] for name in names}) == len(names)), 36)


def whose(step: "Step") -> str:
    return step.owner.label if step.owner else f"team {step.team}" if step.team else "-"


@app.command(epilog="Example: dealtrail follow-up complete C-004 --outcome reached --actor rep-03")
def complete(
    follow_up: Named,
    outcome: Annotated[str, typer.Option("--outcome", metavar="WORDS", help="What came of it: reached, no answer.")],
    actor: Actor = "",
    db: Db = "",
) -> None:
    """It is done."""
    from engine.aggregates.journey.commands import CompleteFollowUp

    change(db, actor, follow_up, lambda known: CompleteFollowUp(follow_up_id=known, outcome=outcome))


@app.command(epilog="Example: dealtrail follow-up snooze 7c1f22aa --until 2026-04-01 --reason 'on leave until then'")
def snooze(
    follow_up: Named,
    until: Time,
    reason: Annotated[str, typer.Option("--reason", metavar="WORDS", help="Why not now.")],
    actor: Actor = "",
    db: Db = "",
) -> None:
    """Not now: nothing is raised on the journey until then."""
    from engine.aggregates.journey.commands import SnoozeFollowUp

    then = time_of("--until", until)
    change(db, actor, follow_up, lambda known: SnoozeFollowUp(follow_up_id=known, until=then, reason=reason))


@app.command(epilog="Example: dealtrail follow-up cancel C-004 --reason 'they bought elsewhere'")
def cancel(
    follow_up: Named,
    reason: Annotated[str, typer.Option("--reason", metavar="WORDS", help="Why it is pointless.")],
    actor: Actor = "",
    db: Db = "",
) -> None:
    """It is pointless."""
    from engine.aggregates.journey.commands import CancelFollowUp

    change(db, actor, follow_up, lambda known: CancelFollowUp(follow_up_id=known, reason=reason))


@app.command(epilog="Example: dealtrail follow-up schedule C-004 --kind call --due 2026-04-01T09:00Z")
def schedule(
    deal: Annotated[str, typer.Argument(metavar="DEAL", help="Its id or key; a lead's too.")],
    kind: Annotated[str, typer.Option("--kind", metavar="KIND", help="call, email, meeting, ...")],
    due: Annotated[str, typer.Option("--due", metavar="TIME", help="2026-04-01 or 2026-04-01T09:00Z.")],
    note: Annotated[str | None, typer.Option("--note", metavar="TEXT", help="What about.")] = None,
    actor: Actor = "",
    db: Db = "",
) -> None:
    """The next step of a lead or deal."""
    from engine.aggregates.inputs import PersonRef
    from engine.aggregates.journey.commands import ScheduleFollowUp
    from engine.handle import handle
    from engine.log.keys import find_stream

    with from_options():
        command = ScheduleFollowUp.model_validate({"kind": kind, "due_at": time_of("--due", due), "note": note})
    with opened(db) as log:
        on = find_stream(log, deal)
        handle(log, command, actor=PersonRef(source="login", key=actor), origin="cli", on=on)
    print(f"scheduled: {kind}, {due}")


def change(db: str, actor: str, follow_up: str, command: Callable[[UUID], "Command"]) -> None:
    from engine.aggregates.inputs import PersonRef
    from engine.handle import handle
    from engine.projections.follow_ups import find_follow_up

    with opened(db) as log:
        found = find_follow_up(views_over(log), follow_up)
        with from_options():
            asked = command(found.follow_up)
        handle(log, asked, actor=PersonRef(source="login", key=actor), origin="cli", on=found.stream)
    print(f"{type(asked).__name__.removesuffix('FollowUp').lower()}: {found.follow_up}")


def time_of(option: str, text: str) -> datetime:
    from service.cli.policies import when

    then = when(option, text)
    assert then is not None
    return then
