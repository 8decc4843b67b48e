"""dealtrail webhooks parked, retry, replay, send: what was not delivered, and sending. Commands of webhooks.app."""

from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.as_json import print_json
from service.cli.opening import opened
from service.cli.options import Actor, Db, Json
from service.cli.terminal import console, moment, table
from service.cli.webhooks import Named, act

if TYPE_CHECKING:
    from engine.log.application import Log
    from service.notices.posting import Answer


def parked(
    webhook: Named,
    *,
    after: Annotated[int, typer.Option("--after", metavar="POSITION", min=0, help="Those behind it.")] = 0,
    db: Db = "",
    json: Json = False,
) -> None:
    """What was given up, and why; at most 500 at a time."""
    from service.notices.parked import parked as of
    from service.notices.webhooks import find

    with opened(db) as log:
        found = of(log, find(log, webhook).webhook_id, after=after)
    if json:
        print_json({"parked": [{name: getattr(each, name) for name in each.__slots__} for each in found]})
        return
    drawn = table("position", "type", "journey", "parked", "attempts", "why", right=("position", "attempts"))
    for each in found:
        drawn.add_row(
            str(each.position),
            each.type,
            str(each.journey),
            moment(each.parked_at),
            str(each.attempts),
            each.problem or "",
        )
    console().print(drawn)


def retry(
    webhook: Named,
    position: Annotated[
        int | None, typer.Option("--position", metavar="N", min=1, help="This one alone; without: all that is parked.")
    ] = None,
    actor: Actor = "",
    db: Db = "",
    json: Json = False,
) -> None:
    """Try again what was given up."""
    from service.notices import parked

    act(db, actor, webhook, json, lambda log, change, known: parked.retry(log, change, known, position))


def replay(
    webhook: Named,
    after: Annotated[int, typer.Option("--after", metavar="POSITION", min=0, help="0: everything there ever was.")],
    actor: Actor = "",
    db: Db = "",
    json: Json = False,
) -> None:
    """Send everything behind a position of the log again, with the ids it had."""
    from service.notices import parked

    act(db, actor, webhook, json, lambda log, change, known: parked.replay(log, change, known, after))


def send(
    *,
    once: Annotated[bool, typer.Option("--once", help="What can be sent now, then end.")] = False,
    db: Db = "",
) -> None:
    """Send, without the service; any number of these may run at once."""
    import asyncio
    import signal

    from service.notices.sender import Sending
    from service.notices.senders import send as sending
    from service.settings import Serving

    sent = {"accepted": 0, "not accepted": 0}

    def told(answer: "Answer") -> None:
        sent["accepted" if answer.accepted else "not accepted"] += 1

    async def main(log: "Log") -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await sending(log, Sending.of(Serving.from_environment(), told), stop, until_idle=once)

    with opened(db) as log:
        asyncio.run(main(log))
    print(", ".join(f"{count:,} {what}" for what, count in sent.items()))
