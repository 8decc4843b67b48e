"""All policies, in the order they are run."""

from typing import Final

from engine.policies.due import Policy
from engine.policies.raise_stalled import RAISE_STALLED

POLICIES: Final[tuple[Policy, ...]] = (RAISE_STALLED,)
