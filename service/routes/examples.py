"""A body for every command, as the documentation shows it: of the pipeline that `make serve` serves."""

from collections.abc import Mapping
from typing import Any, Final

LEAD: Final = "6f1c9d0e-3b7a-4c58-9e2d-5a8b7c6d4e3f"
ENTRY: Final = "0b9e8a7c-5d4f-4e3a-8b2c-1d0f9e8a7b6c"
PROPOSAL: Final = "c3a5e7f9-1b2d-4f6a-8c9e-0d1f2a3b4c5d"
FOLLOW_UP: Final = "a1b2c3d4-e5f6-4a7b-8c9d-0e1f2a3b4c5d"
DRAFT: Final = "d4c3b2a1-f6e5-4b7a-9d8c-5d4c3b2a1f0e"
REP: Final = {"source": "crm", "key": "rep-03"}
ACCEPTED: Final[dict[str, Any]] = {
    "stream_id": LEAD,
    "version": 1,
    "position": 1667,
    "events": [
        {"event_id": ENTRY, "stream_id": LEAD, "type": "lead.captured.v1", "version": 1, "position": 1667},
    ],
}
"""what comes of one"""
STAGES: Final = {
    "pipeline": "office-coffee",
    "name": {"en": "Office coffee"},
    "qualified_from": "qualification",
    "stages": [
        {"key": "contact", "kind": "open", "name": {"en": "First contact"}, "stall": {"idle_days": 7}},
        {"key": "qualification", "kind": "open", "enter": {"bant_confirmed": {"at_least": 3}}},
        {"key": "tasting", "kind": "open", "enter": {"touch": {"kind": ["meeting", "demo", "visit"]}}},
        {"key": "proposal", "kind": "open", "enter": {"event": "ProposalSent"}},
        {"key": "won", "kind": "won", "enter": {"event": "DealWon"}},
        {"key": "lost", "kind": "lost", "enter": {"any": [{"event": "DealLost"}, {"event": "LeadDisqualified"}]}},
    ],
}


def euros(minor: int) -> dict[str, Any]:
    return {"amount_minor": minor, "currency": "EUR"}


def machine(name: str) -> list[dict[str, str]]:
    return [{"name": "machine", "value": name}]


NAMED: Final[Mapping[str, str]] = {
    "journey": "C-004",
    "lead": "C-002",
    "deal": "C-007",
    "pipeline": "office-coffee",
    "rep": "rep-03",
    "target": DRAFT,
    "person": "rep-03",
    "webhook": DRAFT,
    "Idempotency-Key": "7a0c5f0e-2f6b-4b1e-9a57-0d8c3e6b1f42",
    "If-Match": '"12"',
}
"""path parameters and headers, by name"""
OFFER: Final = [
    {"name": "all in", "price": euros(936_000)},
    {
        "name": "machines",
        "price": euros(780_000),
        "lines": [{"item": "Barista", "quantity": 2, "price": euros(390_000)}],
    },
]

