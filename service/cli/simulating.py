"""dealtrail simulate: a made-up history of any size, and the true parameters it was made from."""

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.opening import opened
from service.cli.options import Db, Json
from service.cli.progress import progress
from service.cli.terminal import console, percent, table

if TYPE_CHECKING:
    from rich.console import Console

    from service.simulation.history import Written
    from service.simulation.parameters import Parameters
    from service.simulation.settings import Settings
    from service.simulation.truth import Truth

FROM, TO = "2023-01-01", "2026-01-01"
"""Fixed, so that the same command gives the same history on any day."""
MOST = 10_000_000
"""journeys"""


def simulate(
    *,
    journeys: Annotated[int | None, typer.Option("--journeys", help="How many journeys.", min=1, max=MOST)] = None,
    events: Annotated[
        int | None, typer.Option("--events", help="About how many events; 16 make a journey.", min=1, max=16 * MOST)
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Another seed, another history.")] = 1,
    since: Annotated[str, typer.Option("--from", metavar="DATE", help="Journeys begin from this day (UTC) on.")] = FROM,
    until: Annotated[str, typer.Option("--to", metavar="DATE", help="What comes later has not happened yet.")] = TO,
    pipelines: Annotated[
        str, typer.Option("--pipelines", metavar="KEYS", help="Which, separated by commas.")
    ] = "direct,online",
    titles: Annotated[bool, typer.Option("--titles", help="A title of its own for each journey (many texts).")] = False,
    db: Db = "",
    json: Json = False,
) -> None:
    """Write a made-up history into the log and say what it was made from.

    The same options give the same events: ids, streams, times, order, payloads. Only the ids of people and texts and
    the salted hashes of texts are drawn anew, so that they can be erased.
    """
    if (journeys is None) == (events is None):
        raise typer.BadParameter("say how much: either --journeys or --events")
    begins, ends = moment("--from", since), moment("--to", until)
    if ends <= begins:
        raise typer.BadParameter(f"--to {until} is not after --from {since}: nothing can happen in between")
    if ends > datetime.now(UTC):
        raise typer.BadParameter(f"--to {until} is in the future: what has not happened is no event; name a past day")
    with opened(db) as log:
        from engine.values import to_micros
        from service.simulation.history import simulate as write
        from service.simulation.settings import EVENTS_A_JOURNEY, Settings
        from service.simulation.truth import truth_of

        settings = Settings(
            journeys=journeys or max(1, round((events or 0) / EVENTS_A_JOURNEY)),
            seed=seed,
            since=to_micros(begins),
            until=to_micros(ends),
            pipelines=tuple(dict.fromkeys(key.strip() for key in pipelines.split(","))),
            titles=titles,
        )
        parameters = settings.parameters
        with progress("events", "telling", "writing") as told:
            written = write(log, settings, told)
    truth = truth_of(parameters)
    if json:
        print_json(settings, written, truth)
    else:
        tell(settings, written, truth, console())


def moment(option: str, day: str) -> datetime:
    try:
        found = date.fromisoformat(day)
    except ValueError:
        raise typer.BadParameter(f"{option} {day}: use a day such as 2024-01-31") from None
    return datetime(found.year, found.month, found.day, tzinfo=UTC)


def print_json(settings: "Settings", written: "Written", truth: "Truth") -> None:
    from json import dumps

    from engine.values import from_micros

    said = {
        "seed": settings.seed,
        "journeys": written.journeys,
        "events": written.events,
        "from": from_micros(settings.since).isoformat(),
        "to": from_micros(settings.until).isoformat(),
        "pipelines": list(settings.pipelines),
        "parameters": settings.parameters.model_dump(mode="json"),
        "truth": truth.model_dump(mode="json"),
    }
    print(dumps(said, indent=2, ensure_ascii=False))


def tell(settings: "Settings", written: "Written", truth: "Truth", out: "Console") -> None:
    from engine.values import from_micros

    out.print(
        f"[bold]{written.events:,} events[/bold] of {written.journeys:,} journeys written, seed {settings.seed}. "
        "What they were made from:",
        soft_wrap=True,
    )
    tell_parameters(settings.parameters, out)
    days = truth.mature_days
    out.print(
        f"What the answers should say of journeys opened at least {days} days before --to, within the sampling error:",
        soft_wrap=True,
    )
    for pipeline, expected in truth.pipelines.items():
        shown = table("figure", "of", "true value", right=["true value"], title=pipeline)
        for stage, rate in expected.conversion.items():
            shown.add_row("conversion", stage, percent(rate.value))
        shown.add_row("win rate", "", percent(expected.win_rate.value))
        for source, rate in expected.win_rate_by_source.items():
            shown.add_row("win rate", source, percent(rate.value))
        shown.add_row("opened to won, median", "", f"{expected.won_days_p50.value:.1f} d")
        for currency, worth in expected.average_won.items():
            shown.add_row("average won", currency, f"{worth.value:,.2f}")
        out.print(shown)
    until = from_micros(settings.until).date()
    out.print(f"Ask as of their end, such as: dealtrail board --pipeline {settings.pipelines[0]} --as-of {until}")


def tell_parameters(of: "Parameters", out: "Console") -> None:
    sources = table("source", "share", "leak", "begin as leads", right=["share", "leak", "begin as leads"])
    for name, source in of.sources.items():
        sources.add_row(name, percent(source.share), f"{source.leak:.2f}", percent(source.leads))
    out.print(sources)
    columns = ("days", "advance", "skip", "silent", "reopened", "returned", "transferred")
    for name, ways in of.pipelines.items():
        title = f"{name}, {percent(ways.share)} of the journeys"
        stages = table("stage", *columns, right=columns, title=title)
        for way in ways.stages:
            shares = (getattr(way, column) for column in columns[1:])
            stages.add_row(way.stage, f"{way.shape * of.scale_days:.0f}", *(percent(share) for share in shares))
        out.print(stages)
    out.print(
        "days: mean time there. A source's leak multiplies the share that does not advance. skip: of those that "
        "advance; silent: of those that do not; reopened: of the lost. All of it: --json.",
        soft_wrap=True,
    )
