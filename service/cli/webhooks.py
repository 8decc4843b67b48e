"""dealtrail webhooks: who is told of which events over HTTP, and how that goes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli import exits
from service.cli.as_json import print_json
from service.cli.opening import opened
from service.cli.options import Actor, Db, Json
from service.cli.terminal import console, table

if TYPE_CHECKING:
    from uuid import UUID

    from engine.log.application import Log
    from service.notices.changes import Change
    from service.notices.posting import Answer
    from service.notices.wanted import Wanted
    from service.notices.webhooks import Webhook

app = typer.Typer(
    help="Tell others of events over HTTP: signed, in order, at least once (docs/webhooks.md).", no_args_is_help=True
)

Named = Annotated[str, typer.Argument(metavar="WEBHOOK", help="Its id, or the first digits of it.")]


@app.command(epilog="Example: dealtrail webhooks add https://example.com/hooks --type deal.won --type 'lead.*'")
def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where to post: https://...")],
    *,
    types: Annotated[
        list[str], typer.Option("--type", metavar="TYPE", help="deal.won, or deal.*; again for more; without: all.")
    ] = [],  # noqa: B006 (Typer's way to say: none)
    pipelines: Annotated[
        list[str], typer.Option("--pipeline", metavar="KEY", help="Events of this pipeline alone; again for more.")
    ] = [],  # noqa: B006
    origins: Annotated[
        list[str],
        typer.Option("--origin", metavar="ORIGIN", help="api, cli, 'policy:*'; without: all but imports."),
    ] = [],  # noqa: B006
    after: Annotated[
        int | None,
        typer.Option("--after", metavar="POSITION", min=0, help="Begin behind it (0: all history); without: from now."),
    ] = None,
    actor: Actor = "",
    db: Db = "",
    json: Json = False,
) -> None:
    """Add one and show its secret, which signs what is sent."""
    from pydantic import ValidationError

    from engine.wording import wording
    from service.notices import webhooks
    from service.notices.addresses import networks
    from service.notices.wanted import Wanted
    from service.settings import Serving

    try:
        wanted = Wanted.model_validate({"types": types, "pipelines": pipelines, "origins": origins})
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        option = f"--{str(wrong['loc'][0]).removesuffix('s')}"
        raise typer.BadParameter(wording(wrong), param_hint=option) from None
    inside = networks(Serving.from_environment().webhook_networks)
    with changed(db, actor) as (log, change):
        made, secret = webhooks.add(log, change, url, wanted, after=after, inside=inside)
    if json:
        print_json({**plain(made), "secret": secret})
        return
    print(made.webhook_id)
    print(f"Its secret: {secret}")
    typer.echo("`dealtrail serve` sends to it, or `dealtrail webhooks send`; try it: dealtrail webhooks test", err=True)


@app.command("list", epilog="Example: dealtrail webhooks list --json")
def list_all(db: Db = "", json: Json = False) -> None:
    """All of them, and how each is doing."""
    from service.notices import webhooks

    with opened(db) as log:
        found, last = webhooks.every(log), log.position()
    if json:
        print_json({"webhooks": [plain(each) for each in found], "position": last})
        return
    if not found:
        print("No webhook yet: dealtrail webhooks add https://... makes one")
        return
    numbers = ("behind", "waiting", "parked")
    drawn = table("webhook", "url", "events", *numbers, "state", right=numbers)
    for each in found:
        counts = (f"{last - each.position:,}", f"{each.waiting:,}", f"{each.parked:,}")
        drawn.add_row(each.webhook_id.hex[:8], each.url, chosen(each.wanted), *counts, state(each))
    console().print(drawn)


@app.command(epilog="Example: dealtrail webhooks show 3f9a12cc")
def show(webhook: Named, db: Db = "", json: Json = False) -> None:
    """One of them, whole."""
    from service.notices import webhooks

    with opened(db) as log:
        found = webhooks.find(log, webhook)
    if json:
        print_json(plain(found))
        return
    for name, value in plain(found).items():
        print(f"{name:15} {', '.join(value) if isinstance(value, list) else '-' if value is None else value}")


@app.command(epilog="Example: dealtrail webhooks rotate 3f9a12cc --hours 48")
def rotate(
    webhook: Named,
    *,
    hours: Annotated[
        float, typer.Option("--hours", metavar="N", min=0, max=8_760, help="How long the old one still signs too.")
    ] = 24.0,
    actor: Actor = "",
    db: Db = "",
    json: Json = False,
) -> None:
    """Give it a new secret; for a while notices are signed with both."""
    from service.notices import webhooks

    with changed(db, actor) as (log, change):
        found, secret = webhooks.rotate(log, change, webhooks.find(log, webhook).webhook_id, hours=hours)
    if json:
        print_json({**plain(found), "secret": secret})
        return
    print(f"Its new secret: {secret}")


@app.command("test", epilog="Example: dealtrail webhooks test 3f9a12cc")
def try_out(webhook: Named, db: Db = "", json: Json = False) -> None:
    """Send one test delivery now and say what was answered; exit code 1 when it was not accepted."""
    import asyncio

    from service.notices.sender import Sending
    from service.notices.trying import try_out as attempt
    from service.notices.webhooks import find
    from service.settings import Serving

    with opened(db) as log:
        poster = Sending.of(Serving.from_environment()).poster
        answer = asyncio.run(attempt(log, poster, find(log, webhook).webhook_id))
    if json:
        print_json(plain_answer(answer))
    else:
        print(f"{answer.problem or f'accepted with {answer.status}'}, after {answer.seconds * 1000:,.0f} ms")
    if not answer.accepted:
        raise typer.Exit(exits.FOUND)


@app.command(epilog="Example: dealtrail webhooks pause 3f9a12cc --reason 'they are moving house'")
def pause(
    webhook: Named,
    reason: Annotated[str, typer.Option("--reason", metavar="WORDS", help="Why.")],
    actor: Actor = "",
    db: Db = "",
    json: Json = False,
) -> None:
    """Send it nothing until it is resumed; it misses nothing."""
    from service.notices import webhooks

    act(db, actor, webhook, json, lambda log, change, known: webhooks.pause(log, change, known, reason))


@app.command(epilog="Example: dealtrail webhooks resume 3f9a12cc")
def resume(webhook: Named, actor: Actor = "", db: Db = "", json: Json = False) -> None:
    """Go on where it was paused."""
    from service.notices import webhooks

    act(db, actor, webhook, json, webhooks.resume)


@app.command(epilog="Example: dealtrail webhooks remove 3f9a12cc")
def remove(webhook: Named, actor: Actor = "", db: Db = "") -> None:
    """Remove it, with all it had still to be told."""
    from service.notices import webhooks

    with changed(db, actor) as (log, change):
        found = webhooks.find(log, webhook)
        webhooks.remove(log, change, found.webhook_id)
    print(f"removed: {found.webhook_id}, with {found.waiting:,} waiting and {found.parked:,} parked notices")


@contextmanager
def changed(db: str, actor: str) -> "Iterator[tuple[Log, Change]]":
    from engine.log.people import ensure_people
    from service.notices.changes import new_change

    with opened(db) as log:
        who = ensure_people(log, [("actor", "login", actor)])["login", actor]
        yield log, new_change(who.person_id)


def act(db: str, actor: str, webhook: str, json: bool, do: "Callable[[Log, Change, UUID], Webhook]") -> None:
    """One of the changes, and how the webhook is then."""
    from service.notices.webhooks import find

    with changed(db, actor) as (log, change):
        found = do(log, change, find(log, webhook).webhook_id)
    if json:
        print_json(plain(found))
    else:
        print(f"{found.webhook_id}: {state(found)}, {found.waiting:,} waiting, {found.parked:,} parked")


def chosen(wanted: "Wanted") -> str:
    """Which events, as they were asked for."""
    named = (("", wanted.types), ("pipeline ", wanted.pipelines), ("origin ", wanted.origins))
    return "; ".join(name + ", ".join(values) for name, values in named if values) or "all but imports"


def state(webhook: "Webhook") -> str:
    if webhook.paused_at is not None:
        return f"paused: {webhook.paused_because}"
    return f"{webhook.failures:,} failures in a row: {webhook.problem}" if webhook.failures else "sending"


def plain(webhook: "Webhook") -> dict[str, Any]:
    told: dict[str, Any] = {name: getattr(webhook, name) for name in webhook.__slots__ if name != "wanted"}
    return told | {name: list(getattr(webhook.wanted, name)) for name in type(webhook.wanted).model_fields}


def plain_answer(answer: "Answer") -> dict[str, Any]:
    return {"accepted": answer.accepted, "status": answer.status, "problem": answer.problem, "seconds": answer.seconds}
