"""The stages of the stories: somebody sells office furniture."""

from typing import Any

STAGES: dict[str, Any] = {
    "pipeline": "furniture",
    "name": {"en": "Furniture"},
    "qualified_from": "qualified",
    "stages": [
        {"key": "contact", "kind": "open", "stall": {"idle_days": 7}},
        {"key": "qualified", "kind": "open", "enter": {"bant_confirmed": {"at_least": 2}}, "stall": {"idle_days": 7}},
        {"key": "proposal", "kind": "open", "enter": {"event": "ProposalSent"}, "stall": {"idle_days": 14}},
        {"key": "won", "kind": "won", "enter": {"event": "DealWon"}},
        {"key": "lost", "kind": "lost", "enter": {"any": [{"event": "DealLost"}, {"event": "LeadDisqualified"}]}},
    ],
}


def euros(amount: int) -> dict[str, Any]:
    return {"amount_minor": amount * 100, "currency": "EUR"}
