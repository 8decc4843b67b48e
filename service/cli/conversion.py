"""dealtrail conversion: the funnel, stage by stage, drawn as bars."""

from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.answering import answer, looking
from service.cli.explain import Explain, explained
from service.cli.naming import Lang, names_in
from service.cli.options import By
from service.cli.question import Question, asks
from service.cli.terminal import bar, duration, percent, room, table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from engine.projections.conversion import Conversion, ConversionGroup, Overall

BESIDE_BARS = 72
"""characters of a row beside its bar"""


@asks
def conversion(
    question: Question,
    *,
    by: By = None,
    strict: Annotated[bool, typer.Option("--strict", help="Skipped stages do not count as passed.")] = False,
    within_days: Annotated[
        float | None, typer.Option("--within-days", metavar="N", help="Each journey N days after it entered.")
    ] = None,
    in_period: Annotated[
        bool, typer.Option("--in-period", help="As it stood at the end of the window; needs --to-date.")
    ] = False,
    lang: Lang = None,
    explain: Explain = None,
) -> None:
    """Of the journeys that entered a stage: how many went further, and where the others are."""
    options = {"strict": strict, "within_days": within_days, "in_period": in_period}
    with looking(question) as (look, filters):
        if explain is not None:
            explained(explain, "conversion", look, filters, question, by, **options)
            return
        from engine.projections import conversion as metric

        found = metric.conversion(look, filters, by=by, strict=strict, within_days=within_days, in_period=in_period)
        answer(found, question.shape, draw, names=names_in(lang, look.definition))


def draw(found: "Conversion", out: "Console") -> None:
    if found.groups is None:
        out.print(funnel(found, out))
        out.print(overall(found.overall))
        out.print(narrow(found), end="")
        if found.transitions:
            out.print(transitions(found))
        return
    for group in found.groups:
        out.print(f"\n[bold]{group.label or 'none'}[/bold] · {group.n:,} journeys")
        out.print(funnel(group, out))
        out.print(overall(group.overall))
        out.print(narrow(group), end="")


def funnel(found: "Conversion | ConversionGroup", out: "Console") -> "Table":
    """Bars as long as the share of journeys that entered the stage, of the most that entered any."""
    counts = ("entered", "advanced", "lost", "moved_back", "transferred", "still_there")
    shown = [name for name in counts if name != "transferred" or any(stage.transferred for stage in found.stages)]
    heads = [name.replace("_", "\n") for name in (*shown, "conversion")]
    drawn = table("stage", "", *heads, right=heads)
    most = max((stage.entered for stage in found.stages), default=0)
    width = room(out, BESIDE_BARS + max((len(stage.stage) for stage in found.stages), default=0))
    for stage in found.stages:
        numbers = [f"{getattr(stage, name):,}" for name in shown]
        share = stage.entered / most if most else 0
        drawn.add_row(stage.stage, f"[cyan]{bar(share, width)}[/cyan]", *numbers, percent(stage.conversion))
    return drawn


def overall(whole: "Overall") -> str:
    return (
        f"Overall [bold]{percent(whole.conversion)}[/bold]: of {whole.entered:,} journeys {whole.won:,} won, "
        f"{whole.lost:,} lost, {whole.open:,} open"
    )


def narrow(found: "Conversion | ConversionGroup") -> str:
    """What stands out: the steps that pass on abnormally few, each with the stage before, where the cause is."""
    return "".join(
        f"[bold yellow]Narrow[/bold yellow] at {each.shows_at}: of {each.left:,} that left {each.stage} only "
        f"{percent(each.share)} went further, where other steps pass on {percent(each.typical)}. "
        f"Look at [bold]{each.stage}[/bold], the stage before.\n"
        for each in found.narrowings
    )


def transitions(found: "Conversion") -> "Table":
    numbers = ("journeys", "median", "85 %", "90 %")
    drawn = table("from", "to", *numbers, right=numbers, title="\nFrom stage to stage, and how long it took")
    for step in found.transitions:
        times = (duration(step.p50_seconds), duration(step.p85_seconds), duration(step.p90_seconds))
        drawn.add_row(step.from_stage, step.to, f"{step.n:,}", *times)
    return drawn
