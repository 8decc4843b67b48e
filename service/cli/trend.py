"""dealtrail trend: any figure by week, month or quarter, as sparklines and in numbers."""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from service.cli.answering import answer, looking
from service.cli.explain import Explain, explained
from service.cli.options import By, Every
from service.cli.question import Question, asks
from service.cli.terminal import duration, money, percent, table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from engine.projections.figures import Amount
    from engine.projections.points import Point
    from engine.projections.trend import Trend

    Value = float | int | tuple[Amount, ...] | None

FIGURES = ("entered", "conversion", "won", "lost", "win_rate", "won_value", "cycle_p50_seconds")
STOCKS = ("open", "qualified_open", "pipeline_value", "velocity")


@asks
def trend(
    question: Question,
    *,
    by: By = None,
    every: Every = "month",
    count: Annotated[
        int,
        typer.Option("--count", metavar="N", min=1, max=600, help="How many periods, when --from-date is not given."),
    ] = 12,
    stage: Annotated[
        str | None, typer.Option("--stage", metavar="KEY", help="Entries and conversion of this stage, not of all.")
    ] = None,
    figure: Annotated[
        Literal[
            "entered",
            "conversion",
            "won",
            "lost",
            "win_rate",
            "won_value",
            "cycle_p50_seconds",
            "open",
            "qualified_open",
            "pipeline_value",
            "velocity",
        ],
        typer.Option("--figure", help="Drawn for each group; --json has all."),
    ] = "win_rate",
    explain: Explain = None,
) -> None:
    """Entered, won, lost, win rate, conversion, value, cycle and what stood open, period by period."""
    with looking(question) as (look, filters):
        if explain is not None:
            explained(explain, "trend", look, filters, question, by, every=every, count=count, stage=stage)
            return
        from engine.projections import trend as metric

        found = metric.trend(look, filters, by=by, every=every, count=count, stage=stage)
        answer(found, question.shape, partial(draw, figure=figure))


def draw(found: "Trend", out: "Console", figure: str) -> None:
    if found.groups is None:
        out.print(sparklines(found))
        out.print(numbers(found.points))
        out.print("As it stood at the end of each period; in brackets as it is seen now, where that differs.")
        return
    drawn = table(figure.removesuffix("_p50_seconds").replace("_", " "), "", "first", "last", right=("first", "last"))
    rows = [*((group.label or "none", group.points) for group in found.groups), ("all", found.points)]
    for label, points in rows:
        values = [told(point, figure) for point in points]
        drawn.add_row(label, f"[cyan]{spark(values)}[/cyan]", shown(figure, values[0]), shown(figure, values[-1]))
    out.print(drawn)
    out.print(f"{found.points[0].period} to {found.points[-1].period}, as it stood at the end of each {found.every}")


def sparklines(found: "Trend") -> "Table":
    """A line for each figure."""
    drawn = table("", f"{found.points[0].period} to {found.points[-1].period}", "last", right=("last",))
    for figure in (*FIGURES, *STOCKS):
        values = [told(point, figure) for point in found.points]
        name = figure.removesuffix("_p50_seconds").replace("_", " ")
        drawn.add_row(name, f"[cyan]{spark(values)}[/cyan]", shown(figure, values[-1]))
    return drawn


def numbers(points: "Sequence[Point]") -> "Table":
    columns = (
        "entered",
        "conversion",
        "won",
        "lost",
        "win_rate",
        "cycle_p50_seconds",
        "open",
        "won_value",
        "pipeline_value",
    )
    heads = [name.removesuffix("_p50_seconds").replace("_", "\n") for name in columns]
    drawn = table("", *heads, right=heads, breaks=heads[-2:])
    for point in points:
        cells = []
        for figure in columns:
            then, now = told(point, figure), told(point, figure, "now")
            cells.append(shown(figure, then) + ("" if then == now else f" ({shown(figure, now)})"))
        drawn.add_row(point.period if point.complete else f"{point.period} …", *cells)
    return drawn


def told(point: "Point", figure: str, side: str = "then") -> "Value":
    found: Value = getattr(point if figure in STOCKS else getattr(point, side), figure)
    return found


def shown(figure: str, value: "Value") -> str:
    if isinstance(value, tuple):
        return money(value)
    if value is None:
        return "-"
    words: dict[str, Callable[[float], str]] = {
        "conversion": percent,
        "win_rate": percent,
        "cycle_p50_seconds": duration,
    }
    return words[figure](value) if figure in words else f"{value:,}"


def spark(values: "Sequence[Value]") -> str:
    """One character a value, from the lowest to the highest; a gap where there is none. Of money the first currency."""
    encoding = (sys.stdout.encoding or "utf-8").lower()
    steps = "▁▂▃▄▅▆▇█" if encoding.startswith("utf") else "_.-=+*%#"
    plain = [number(value) for value in values]
    known = [value for value in plain if value is not None]
    if not known:
        return ""
    low, high = min(known), max(known)
    scale = (len(steps) - 1) / (high - low) if high > low else 0.0
    return "".join(" " if value is None else steps[round((value - low) * scale)] for value in plain)


def number(value: "Value") -> float | None:
    if isinstance(value, tuple):
        return float(value[0].amount) if value else 0.0
    return value
