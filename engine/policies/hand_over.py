"""Fit and engagement together reach the threshold: the journey is handed to sales, to who has least to do."""

from typing import TYPE_CHECKING

from engine.aggregates.journey.commands import AssignOwner
from engine.policies.due import Due, Policy, Since, one_id
from engine.projections.duties import ready

if TYPE_CHECKING:
    from engine.projections.views import Look

NAME = "hand_over"


def due(look: "Look", since: Since) -> list[Due]:
    """Once for each scoring that leaves a journey above the threshold and outside the team."""
    rule = look.definition.hand_over
    if rule is None:
        return []
    return [
        Due(
            NAME,
            place.journey,
            place.stream,
            AssignOwner(owner=rep),
            one_id(NAME, place.journey, place.because),
            place.because,
        )
        for place, rep in ready(look, since, rule.score, rule.team)
    ]


HAND_OVER = Policy(
    NAME,
    "assigns a journey to sales when its score is high enough",
    due,
    lambda definition, stage: bool(definition.hand_over) and stage.kind == "open",
)
