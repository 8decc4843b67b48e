"""dealtrail forecast-accuracy: what the forecasts of past periods said at fixed horizons, against what was won."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from service.cli.answering import answer, looking
from service.cli.explain import Explain, explained
from service.cli.options import By, Every
from service.cli.question import Question, asks
from service.cli.terminal import money, percent, table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from engine.projections.forecast import Share
    from engine.projections.forecast_accuracy import ForecastAccuracy, Horizon

SCORES = ("forecast", "won", "WAPE", "bias", "MAPE", "WAPE\nof wins", "bias\nof wins")


@asks
def forecast_accuracy(
    question: Question,
    *,
    by: By = None,
    every: Every = "month",
    count: Annotated[
        int,
        typer.Option("--count", metavar="N", min=1, max=24, help="How many periods, when --from-date is not given."),
    ] = 6,
    horizon: Annotated[
        list[str] | None,
        typer.Option(
            "--horizon",
            metavar="start|DAYS",
            help="Looked at from the period's start, or so many days before its end; repeat for more "
            "(start, 30, 60 and 90). Periods times horizons: at most 24.",
            show_default=False,
        ),
    ] = None,
    basis: Annotated[
        Literal["observed", "configured"], typer.Option("--basis", help="Where the likelihood comes from.")
    ] = "observed",
    hindsight: Annotated[
        bool,
        typer.Option(
            "--hindsight", help="As of then by all that is recorded now: of a history that was imported later."
        ),
    ] = False,
    explain: Explain = None,
) -> None:
    """What forecasts of past periods said, as recorded then, against what was won: WAPE, signed bias and MAPE."""
    with looking(question) as (look, filters):
        from engine.projections import forecast_accuracy as metric
        from engine.projections.foretold import HORIZONS

        horizons = tuple(horizon or HORIZONS)
        if explain is not None:
            options = {"every": every, "count": count, "horizons": horizons, "basis": basis, "hindsight": hindsight}
            explained(explain, "forecast-accuracy", look, filters, question, by, **options)
            return
        found = metric.forecast_accuracy(
            look, filters, by=by, every=every, count=count, horizons=horizons, basis=basis, hindsight=hindsight
        )
        answer(found, question.shape, draw, counted="journeys won in these periods")


def draw(found: "ForecastAccuracy", out: "Console") -> None:
    names = [point.period for point in found.horizons[0].points]
    for each in found.groups or ():
        out.print(scores(each.label or "none", each.horizons))
    out.print(scores("all" if found.groups is not None else f"{names[0]} to {names[-1]}", found.horizons))
    if found.groups is None:
        for horizon in found.horizons:
            out.print(errors(horizon))
    if any(horizon.insufficient for horizon in found.horizons):
        out.print("-: insufficient history. Nothing was recorded by then, or too few were decided from a stage")
        out.print("where a deal stood that was expected.")
        if not found.hindsight:
            out.print("A history that was imported later was not recorded then: --hindsight looks at it all the same.")


def scores(title: str, horizons: "tuple[Horizon, ...]") -> "Table":
    """How far off, over all periods; a line for each horizon."""
    drawn = table("from", "periods", *SCORES, right=("periods", *SCORES), breaks=("forecast", "won"), title=title)
    for each in horizons:
        drawn.add_row(
            told(each.horizon),
            f"{each.measured:,} of {len(each.points):,}",
            money(each.forecast),
            money(each.came),
            shares(each, each.wape, percent),
            shares(each, each.bias, signed),
            shares(each, each.mape, percent),
            "-" if each.wape_wins is None else percent(each.wape_wins),
            "-" if each.bias_wins is None else signed(each.bias_wins),
        )
    return drawn


def errors(horizon: "Horizon") -> "Table":
    """What was said of each period, and what came."""
    columns = ("forecast", "won", "error", "forecast\nwins", "won\nwins")
    drawn = table("", "seen from", *columns, right=columns, breaks=columns[:3], title=told(horizon.horizon))
    for point in horizon.points:
        wins = "-" if point.forecast_wins is None else f"{point.forecast_wins:,.1f}"
        said = (money(point.forecast), money(point.won_value), money(point.error))
        drawn.add_row(point.period, f"{point.at:%Y-%m-%d}", *said, wins, f"{point.won:,}")
    return drawn


def shares(line: "Horizon", figure: "Sequence[Share]", written: "Callable[[float], str]") -> str:
    """Beside the amounts of its currency; nothing was won in one that has none."""
    known = {each.currency: written(each.share) for each in figure}
    return "\n".join(known.get(each.currency, "-") for each in line.forecast) or "-"


def told(horizon: str) -> str:
    return horizon if horizon == "start" else f"{horizon} days before the end"


def signed(share: float) -> str:
    return f"{'+' if share > 0 else ''}{percent(share)}"
