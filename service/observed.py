"""What metrics tell of the database: the same whichever process is asked, and nothing of it while it is away."""

from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from engine.log.application import Log
from service.notices.webhooks import Webhook, every


@dataclass(frozen=True, slots=True)
class Observed:
    position: int
    webhooks: Sequence[Webhook]


def observed(log: Log) -> Observed:
    return Observed(log.position(), every(log))


def exposed(found: Observed | None) -> bytes:
    """The text format of Prometheus. Without what was found: that the database does not answer, and no old figure."""
    told = CollectorRegistry()
    Gauge("dealtrail_database_up", "Whether the database answered this scrape", registry=told).set(found is not None)
    if found is not None:
        Gauge("dealtrail_log_position", "Position of the last event", registry=told).set(found.position)
        behind, waiting, parked = (
            Gauge(f"dealtrail_webhook_{name}", says, ["webhook"], registry=told)
            for name, says in (
                ("behind", "Positions not looked at yet"),
                ("waiting", "Notices to be tried again"),
                ("parked", "Notices that were given up"),
            )
        )
        for webhook in found.webhooks:
            name = str(webhook.webhook_id)
            behind.labels(name).set(found.position - webhook.position)
            waiting.labels(name).set(webhook.waiting)
            parked.labels(name).set(webhook.parked)
    return generate_latest(told)
