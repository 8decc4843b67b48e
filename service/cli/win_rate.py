"""dealtrail win-rate: of what was decided, how much was won, and what it was worth."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from service.cli.answering import answer, looking
from service.cli.explain import Explain, explained
from service.cli.options import By
from service.cli.question import Question, asks
from service.cli.terminal import bar, duration, money, percent, room, table

if TYPE_CHECKING:
    from rich.console import Console

    from engine.projections.win_rate import WinRate, WinRates

BESIDE_BARS = 100
"""characters of a row beside its bar"""


@asks
def win_rate(
    question: Question,
    *,
    by: By = None,
    cohort: Annotated[
        Literal["closed", "opened"], typer.Option("--cohort", help="Those closed in the window, or opened in it.")
    ] = "closed",
    without_reasons: Annotated[
        list[str] | None,
        typer.Option("--without-reason", metavar="REASON", help="Losses for it are left out; repeat for more."),
    ] = None,
    explain: Explain = None,
) -> None:
    """Won of won and lost, with values; disqualified before qualification is not a loss."""
    reasons = tuple(without_reasons or ())
    with looking(question) as (look, filters):
        if explain is not None:
            explained(explain, "win-rate", look, filters, question, by, cohort=cohort, without_reasons=reasons)
            return
        from engine.projections import win_rate as metric

        found = metric.win_rate(look, filters, by=by, cohort=cohort, without_reasons=reasons)
        answer(found, question.shape, draw)


def draw(found: "WinRate", out: "Console") -> None:
    money_columns = ("won value", "average won")
    numbers = ("win rate", "won", "lost", "open", *money_columns, "qualified", "median\nlifetime")
    drawn = table("", "", *numbers, right=numbers, breaks=money_columns)
    width = room(out, BESIDE_BARS)
    rows: list[tuple[str, WinRates]] = [(group.label or "none", group) for group in found.groups or ()]
    for name, rates in [*rows, ("all", found)]:
        drawn.add_row(
            name,
            f"[green]{bar(rates.win_rate or 0, width)}[/green]",
            percent(rates.win_rate),
            f"{rates.won:,}",
            f"{rates.lost:,}",
            f"{rates.open:,}",
            money(rates.won_value),
            money(rates.average_won_value),
            f"{rates.qualified:,}",
            duration(rates.lifetime.p50_seconds),
        )
    out.print(drawn)
    apart = {"disqualified": found.disqualified, "transferred": found.transferred, "merged": found.merged}
    if any(apart.values()):
        out.print("Apart: " + ", ".join(f"{count:,} {name}" for name, count in apart.items() if count))
