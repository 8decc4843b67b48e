"""Permanent ids of what other systems tell: the same file gives the same streams and events, for ever.

A published id scheme is never changed: it would import every history a second time.
"""

from hashlib import sha1
from uuid import UUID

HISTORIES = UUID("b7b3a0c4-4d0e-5d59-9f0b-6a2f1c0f6e35")


def uuid5_hex(namespace: bytes, name: str) -> str:
    """uuid.uuid5(namespace, name).hex, some times faster."""
    digest = sha1(namespace + name.encode(), usedforsecurity=False).hexdigest()
    return f"{digest[:12]}5{digest[13:16]}{'89ab'[int(digest[16], 16) & 3]}{digest[17:32]}"


def stream_hex(source: str, side: str, key: str) -> str:
    """The stream of a source's lead or deal."""
    return uuid5_hex(HISTORIES.bytes, f"{source}\n{side}\n{key}")


def revision_hex(stream: str, fact: str, revision: int) -> str:
    """The event of a fact as first told (revision 1) or as corrected later (2, 3, ...)."""
    return uuid5_hex(bytes.fromhex(stream), fact if revision == 1 else f"{fact}\nrevision {revision}")


def retraction_hex(event: str) -> str:
    """The correction that takes an imported event back."""
    return uuid5_hex(bytes.fromhex(event), "retracted by import")


def thing_hex(stream: str, field: str, key: str) -> str:
    """A proposal or follow-up, by its id in the source system or by the event that began it."""
    return uuid5_hex(bytes.fromhex(stream), f"{field}\n{key}")
