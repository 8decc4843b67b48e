"""An event as others get it: CloudEvents 1.0, structured JSON, without a name or free text, which events never hold.

Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md, and its extensions partitioning, sequence
and recorded time.
"""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from engine.values import rfc3339

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"


def source_of(log_id: UUID) -> str:
    return f"urn:dealtrail:log:{log_id}"


def cloud_event(log_id: UUID, row: Mapping[str, Any], journey: UUID) -> bytes:
    """The body for a row of the feed (engine.log.feed): the same bytes each time it is made."""
    told = {
        "specversion": "1.0",
        "id": str(UUID(hex=row["event_id"])),
        "source": source_of(log_id),
        "type": row["type"],
        "subject": str(UUID(hex=row["stream_id"])),
        "time": rfc3339(row["occurred_at"]),
        "datacontenttype": "application/json",
        "partitionkey": str(journey),
        # As text sorts: the place in the whole log.
        "sequence": f"{row['position']:020}",
        "recordedtime": rfc3339(row["recorded_at"]),
        "streamversion": row["version"],
        "actor": str(UUID(hex=row["actor"])),
        "origin": row["origin"],
        "data": json.loads(row["payload"]),
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def test_event(log_id: UUID, event_id: UUID, now: int) -> bytes:
    """What a test delivery says; its type is of no event."""
    told = {
        "specversion": "1.0",
        "id": str(event_id),
        "source": source_of(log_id),
        "type": "dealtrail.test",
        "time": rfc3339(now),
        "datacontenttype": "application/json",
        "data": {"says": "a test delivery, asked for by hand"},
    }
    return json.dumps(told, separators=(",", ":")).encode()
