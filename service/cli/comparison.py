"""dealtrail compare: two periods side by side, such as before and after the stages were changed."""

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.answering import answer, looking
from service.cli.explain import Explain, explained
from service.cli.naming import Lang, names_in
from service.cli.options import By
from service.cli.question import Question, asks, usage
from service.cli.terminal import duration, money, percent, table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from engine.projections.comparison import Comparison, Difference, Period
    from engine.projections.figures import Amount


@asks
def compare(
    question: Question,
    *,
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="FROM..TO", help="The earlier period; without it as long just before."),
    ] = None,
    by: By = None,
    lang: Lang = None,
    explain: Explain = None,
) -> None:
    """The window (--from-date, --to-date) beside another period, with the differences."""
    from service.question import period_of

    with usage():
        window = None if against is None else period_of("against", against, question.tz)
    with looking(question) as (look, filters):
        if explain is not None:
            explained(explain, "compare", look, filters, question, by, against=window)
            return
        from engine.projections import comparison as metric

        found = metric.comparison(look, filters, by=by, against=window)
        answer(found, question.shape, draw, names=names_in(lang, look.definition))


def draw(found: "Comparison", out: "Console") -> None:
    rows = [(None, found.figures), *((group.label or "none", group.figures) for group in found.groups or ())]
    for name, figures in rows:
        if name is not None:
            out.print(f"\n[bold]{name}[/bold]")
        out.print(side_by_side(figures, found.before, found.after))


def side_by_side(figures: "tuple[Difference, ...]", before: "Period", after: "Period") -> "Table":
    heads = [f"{period.since:%Y-%m-%d}\n{period.until:%Y-%m-%d}" for period in (before, after)]
    numbers = (*heads, "difference", "change", "in 30 days")
    drawn = table("", "stage", *numbers, right=numbers)
    for row in figures:
        monthly = ""
        if row.before_per_30_days is not None and row.after_per_30_days is not None:
            monthly = f"{rounded(row.before_per_30_days)} -> {rounded(row.after_per_30_days)}"
        drawn.add_row(
            row.figure.replace("_", " "),
            row.stage or "",
            told(row, row.before),
            told(row, row.after),
            in_points(row.difference) if row.unit == "share" else told(row, row.difference),
            "-" if row.change is None else f"{row.change:+.1%}",
            monthly,
        )
    return drawn


def told(row: "Difference", value: "float | Amount | None") -> str:
    if value is None:
        return "-"
    if not isinstance(value, float | int):
        return money([value])
    match row.unit:
        case "share":
            return percent(value)
        case "seconds":
            return duration(value) if value >= 0 else f"-{duration(-value)}"
    return f"{value:,.0f}"


def in_points(difference: "float | Amount | None") -> str:
    """Of two shares, so that nobody takes it for the relative change beside it."""
    return f"{difference * 100:+.1f} points" if isinstance(difference, float | int) else "-"


def rounded(value: "float | Amount") -> str:
    return f"{value:,.1f}" if isinstance(value, float | int) else f"{Decimal(value.amount):,.0f}"
