"""dealtrail policies: which watch over the journeys, and running them."""

from datetime import UTC, datetime
from time import sleep
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.errors import Rejected
from service.cli.as_json import print_json
from service.cli.opening import opened, viewed, views_over
from service.cli.options import Actor, Db, Json
from service.cli.terminal import console, moment, table

if TYPE_CHECKING:
    from engine.policies.run import Done

app = typer.Typer(help="Alerts, tasks and reminders: list them, run them.", no_args_is_help=True)

EVERY = 30.0
"""seconds between two rounds"""


@app.command("list", epilog="Example: dealtrail policies list")
def list_policies(db: Db = "", json: Json = False) -> None:
    """All policies: what they do, in which stages, and since when."""
    from dataclasses import asdict

    from engine.policies.watches import watches

    with viewed(db) as views:
        rows = [asdict(each) for each in watches(views.log, views)]
    if json:
        print_json({"policies": rows})
        return
    if not rows:
        print("No pipeline yet: policies are declared in the definition of one (docs/policies.md)")
        return
    drawn = table("pipeline", "policy", "what it does", "in stages", "since")
    problems = [f"{row['policy']} of {row['pipeline']}: {row['problem']}" for row in rows if row["problem"]]
    for row in rows:
        stages = ", ".join(row["stages"]) or "-"
        since_then = moment(row["since"]) if row["since"] else "not yet run"
        drawn.add_row(row["pipeline"], row["policy"], row["says"], stages, since_then)
    console().print(drawn)
    for problem in problems:
        print(problem)


@app.command(epilog="Example: dealtrail policies activate raise_stalled --since 2026-01-01")
def activate(
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="Its name: dealtrail policies list.")],
    *,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="What was due before is left alone (now).")
    ] = None,
    pipeline: Annotated[
        str | None, typer.Option("--pipeline", metavar="KEY", help="Without it the only one.", show_default=False)
    ] = None,
    actor: Actor = "",
    db: Db = "",
) -> None:
    """Say from when on a policy looks at a pipeline. Without this, its first run says: from now on."""
    from pydantic import ValidationError

    from engine.aggregates.inputs import PersonRef
    from engine.aggregates.pipeline.commands import ActivatePolicy
    from engine.handle import handle

    with viewed(db) as views:
        views.catch_up()
        key = views.definitions.key(pipeline)
        try:
            command = ActivatePolicy.model_validate(
                {"pipeline": key, "policy": policy, "since": when("--since", since) or datetime.now(UTC)}
            )
        except ValidationError as error:
            known = error.errors()[0]["ctx"]["expected"]
            raise typer.BadParameter(f"POLICY: there is no policy {policy!r}; there are {known}") from None
        handle(views.log, command, actor=PersonRef(source="login", key=actor), origin="cli")
        print(f"{policy} looks at {key} since {moment(command.since or datetime.now(UTC))} UTC")


@app.command(epilog="Example: dealtrail policies run --once --dry-run --since 2026-01-01")
def run(
    *,
    once: Annotated[bool, typer.Option("--once", help="One round, then end.")] = False,
    every: Annotated[
        float, typer.Option("--every", metavar="SECONDS", help="Between two rounds.", min=0.1, max=86_400)
    ] = EVERY,
    now: Annotated[
        str | None, typer.Option("--now", metavar="TIME", help="Look from this moment, once.", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; write nothing.")] = False,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="TIME",
            help="Leave alone what was due before. Without it: the policy's first run, so that an old log is quiet.",
            show_default=False,
        ),
    ] = None,
    db: Db = "",
    json: Json = False,
) -> None:
    """Do what is due: alerts, follow-ups, tasks. Any number of these may run at once."""
    from engine.policies.run import run_once

    at, begin = when("--now", now), when("--since", since)
    if at is not None and not once:
        raise typer.BadParameter("--now is one moment: add --once")
    if dry_run and not once:
        raise typer.BadParameter("--dry-run does nothing again and again: add --once")
    if at is not None and at > datetime.now(UTC) and not dry_run:
        raise Rejected(f"--now {now} is in the future: nothing is recorded there; add --dry-run to see what would be")
    from engine.policies.watches import watches

    with opened(db) as log:
        views = views_over(log)
        while True:
            done = run_once(log, views, now=at, since=begin, dry_run=dry_run, tell=None if once else told)
            if once:
                break
            sleep(every)
        problems = [f"{each.policy} of {each.pipeline}: {each.problem}" for each in watches(log, views) if each.problem]
    if json:
        print_json(
            {
                "now": at or datetime.now(UTC),
                "dry_run": dry_run,
                "count": sum(each.what in ("done", "would") for each in done),
                "actions": [plain(each) for each in done],
                "problems": problems,
            }
        )
        return
    for each in done:
        told(each)
    print(summary(done, dry_run))
    for problem in problems:
        print(problem)


def when(option: str, text: str | None) -> datetime | None:
    """A moment on the command line; a date is its first in UTC."""
    from service.question import Unclear
    from service.question import moment as moment_of

    try:
        return moment_of(option, text, "UTC")
    except Unclear as error:
        raise typer.BadParameter("; ".join(f"{option}: {problem.why}" for problem in error.problems)) from None


def told(done: "Done") -> None:
    """One line as it happens."""
    why = f": {done.why}" if done.why else ""
    due = done.due
    print(f"{done.what}  {due.policy}  {due.journey}  {type(due.command).__name__}{why}", flush=True)


def summary(done: "list[Done]", dry_run: bool) -> str:
    counts = {what: sum(each.what == what for each in done) for what in ("done", "would", "known", "over", "refused")}
    said = {
        "done": f"{counts['done']:,} done",
        "would": f"{counts['would']:,} would be done",
        "known": f"{counts['known']:,} done by another process",
        "over": f"{counts['over']:,} over meanwhile",
        "refused": f"{counts['refused']:,} refused",
    }
    first = "would" if dry_run else "done"
    return ", ".join(said[what] for what in said if what == first or counts[what])


def plain(done: "Done") -> dict[str, Any]:
    due = done.due
    return {
        "policy": due.policy,
        "journey": due.journey,
        "on": due.on,
        "command": type(due.command).__name__,
        "with": due.command.model_dump(mode="json", exclude_none=True),
        "started_by": due.started_by,
        "what": done.what,
        "why": done.why,
    }
