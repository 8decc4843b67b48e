"""dealtrail velocity: what the open pipeline brings in a day and in a month."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from service.cli.answering import answer, looking
from service.cli.explain import Explain, explained
from service.cli.options import By
from service.cli.question import Question, asks
from service.cli.terminal import money, percent, table

if TYPE_CHECKING:
    from rich.console import Console

    from engine.projections.velocity import Velocities, Velocity


@asks
def velocity(
    question: Question,
    *,
    by: By = None,
    pace: Annotated[
        Literal["median", "mean"], typer.Option("--pace", help="Which cycle length the formula takes.")
    ] = "median",
    explain: Explain = None,
) -> None:
    """Qualified open journeys x win rate x value of a win / days of a cycle."""
    with looking(question) as (look, filters):
        if explain is not None:
            explained(explain, "velocity", look, filters, question, by)
            return
        from engine.projections import velocity as metric

        answer(metric.velocity(look, filters, by=by, pace=pace), question.shape, draw)


def draw(found: "Velocity", out: "Console") -> None:
    numbers = ("qualified\nopen", "win rate", "value\nper win", f"cycle\n({found.pace})", "a day", "a month")
    drawn = table("", *numbers, right=numbers, breaks=("value\nper win", "a day", "a month"))
    rows: list[tuple[str, Velocities]] = [(group.label or "none", group) for group in found.groups or ()]
    for name, each in [*rows, ("all", found)]:
        drawn.add_row(
            name,
            f"{each.qualified_open:,}",
            percent(each.win_rate),
            money(each.value_per_win),
            "-" if each.cycle_days is None else f"{each.cycle_days:,.1f} d",
            money(each.per_day),
            f"[bold]{money(each.per_month)}[/bold]",
        )
    out.print(drawn)
    out.print(f"a month: {found.days_in_month} days, those of the month looked at")
