"""dealtrail losses: why deals are lost, from which stage; what was found unfit late; which doubtful ones were won."""

from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.answering import answer, looking
from service.cli.explain import Explain, explained
from service.cli.naming import Lang, names_in
from service.cli.options import By
from service.cli.question import Question, asks
from service.cli.terminal import bar, duration, money, percent, room, table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from engine.projections.looked_back import DoubtfulWin, LateLoss
    from engine.projections.losses import Losses, LossFigures

BESIDE_BARS = 72
"""characters of a row beside its bar"""
SHOWN = 10
"""late losses and doubtful wins on the terminal; --json lists all"""


@asks
def losses(
    question: Question,
    *,
    by: By = None,
    late_days: Annotated[
        float, typer.Option("--late-days", metavar="DAYS", help="Leads found unfit that old are late.")
    ] = 30.0,
    score_below: Annotated[
        int | None, typer.Option("--score-below", metavar="N", help="Scores that made a won lead doubtful.")
    ] = None,
    lang: Lang = None,
    explain: Explain = None,
) -> None:
    """Reasons by stage; leads disqualified late and why; doubtful leads that were won and why."""
    with looking(question) as (look, filters):
        if explain is not None:
            explained(explain, "losses", look, filters, question, by, late_days=late_days, score_below=score_below)
            return
        from engine.projections import losses as metric

        found = metric.losses(look, filters, by=by, late_days=late_days, score_below=score_below)
        answer(found, question.shape, draw, counted="losses", names=names_in(lang, look.definition))


def draw(found: "Losses", out: "Console") -> None:
    if found.groups is None:
        out.print(reasons(found, out))
    for group in found.groups or ():
        out.print(f"\n[bold]{group.label or 'none'}[/bold] · {group.n:,} losses")
        out.print(reasons(group, out))
    if found.late:
        out.print(late(found.late[:SHOWN], len(found.late)))
    if found.doubtful:
        out.print(doubtful(found.doubtful[:SHOWN], len(found.doubtful)))


def reasons(found: "LossFigures", out: "Console") -> "Table":
    numbers = ("losses", "share", "unfit", "value")
    drawn = table("stage", "reason", "", *numbers, right=numbers, breaks=("value",))
    most = max((row.n for stage in found.stages for row in stage.reasons), default=0)
    width = room(out, BESIDE_BARS)
    for stage in found.stages:
        for place, row in enumerate(stage.reasons):
            name = (stage.stage or "as they came") if place == 0 else ""
            drawn.add_row(
                name,
                row.reason or "no reason told",
                f"[red]{bar(row.n / most, width)}[/red]",
                f"{row.n:,}",
                percent(row.share),
                f"{row.disqualified:,}",
                money(row.value),
            )
    return drawn


def late(rows: "tuple[LateLoss, ...]", count: int) -> "Table":
    drawn = table(
        "lead", "title", "stage", "after", "reason", "", right=("after",), title=f"Found unfit late: {count:,}"
    )
    for row in rows:
        drawn.add_row(
            row.key or row.journey[:8],
            row.label or "",
            row.stage or "-",
            duration(row.age_seconds),
            row.reason or "-",
            "was qualified" if row.was_qualified else "",
        )
    return drawn


def doubtful(rows: "tuple[DoubtfulWin, ...]", count: int) -> "Table":
    drawn = table(
        "deal", "title", "value", "doubts", "settled by", right=("value",), title=f"Doubtful, and won: {count:,}"
    )
    for row in rows:
        drawn.add_row(
            row.key or row.journey[:8],
            row.label or "",
            money([row.value] if row.value else []),
            ", ".join(f"{doubt.about} {doubt.verdict}" for doubt in row.doubts),
            ", ".join(f"#{proof.position} {proof.about}" for proof in row.evidence),
        )
    return drawn
