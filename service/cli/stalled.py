"""dealtrail stalled: open journeys in which nothing happens any more."""

from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.answering import answer, looking
from service.cli.explain import Explain, explained
from service.cli.naming import Lang, names_in
from service.cli.question import Question, asks
from service.cli.terminal import duration, table

if TYPE_CHECKING:
    from rich.console import Console

    from engine.projections.stalled import Stalled

SHOWN = 50
"""journeys on the terminal; --json lists all"""


@asks
def stalled(
    question: Question,
    *,
    idle_days: Annotated[
        float | None,
        typer.Option("--idle-days", metavar="DAYS", help="Nothing happened for longer; else by the stages' rules."),
    ] = None,
    lang: Lang = None,
    explain: Explain = None,
) -> None:
    """Open journeys in which nothing happens any more, longest idle first."""
    with looking(question) as (look, filters):
        if explain is not None:
            explained(explain, "stalled", look, filters, question, None, idle_days=idle_days)
            return
        from engine.projections import stalled as metric

        found = metric.stalled(look, filters, idle_days=idle_days)
        answer(found, question.shape, draw, names=names_in(lang, look.definition))


def draw(found: "Stalled", out: "Console") -> None:
    drawn = table("", "deal", "title", "stage", "in stage", "idle", "owner", right=("in stage", "idle"))
    for each in found.journeys[:SHOWN]:
        drawn.add_row(
            each.key or each.journey,
            each.label or "",
            each.stage,
            duration(each.age_seconds),
            duration(each.idle_seconds),
            each.owner.label if each.owner else "-",
        )
    out.print(drawn)
    more = found.count - SHOWN
    out.print(f"{found.count:,} of {found.n:,} open journeys" + (f"; {more:,} more with --json" if more > 0 else ""))
