"""A test delivery: one attempt, at once, told to who asked; nothing is kept of it, and nothing is tried again."""

from uuid import UUID, uuid4

from engine.log.application import Log
from service.notices.cloud_event import CONTENT_TYPE, test_event
from service.notices.posting import Answer, Poster
from service.notices.sender import now
from service.notices.signing import signed
from service.notices.webhooks import get, secrets_of


async def try_out(log: Log, poster: Poster, webhook_id: UUID) -> Answer:
    """What the receiver answers; NotFound where there is no such webhook."""
    webhook, event_id, at = get(log, webhook_id), uuid4(), now()
    with log.engine.connect() as connection:
        secrets = secrets_of(connection, webhook_id)
    body = test_event(log.log_id, event_id, at)
    headers = signed(secrets, str(event_id), at, body) | {"Content-Type": CONTENT_TYPE}
    return await poster.post(webhook.url, headers, body)
