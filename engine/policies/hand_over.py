"""Fit and engagement together reach the threshold: the journey is handed to sales, to who has least to do."""

from typing import TYPE_CHECKING

from engine.aggregates.journey.commands import HandOver
from engine.policies.due import Due, Policy, Since, asked, one_id
from engine.projections.duties import members_of, ready, to_ask
from engine.stages.work import Task
from engine.values import TouchKind

if TYPE_CHECKING:
    from engine.projections.look import Look

NAME = "hand_over"
NOBODY = "its score reached {score}, and team {team} has nobody to take it: assign it"


def due(look: "Look", since: Since) -> list[Due]:
    """Once for each scoring that leaves a journey above the threshold and outside the team.

    Where the team has nobody, whoever has the journey is asked to find somebody; it is handed over when there is.
    """
    rule = look.definition.hand_over
    if rule is None:
        return []
    found = ready(look, since, rule.score, rule.team)
    waiting = {one_id(NAME, "nobody", place.journey, place.because): place for place, rep in found if rep is None}
    task = Task(key="assign", kind=TouchKind.OTHER, note=NOBODY.format(score=rule.score, team=rule.team))
    return [
        Due(
            NAME,
            place.journey,
            place.stream,
            HandOver(owner=rep, seen=look.position),
            one_id(NAME, place.journey, place.because),
            place.because,
        )
        for place, rep in found
        if rep is not None
    ] + [asked(look, NAME, place, step, task) for step, place in to_ask(look, NAME, waiting).items()]


def problem(look: "Look") -> str | None:
    rule = look.definition.hand_over
    if rule is None or not members_of(look, rule.team).is_empty():
        return None
    return f"team {rule.team!r} has no members, so nothing is handed over: enrol a rep in it, or name another team"


HAND_OVER = Policy(
    NAME,
    "assigns a journey to sales when its score is high enough",
    due,
    lambda definition, stage: bool(definition.hand_over) and stage.kind == "open",
    problem=problem,
)
