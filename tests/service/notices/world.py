"""A log to tell of, and senders that are quick to try again."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from engine.aggregates.deal.commands import OpenDeal
from engine.aggregates.inputs import PersonRef
from engine.aggregates.journey.commands import Touch
from engine.handle import handle
from engine.log.application import Log
from engine.values import TouchKind
from service.notices import webhooks
from service.notices.addresses import networks
from service.notices.backoff import Backoff
from service.notices.changes import new_change
from service.notices.posting import Poster
from service.notices.sender import Sending
from service.notices.senders import Senders, send
from service.notices.wanted import Wanted
from service.notices.webhooks import Webhook
from tests.policies.stories import Story, stage

LOOPBACK = networks("127.0.0.1 ::1")
QUICK = Sending(
    Poster(LOOPBACK, seconds=0.5),
    Backoff(first=0.02, factor=1.5, most=0.2, cautious_after=10**9),
    look_seconds=0.05,
)
REP = PersonRef(source="crm", key="rep-01", name="Somebody", email="somebody@example.com")


def told(log: Log, deals: int, entries: int = 3) -> list[UUID]:
    """So many deals with so many entries each, taking turns."""
    story = Story(log, {"stages": [stage()]})
    ids = [story.do(OpenDeal(pipeline="sales", owner=REP, title="Coffee for the Smiths"), at=0) for _ in range(deals)]
    for _ in range(entries - 1):
        for deal in ids:
            handle(log, Touch(kind=TouchKind.CALL, note="she is on leave"), actor=REP, origin="cli", on=deal)
    return ids


def hooked(log: Log, url: str, after: int = 0, **wanted: Any) -> tuple[Webhook, str]:
    """A new webhook and its secret; of all history unless told otherwise."""
    return webhooks.add(log, new_change(uuid4()), url, Wanted.model_validate(wanted), after=after, inside=LOOPBACK)


@contextmanager
def sending(log: Log, how: Sending = QUICK) -> Iterator[None]:
    senders = Senders(log, how)
    senders.start()
    try:
        yield
    finally:
        senders.close()


def send_all(log: Log, how: Sending = QUICK) -> None:
    """What can be sent now."""
    asyncio.run(send(log, how, asyncio.Event(), until_idle=True))


def with_backoff(how: Sending = QUICK, **changes: Any) -> Sending:
    return replace(how, backoff=replace(how.backoff, **changes))


def in_background(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread
