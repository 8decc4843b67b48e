"""dealtrail satisfaction: how content customers said they were after the sale."""

from typing import TYPE_CHECKING

from service.cli.answering import answer, looking
from service.cli.explain import Explain, explained
from service.cli.options import By
from service.cli.question import Question, asks
from service.cli.terminal import bar, percent, room, table

if TYPE_CHECKING:
    from rich.console import Console

    from engine.projections.satisfaction import Satisfaction, Satisfied

BESIDE_BARS = 60
"""characters of a row beside its bar"""


@asks
def satisfaction(question: Question, *, by: By = None, explain: Explain = None) -> None:
    """Scores given after the sale: mean, promoters and detractors, and the wins nobody asked about."""
    with looking(question) as (look, filters):
        if explain is not None:
            explained(explain, "satisfaction", look, filters, question, by)
            return
        from engine.projections import satisfaction as metric

        answer(metric.satisfaction(look, filters, by=by), question.shape, draw, counted="scored journeys")


def draw(found: "Satisfaction", out: "Console") -> None:
    numbers = ("scored", "mean", "promoters", "passives", "detractors", "net\npromoter", "unscored\nwins")
    drawn = table("", *numbers, right=numbers)
    rows: list[tuple[str, Satisfied]] = [(group.label or "none", group) for group in found.groups or ()]
    for name, each in [*rows, ("all", found)]:
        drawn.add_row(
            name,
            f"{each.scored:,}",
            "-" if each.mean is None else f"{each.mean:.2f}",
            f"{each.promoters:,}",
            f"{each.passives:,}",
            f"{each.detractors:,}",
            percent(each.net_promoter),
            f"{each.unscored:,}",
        )
    out.print(drawn)
    if found.groups is None and found.scores:
        scores = table("score", "", "journeys", right=("journeys",))
        most = max(score.n for score in found.scores)
        for score in found.scores:
            length = bar(score.n / most, room(out, BESIDE_BARS))
            scores.add_row(str(score.score), f"[cyan]{length}[/cyan]", f"{score.n:,}")
        out.print(scores)
