"""dealtrail forecast: quota, won, gap and pipeline of every team and rep, period by period."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from service.cli.answering import answer, looking
from service.cli.explain import Explain, explained
from service.cli.question import Question, asks
from service.cli.terminal import money, percent, table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from engine.projections.forecast import Forecast, Line, PeriodForecast, Share

MONEY = ("quota", "won", "gap", "attained", "pipeline", "weighted", "coverage")
WINS = ("wins", "quota of\nwins", "gap of\nwins")


@asks
def forecast(
    question: Question,
    *,
    every: Annotated[
        Literal["week", "month", "quarter"] | None,
        typer.Option("--every", help="How long each period is (month).", show_default=False),
    ] = None,
    period: Annotated[
        str | None,
        typer.Option("--period", metavar="NAME", help="One alone: 2026-03, 2026-Q1 or 2026-W05.", show_default=False),
    ] = None,
    basis: Annotated[
        Literal["observed", "configured"], typer.Option("--basis", help="Where the likelihood comes from.")
    ] = "observed",
    explain: Explain = None,
) -> None:
    """Quota, won, gap and pipeline by team and rep; the targets are set by `dealtrail targets set`."""
    with looking(question) as (look, filters):
        if explain is not None:
            explained(explain, "forecast", look, filters, question, every=every, period=period, basis=basis)
            return
        from engine.projections import forecast as metric

        found = metric.forecast(look, filters, every=every, period=period, basis=basis)
        answer(found, question.shape, draw, counted="journeys, won or expected to close")


def draw(found: "Forecast", out: "Console") -> None:
    for period in found.periods:
        out.print(drawn(period))
        for words in beside(period):
            out.print(words)
    overdue = sum(period.overdue for period in found.periods)
    if overdue:
        out.print(f"{overdue:,} of the pipeline should have closed before today")
    if found.overdue_earlier:
        out.print(
            f"{found.overdue_earlier:,} open deals should have closed before {found.periods[0].period}: "
            "they are in none of these periods"
        )
    unknown = sum(period.without_likelihood for period in found.periods)
    if unknown:
        out.print(f"{unknown:,} of the pipeline are not weighted: too few were decided from the stages they stand in")
    if found.without_date:
        out.print(f"{found.without_date:,} open deals have no expected close: they are in no period")


def beside(period: "PeriodForecast") -> "Iterator[str]":
    """What all have won and no quota is of: it is in won, and not in gap and attained."""
    won = {each.currency: each for each in period.won_value}
    for held in period.toward_quota:
        if won.get(held.currency, held) != held:
            told = [money([each]) for each in (won[held.currency], held)]
            yield f"of {told[0]} won, those with a quota won {told[1]}: gap, attained and coverage are theirs"
    if period.toward_quota_wins not in (None, period.won):
        yield (
            f"of {period.won:,} wins, those with a quota of wins made {period.toward_quota_wins:,}: its gap is theirs"
        )


def drawn(period: "PeriodForecast") -> "Table":
    lines: list[tuple[str, Line]] = []
    for team in period.teams:
        lines.append((f"[bold]{team.team or 'no team'}[/bold]", team))
        lines += [(f"  {person.label or 'nobody'}", person) for person in team.people]
    lines.append(("[bold]all[/bold]", period))
    wins = any(line.quota_wins is not None for _, line in lines)
    columns = (*MONEY, *(WINS if wins else ()))
    title = period.period if period.complete else f"{period.period} …"
    found = table("", *columns, right=columns, breaks=("quota", "won", "gap", "pipeline", "weighted"), title=title)
    for name, line in lines:
        counts = (f"{line.won:,}", whole(line.quota_wins), whole(line.gap_wins)) if wins else ()
        found.add_row(
            name,
            money(line.quota),
            money(line.won_value),
            money(line.gap),
            shares(line.attainment),
            money(line.pipeline_value),
            money(line.weighted),
            shares(line.coverage),
            *counts,
        )
    return found


def shares(told: "Sequence[Share]") -> str:
    return "\n".join(percent(each.share) for each in told) or "-"


def whole(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"
