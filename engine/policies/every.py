"""All policies, in the order they are run."""

from typing import Final

from engine.policies.answer_signals import ANSWER_SIGNALS
from engine.policies.climb_ladder import CLIMB_LADDER
from engine.policies.due import Policy
from engine.policies.expire_proposals import EXPIRE_PROPOSALS
from engine.policies.hand_over import HAND_OVER
from engine.policies.raise_stalled import RAISE_STALLED
from engine.policies.stage_tasks import STAGE_TASKS
from engine.policies.withdraw_pointless import WITHDRAW_POINTLESS

POLICIES: Final[tuple[Policy, ...]] = (
    # First, so that what a round asks for stands alone.
    WITHDRAW_POINTLESS,
    HAND_OVER,
    EXPIRE_PROPOSALS,
    STAGE_TASKS,
    ANSWER_SIGNALS,
    CLIMB_LADDER,
    RAISE_STALLED,
)
