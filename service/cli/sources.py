"""dealtrail sources: what each source brings, converts and earns, and how fast."""

from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.answering import answer, looking
from service.cli.explain import Explain, explained
from service.cli.question import Question, asks
from service.cli.terminal import bar, duration, money, percent, room, table

if TYPE_CHECKING:
    from rich.console import Console

    from engine.projections.sources import Sources, Yield

BESIDE_BARS = 118
"""characters of a row beside its bar"""


@asks
def sources(
    question: Question,
    *,
    by: Annotated[
        str,
        typer.Option(
            "--by", metavar="GROUPING", help="source, channel, attr:NAME, owner, team, manager, region or month."
        ),
    ] = "source",
    explain: Explain = None,
) -> None:
    """Of the leads opened in the window: how many were won, what they earned, how long it took; best first."""
    with looking(question) as (look, filters):
        if explain is not None:
            explained(explain, "sources", look, filters, question, by)
            return
        from engine.projections import sources as metric

        answer(metric.sources(look, filters, by=by), question.shape, draw, counted="leads")


def draw(found: "Sources", out: "Console") -> None:
    narrow = out.width < BESIDE_BARS
    money_columns = ("earned",) if narrow else ("earned", "average sale", "per lead")
    numbers = ("leads", "qualified", "won", "conversion", "win rate", *money_columns, "median\ncycle")
    shown = [name for name in numbers if not (narrow and name in ("qualified", "win rate"))]
    drawn = table(found.by.removeprefix("attr:"), "", *shown, right=shown, breaks=money_columns)
    width = room(out, BESIDE_BARS)
    most = max((group.share_of_wins or 0 for group in found.groups), default=0)
    rows: list[tuple[str, float, Yield]] = [
        (group.label or "none", (group.share_of_wins or 0) / most if most else 0, group) for group in found.groups
    ]
    for name, part, each in [*rows, ("all", 0, found)]:
        told = {
            "leads": f"{each.leads:,}",
            "qualified": percent(each.qualified_share),
            "won": f"{each.won:,}",
            "conversion": percent(each.conversion),
            "win rate": percent(each.win_rate),
            "earned": money(each.earned),
            "average sale": money(each.average_sale),
            "per lead": money(each.earned_per_lead),
            "median\ncycle": duration(each.cycle.p50_seconds),
        }
        drawn.add_row(name, f"[green]{bar(part, width)}[/green]", *[told[name] for name in shown])
    out.print(drawn)
    if narrow:
        out.print("More figures on a wider terminal, or with --json or --csv")
