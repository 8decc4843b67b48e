"""dealtrail activity: who touches whom how often, how soon leads are answered, which were never touched."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.answering import answer, looking
from service.cli.explain import Explain, explained
from service.cli.options import By
from service.cli.question import Question, asks
from service.cli.terminal import bar, duration, percent, room, table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from engine.projections.activity import Activities, Activity, Actor

BESIDE_BARS = 60
"""characters of a row beside its bar"""


@asks
def activity(
    question: Question,
    *,
    by: By = None,
    sla_hours: Annotated[
        float, typer.Option("--sla-hours", metavar="HOURS", min=0.01, max=87_600, help="Answered in time: within.")
    ] = 24.0,
    explain: Explain = None,
) -> None:
    """Touches by kind and person, attempts per lead, leads never touched, time to the first answer."""
    sla = timedelta(hours=sla_hours)
    with looking(question) as (look, filters):
        if explain is not None:
            explained(explain, "activity", look, filters, question, by, sla=sla)
            return
        from engine.projections import activity as metric

        found = metric.activity(look, filters, by=by, sla=sla)
        answer(found, question.shape, draw, counted="leads")


def draw(found: "Activity", out: "Console") -> None:
    out.print(summary(found))
    if found.groups is None:
        out.print(tries(found, out))
    else:
        out.print(kinds(found))
    if found.actors:
        out.print(people(found.actors))


def summary(found: "Activity") -> "Table":
    numbers = (
        "leads",
        "never\ntouched",
        "attempts\na lead",
        "answered",
        "median\nanswer",
        "in time",
        "never\nanswered",
        "waiting",
        "touches",
    )
    drawn = table("", *numbers, right=numbers)
    rows: list[tuple[str, Activities]] = [(group.label or "none", group) for group in found.groups or ()]
    for name, each in [*rows, ("all", found)]:
        drawn.add_row(
            name,
            f"{each.leads:,}",
            f"{each.never_touched:,} ({percent(each.never_touched_share)})",
            "-" if each.attempts_mean is None else f"{each.attempts_mean:.1f}",
            f"{each.response.n:,}",
            duration(each.response.p50_seconds),
            percent(each.response.within_sla_share),
            f"{each.response.never_answered:,}",
            f"{each.response.waiting:,}",
            f"{each.touches:,}",
        )
    return drawn


def tries(found: "Activity", out: "Console") -> "Table":
    """How many leads got how many attempts, and what became of them."""
    from engine.projections.activity import MOST_ATTEMPTS

    numbers = ("leads", "won", "lost", "open")
    drawn = table("attempts", "", *numbers, right=numbers, title="Attempts before the close")
    most = max((row.leads for row in found.attempts), default=0)
    width = room(out, BESIDE_BARS)
    for row in found.attempts:
        name = f"{row.attempts} or more" if row.attempts == MOST_ATTEMPTS else str(row.attempts)
        counts = [f"{getattr(row, number):,}" for number in numbers]
        drawn.add_row(name, f"[cyan]{bar(row.leads / most, width)}[/cyan]", *counts)
    return drawn


def kinds(found: "Activity") -> "Table":
    """Calls, meetings and the rest of each group."""
    told = [kind.kind for kind in found.kinds]
    drawn = table("", "touches", *told, right=("touches", *told), title="Touches in the window")
    rows: list[tuple[str, Activities]] = [(group.label or "none", group) for group in found.groups or ()]
    for name, each in [*rows, ("all", found)]:
        own = {kind.kind: kind.touches for kind in each.kinds}
        drawn.add_row(name, f"{each.touches:,}", *[f"{own[kind]:,}" if kind in own else "-" for kind in told])
    return drawn


def people(actors: "tuple[Actor, ...]") -> "Table":
    told = list(dict.fromkeys(kind.kind for actor in actors for kind in actor.kinds))
    numbers = ("journeys", "touches", *told)
    drawn = table("recorded by", *numbers, right=numbers, title="Touches in the window, by who recorded them")
    for actor in actors:
        own = {kind.kind: kind.touches for kind in actor.kinds}
        counts = [f"{own[kind]:,}" if kind in own else "-" for kind in told]
        drawn.add_row(actor.label or "nobody known", f"{actor.journeys:,}", f"{actor.touches:,}", *counts)
    return drawn
