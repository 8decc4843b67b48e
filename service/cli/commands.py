"""All commands, in the order --help lists them."""

from typing import Annotated

import typer

from service.cli import (
    archive,
    db,
    exits,
    export,
    follow_ups,
    keys,
    people,
    pipeline,
    policies,
    targets,
    webhook_notices,
    webhook_sealing,
    webhooks,
)
from service.cli.activity import activity
from service.cli.board import board
from service.cli.checking import check
from service.cli.comparison import compare
from service.cli.conversion import conversion
from service.cli.cycle_time import cycle_time
from service.cli.finding import find
from service.cli.forecast import forecast
from service.cli.forecast_accuracy import forecast_accuracy
from service.cli.history import history
from service.cli.hygiene import hygiene
from service.cli.importing import import_file
from service.cli.likeliest import likeliest
from service.cli.losses import losses
from service.cli.options import DB_HELP
from service.cli.rebuild import rebuild
from service.cli.sampling import sample
from service.cli.satisfaction import satisfaction
from service.cli.serving import serve
from service.cli.simulating import simulate
from service.cli.sizing import sizing
from service.cli.sources import sources
from service.cli.stalled import stalled
from service.cli.trend import trend
from service.cli.velocity import velocity
from service.cli.win_rate import win_rate
from service.settings import DATABASE_VARIABLE

app = typer.Typer(
    help="Every touch, qualification, proposal and close is an event in one log; every number is computed from it.",
    epilog=f"Example: dealtrail import sales.csv --mapping sales.yaml && dealtrail board\n\n{exits.MEANING}",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"dealtrail {version('dealtrail')}")
        raise typer.Exit


@app.callback()
def everywhere(
    db: Annotated[
        str | None,
        typer.Option("--db", metavar="URL", help=DB_HELP, envvar=DATABASE_VARIABLE, show_default=False),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", help="Say which version this is.", callback=show_version, is_eager=True)
    ] = False,
) -> None:
    """--db is read from the context (options.py), so that it may stand before a command or after it."""


app.add_typer(db.app, name="db")
app.command("import", epilog="Example: dealtrail import sales.csv.gz --mapping sales.yaml --on-error continue")(
    import_file
)
app.add_typer(pipeline.app, name="pipeline")
app.command("board", epilog="Example: dealtrail board --owner rep-01 --order value --currency EUR")(board)
app.command("conversion", epilog="Example: dealtrail conversion --from-date 2012-01-01 --by month")(conversion)
app.command("cycle-time", epilog="Example: dealtrail cycle-time --from qualified --by region")(cycle_time)
app.command("win-rate", epilog="Example: dealtrail win-rate --attr product=GTX-Pro --by owner --json")(win_rate)
app.command("velocity", epilog="Example: dealtrail velocity --from-date 2026-01-01 --by owner")(velocity)
app.command("sizing", epilog="Example: dealtrail sizing --target '100000 EUR' --reps 10 --by owner")(sizing)
app.command("sources", epilog="Example: dealtrail sources --by channel --from-date 2026-01-01")(sources)
app.command("activity", epilog="Example: dealtrail activity --by owner --sla-hours 4")(activity)
app.command("losses", epilog="Example: dealtrail losses --late-days 60 --by owner")(losses)
app.command("satisfaction", epilog="Example: dealtrail satisfaction --by owner --from-date 2026-01-01")(satisfaction)
app.command("likeliest", epilog="Example: dealtrail likeliest --by team --limit 20")(likeliest)
app.command("forecast", epilog="Example: dealtrail forecast --period 2026-Q3 --team north")(forecast)
app.command("forecast-accuracy", epilog="Example: dealtrail forecast-accuracy --every quarter --count 4 --by team")(
    forecast_accuracy
)
app.add_typer(targets.app, name="targets")
app.command(
    "compare",
    epilog="Example: dealtrail compare --from-date 2026-04-01 --to-date 2026-07-01 --against 2026-01-01..2026-04-01",
)(compare)
app.command("trend", epilog="Example: dealtrail trend --every quarter --by source --figure win_rate")(trend)
app.command("stalled", epilog="Example: dealtrail stalled --as-of 2012-02-01T00:00:00Z --idle-days 14 --json")(stalled)
app.command("hygiene", epilog="Example: dealtrail hygiene --owner rep-01 --silent-days 7")(hygiene)
app.add_typer(policies.app, name="policies")
app.command("follow-ups", epilog="Example: dealtrail follow-ups --owner rep-01 --overdue")(follow_ups.follow_ups)
app.add_typer(follow_ups.app, name="follow-up")
webhooks.app.command("parked", epilog="Example: dealtrail webhooks parked 3f9a12cc --json")(webhook_notices.parked)
webhooks.app.command("retry", epilog="Example: dealtrail webhooks retry 3f9a12cc --position 1042")(
    webhook_notices.retry
)
webhooks.app.command("replay", epilog="Example: dealtrail webhooks replay 3f9a12cc --after 1041")(
    webhook_notices.replay
)
webhooks.app.command("send", epilog="Example: dealtrail webhooks send --once")(webhook_notices.send)
webhooks.app.command("seal", epilog="Example: dealtrail webhooks seal --new-key")(webhook_sealing.seal)
app.add_typer(webhooks.app, name="webhooks")
app.command("find", epilog="Example: dealtrail find 'garcia coffee'")(find)
app.command("history", epilog="Example: dealtrail history 173688 --diff 2026-01-01..2026-02-01")(history)
app.command("check", epilog="Example: dealtrail check --json")(check)
app.add_typer(export.app, name="export")
app.add_typer(archive.app, name="archive")
app.command("rebuild", epilog="Example: dealtrail rebuild -o derived --threads 2")(rebuild)
app.command("sample", epilog="Example: dealtrail sample --to sample.db")(sample)
app.add_typer(people.app, name="people")
app.add_typer(keys.app, name="keys")
app.command("simulate", epilog="Example: dealtrail simulate --events 100000 --seed 7 --db made-up.db")(simulate)
app.command("serve", epilog="Example: dealtrail serve --db sample.db --port 8000")(serve)