BODIES: Final[Mapping[str, dict[str, Any]]] = {
    "capture_lead": {
        "pipeline": "office-coffee",
        "record": {"source": "shop", "key": "L-1042"},
        "title": "Coffee for 84 desks",
        "person": {"source": "shop", "key": "customer-77"},
        "source": "website",
        "channel": "web",
        "value": euros(780_000),
        "attributes": machine("Barista"),
    },
    "qualify_lead": {},
    "disqualify_lead": {"reason": "no budget", "comment": "asks again next year"},
    "convert_lead": {"expected_close": "2026-09-30"},
    "merge_lead": {"into": LEAD},
    "reopen_lead": {"stage": "contact", "reason": "called back"},
    "open_deal": {
        "pipeline": "office-coffee",
        "record": {"source": "shop", "key": "D-2042"},
        "title": "A machine for the branch",
        "person": {"source": "shop", "key": "customer-77"},
        "source": "referral",
        "value": euros(390_000),
        "expected_close": "2026-09-30",
        "attributes": machine("Espresso"),
    },
    "send_proposal": {"proposal_id": PROPOSAL, "options": OFFER, "expires_at": "2099-09-15T17:00:00Z"},
    "revise_proposal": {"proposal_id": PROPOSAL, "options": [{"name": "machines", "price": euros(468_000)}]},
    "accept_proposal": {"proposal_id": PROPOSAL, "option": "machines"},
    "decline_proposal": {"proposal_id": PROPOSAL, "reason": "too dear"},
    "expire_proposal": {"proposal_id": PROPOSAL},
    "move_stage": {"stage": "tasting", "reason": "wants to taste the other machine"},
    "change_pipeline": {"pipeline": "service-contracts", "stage": "contact", "reason": "wants service alone"},
    "change_value": {"value": euros(468_000)},
    "change_expected_close": {"expected_close": "2026-10-31"},
    "win_deal": {"evidence": "signed order, kept with the contracts", "value": euros(468_000)},
    "lose_deal": {"reason": "price", "comment": "bought elsewhere"},
    "reopen_deal": {"stage": "proposal", "reason": "the other supplier can't deliver"},
    "record_payment": {"amount": euros(468_000)},
    "record_delivery": {},
    "record_satisfaction": {"score": 9, "comment": "on time"},
    "merge_deal": {"into": LEAD},
    "touch": {
        "kind": "call",
        "direction": "outbound",
        "note": "asked for an offer",
        "occurred_at": "2026-07-12T09:30Z",
    },
    "assess_bant": {"dimension": "budget", "verdict": "confirmed", "evidence": "approved for this year"},
    "record_signal": {"signal": "demo requested"},
    "set_score": {"fit": 54, "engagement": 16},
    "assign_owner": {"owner": REP},
    "set_attributes": {"attributes": machine("Barista")},
    "add_note": {"note": "prefers mornings"},
    "schedule_follow_up": {"follow_up_id": FOLLOW_UP, "kind": "call", "due_at": "2099-07-20T09:00:00Z", "owner": REP},
    "complete_follow_up": {"follow_up_id": FOLLOW_UP, "outcome": "reached"},
    "snooze_follow_up": {"follow_up_id": FOLLOW_UP, "until": "2099-08-01T09:00:00Z", "reason": "on leave until then"},
    "cancel_follow_up": {"follow_up_id": FOLLOW_UP, "reason": "they called us"},
    "retract_entry": {"event_id": ENTRY, "reason": "entered on the wrong deal"},
    "create_pipeline": {"pipeline": "office-coffee", "name": "Office coffee"},
    "draft_definition": {"definition": STAGES, "note": "without negotiation"},
    "discard_draft": {"draft_id": DRAFT},
    "publish_definition": {"definition": STAGES, "reason": "negotiation is part of the proposal"},
    "activate_policy": {"policy": "raise_stalled", "since": "2026-07-01T00:00:00Z"},
    "roll_back": {"to": 1, "reason": "the old stages were better"},
    "enrol_rep": {"rep": REP, "team": "north", "region": "Bergen"},
    "move_rep": {"team": "south", "region": "Oslo"},
    "record_rep_left": {},
    "set_target": {"rep": REP, "period": "2026-Q3", "pipeline": "office-coffee", "value": euros(10_000_000)},
    "revise_target": {"value": euros(12_000_000), "reason": "two more machines to sell"},
    "withdraw_target": {"reason": "on leave that quarter"},
}
"""of commands, by operation id"""
OTHERS: Final[Mapping[str, dict[str, Any]]] = {
    "preview_definition": {"definition": STAGES},
    "add_webhook": {"url": "https://example.com/hooks", "wanted": {"types": ["deal.won", "deal.lost"]}},
    "rotate_webhook": {"hours": 24},
    "pause_webhook": {"reason": "they move their servers"},
    "resume_webhook": {},
    "retry_parked": {"position": 1667},
    "replay_webhook": {"after": 1600},
    "test_webhook": {},
    "correct_person": {"name": "Sales desk north", "email": "north@example.com", "phone": None},
}
"""of what else has a body, by operation id"""
