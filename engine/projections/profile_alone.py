"""What the entries of one journey say whatever its stages: a row of derive_profiles, worked out entry by entry."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from engine.projections.alone import DIMENSIONS, Alone, Entry, Side, Words
from engine.stages.criteria_polars import CODE
from engine.stages.facts import VALUED

ENDED = (CODE["FollowUpCompleted"], CODE["FollowUpCancelled"])
SNOOZED, SCHEDULED = CODE["FollowUpSnoozed"], CODE["FollowUpScheduled"]
MERGED = ("LeadMerged", "DealMerged")


def profile(journey: Alone, words: Words) -> dict[str, Any]:
    """The row by column; the journey has entries."""
    entries, fold = journey.entries, journey.life.entries
    active = [entry for entry in entries if not entry.policy]
    touches = [entry.occurred_at for entry in entries if entry.kind == "Touched"]
    worth = [fact for fact in fold if fact.kind in VALUED and fact.amount_minor is not None]
    scored = [fact for fact in fold if fact.kind == "Scored"]
    verdicts = {fact.dimension: fact.verdict for fact in fold if fact.kind == "BantAssessed"}
    merged = [entry.occurred_at for entry in entries if entry.kind in MERGED]
    return {
        "journey": journey.journey,
        "opened_at": entries[0].occurred_at,
        "last_activity_at": active[-1].occurred_at if active else entries[0].occurred_at,
        "last_activity_position": active[-1].position if active else None,
        "touches": len(touches),
        "first_touch_at": touches[0] if touches else None,
        "last_touch_at": touches[-1] if touches else None,
        "amount_minor": worth[-1].amount_minor if worth else None,
        "currency": worth[-1].currency if worth else None,
        "owner": owner(journey, words),
        **opened(journey.sides["openings"], journey.sides["closes"]),
        "fit": newest(fact.fit for fact in scored),
        "engagement": newest(fact.engagement for fact in scored),
        **next_action(journey.sides["follow_ups"]),
        **alarms(journey.sides["stalls"]),
        "merged_at": merged[-1] if merged else None,
        **{dimension: verdicts.get(dimension, "unknown") for dimension in DIMENSIONS},
        **clock(active, journey.sides["follow_ups"]),
    }


def newest(values: Iterable[Any]) -> Any:
    """The last that is known."""
    return next((value for value in reversed(list(values)) if value is not None), None)


def owner(journey: Alone, words: Words) -> str | None:
    """Who was assigned last, or named at an opening."""
    told = {entry.position: entry.code for entry in journey.entries if entry.kind == "OwnerAssigned"}
    told |= {row["position"]: row["owner"] for row in journey.sides["openings"] if row["owner"] is not None}
    codes = [told[entry.position] for entry in journey.entries if entry.position in told]
    return words.people[codes[-1]] if codes and codes[-1] >= 0 else None


def opened(openings: Sequence[Side], closes: Sequence[Side]) -> dict[str, Any]:
    """The stream that takes new entries; source and channel as first told; title and expected close as last told."""
    dates = sorted([*openings, *closes], key=lambda row: (row["occurred_at"], row["position"]))
    close = newest(row["expected_close"] for row in dates)
    return {
        "stream": newest(row["stream"] for row in openings),
        "source": newest(row["source"] for row in reversed(openings)),
        "channel": newest(row["channel"] for row in reversed(openings)),
        "title": newest(row["title"] for row in openings),
        "expected_close": None if close is None else date.fromisoformat(close),
    }


def next_action(follow_ups: Sequence[Side]) -> dict[str, Any]:
    """When the earliest open follow-up is due; until when it sleeps, and its newest snooze; step_position: from where
    on in the log something may have ended the reason of one (0: one was put off).
    """
    last_words = {row["follow_up"]: row for row in follow_ups}
    due = [row for row in last_words.values() if row["kind"] not in ENDED]
    snoozed = sorted(
        (row for row in due if row["kind"] == SNOOZED), key=lambda row: (row["occurred_at"], row["position"])
    )
    return {
        "next_action_at": min((row["due_at"] for row in due), default=None),
        "step_position": min((row["position"] if row["kind"] == SCHEDULED else 0 for row in due), default=None),
        "snoozed_until": max((row["due_at"] for row in snoozed), default=None),
        "snoozed_at": snoozed[-1]["occurred_at"] if snoozed else None,
        "snoozed_position": snoozed[-1]["position"] if snoozed else None,
    }


def alarms(stalls: Sequence[Side]) -> dict[str, Any]:
    """The alerts it had: by the event_id that started each episode; and where the newest stands."""
    return {
        "alerted": [row["started_by"] for row in stalls] or None,
        "alerted_position": max((row["position"] for row in stalls), default=None),
    }


def clock(active: Sequence[Entry], follow_ups: Sequence[Side]) -> dict[str, Any]:
    """The newest activity that starts the stall's clocks: no policy's; where there are snoozes, none of them either."""
    if any(row["kind"] == SNOOZED for row in follow_ups):
        active = [entry for entry in active if entry.kind not in ("FollowUpSnoozed", "Stalled")]
    return {
        "active_at": active[-1].occurred_at if active else None,
        "active_position": active[-1].position if active else None,
    }
