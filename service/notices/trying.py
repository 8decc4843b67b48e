"""A test delivery: one attempt, at once, told to who asked; nothing is kept of it, and nothing is tried again."""

import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

from engine.log.application import Log
from service.notices.cloud_event import CONTENT_TYPE, test_event
from service.notices.kept_secrets import secrets_of, unsealed
from service.notices.posting import Answer, Poster
from service.notices.sender import now
from service.notices.signing import Secret, signed
from service.notices.webhooks import get


async def try_out(log: Log, poster: Poster, webhook_id: UUID) -> Answer:
    """What the receiver answers; NotFound where there is no such webhook."""
    url, secrets = await asyncio.to_thread(looked_up, log, webhook_id)
    event_id, at = uuid4(), now()
    body = test_event(log.log_id, event_id, at)
    headers = signed(secrets, str(event_id), at, body) | {"Content-Type": CONTENT_TYPE}
    return await poster.post(url, headers, body)


def looked_up(log: Log, webhook_id: UUID) -> tuple[str, Sequence[Secret]]:
    webhook = get(log, webhook_id)
    with log.engine.connect() as connection:
        return webhook.url, unsealed(log.url, secrets_of(connection, webhook_id))
