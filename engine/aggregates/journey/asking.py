"""May a policy ask for a follow-up, withdraw one, or hand a journey over? It decided on views that may lag.

What came since may have ended its reason: then there is nothing to do, and the next round looks again.
"""

from uuid import UUID

from engine.aggregates.context import Context
from engine.aggregates.journey.commands import AskFollowUp, WithdrawFollowUp
from engine.aggregates.journey.state import Journey
from engine.aggregates.journey.vocabulary import Vocabulary
from engine.entries import FollowUpCancelled
from engine.messages import Event


def ask(journey: Journey, command: AskFollowUp, context: Context, words: Vocabulary) -> list[Event]:
    if command.follow_up_id in journey.follow_ups:
        return []
    return [
        words.FollowUpScheduled(
            follow_up_id=command.follow_up_id,
            kind=command.kind,
            # It may have been found due some time ago, by a clock that was behind.
            due_at=max(command.due_at, context.occurred_at),
            owner=None if command.owner is None else context.person(command.owner, "rep"),
            note=None if command.note is None else context.text(command.note),
        )
    ]


def withdraw(journey: Journey, command: WithdrawFollowUp, words: Vocabulary) -> list[Event]:
    known = journey.follow_ups.get(command.follow_up_id)
    if known is None or known.status != "open":
        return []
    return [words.FollowUpCancelled(follow_up_id=command.follow_up_id, reason=command.reason)]


def was_withdrawn(journey: Journey, follow_up_id: UUID, context: Context) -> bool:
    """Whether a policy ended it: who says then that it was done (the call is on record, say) is right all the same."""
    known = journey.follow_ups.get(follow_up_id)
    return (
        known is not None
        and known.status == "cancelled"
        and any(
            entry.by_policy and isinstance(entry.event, FollowUpCancelled) and entry.event.follow_up_id == follow_up_id
            for entry in context.entries
        )
    )


def outdated(seen: int, context: Context) -> bool:
    """Whether a person, the customer or another system did something that the policy has not seen."""
    return any(entry.position > seen and not entry.by_policy for entry in context.entries)
