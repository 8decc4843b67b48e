"""Entering a stage gives its owner what the stage asks to be done; leaving it cancels what is pointless by then."""

from typing import TYPE_CHECKING

from engine.aggregates.journey.commands import CancelFollowUp
from engine.policies.due import Due, Policy, Since, asked, one_id
from engine.projections.duties import entries, known, left_behind

if TYPE_CHECKING:
    from engine.projections.views import Look

NAME = "stage_tasks"


def due(look: "Look", since: Since) -> list[Due]:
    tasks = {rank: stage.tasks for rank, stage in enumerate(look.definition.stages) if stage.tasks}
    if not tasks:
        return []
    by_stage = {look.definition.key_of(rank): each for rank, each in tasks.items()}
    done, found = known(look, NAME), []
    for entry in entries(look, since, {rank: len(each) for rank, each in tasks.items()}, NAME):
        for task in by_stage[entry.stage]:
            step = one_id(NAME, entry.journey, entry.because, task.key)
            if step not in done:
                found.append(asked(look, NAME, entry, step, task))
    return found + [
        Due(
            NAME,
            left.journey,
            left.stream,
            CancelFollowUp(follow_up_id=left.follow_up, reason="the journey has moved on"),
            one_id(NAME, "cancel", left.follow_up, left.because),
            left.because,
        )
        for left in left_behind(look, NAME)
    ]


STAGE_TASKS = Policy(
    NAME,
    "gives the tasks of a stage when it is entered, and cancels them when it is left",
    due,
    lambda _, stage: bool(stage.tasks),
)
