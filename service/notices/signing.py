"""Signatures as Standard Webhooks has them: HMAC-SHA256 over id, time and body, by each secret in force.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

PREFIX = "whsec_"
BYTES = 32


@dataclass(frozen=True, slots=True)
class Secret:
    """One of a webhook's secrets; times in microseconds."""

    text: str
    ends_at: int | None = None
    """None: until another takes its place"""

    def in_force(self, now: int) -> bool:
        return self.ends_at is None or now < self.ends_at


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(BYTES)).decode()


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    told = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(told).decode()}"


def signed(keys: Sequence[Secret], message_id: str, now: int, body: bytes) -> dict[str, str]:
    """The three headers; one signature for each secret in force at now (microseconds)."""
    timestamp = now // 1_000_000
    signatures = [signature(key.text, message_id, timestamp, body) for key in keys if key.in_force(now)]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }
