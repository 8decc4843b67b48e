"""What was asked for is withdrawn when its reason is over: whoever has less to do sees what is left to be done."""

from typing import TYPE_CHECKING
from uuid import UUID

from engine.aggregates.journey.commands import WithdrawFollowUp
from engine.policies.due import Due, Policy, Since, one_id
from engine.projections.pointless import has_follow_ups, pointless

if TYPE_CHECKING:
    from engine.projections.look import Look

NAME = "withdraw_pointless"


def due(look: "Look", since: Since) -> list[Due]:
    return [
        Due(
            NAME,
            over.journey,
            over.stream,
            WithdrawFollowUp(follow_up_id=over.follow_up, reason=over.why, seen=look.position),
            one_id(NAME, over.follow_up, over.because),
            over.because,
        )
        for over in pointless(look, since, asked_because)
    ]


def asked_because(policy: str, journey: UUID, because: UUID) -> UUID:
    """The follow-up that the policy asks for because of an event."""
    return one_id(policy, journey, because)


# Everywhere: people plan steps too, and a journey may close where its definition asks for nothing.
WITHDRAW_POINTLESS = Policy(
    NAME,
    "withdraws follow-ups whose reason is over",
    due,
    declared=lambda _definition, _stage: True,
    wanted=has_follow_ups,
)
