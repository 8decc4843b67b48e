"""Entering a stage gives its owner what the stage asks to be done."""

from typing import TYPE_CHECKING

from engine.policies.due import Due, Policy, Since, asked, one_id
from engine.projections.duties import entries, to_ask

if TYPE_CHECKING:
    from engine.projections.look import Look

NAME = "stage_tasks"


def due(look: "Look", since: Since) -> list[Due]:
    tasks = {rank: stage.tasks for rank, stage in enumerate(look.definition.stages) if stage.tasks}
    if not tasks:
        return []
    by_stage = {look.definition.key_of(rank): each for rank, each in tasks.items()}
    steps = {
        one_id(NAME, entry.journey, entry.because, task.key): (entry, task)
        for entry in entries(look, since, {rank: len(each) for rank, each in tasks.items()}, NAME)
        for task in by_stage[entry.stage]
    }
    return [asked(look, NAME, entry, step, task) for step, (entry, task) in to_ask(look, NAME, steps).items()]


STAGE_TASKS = Policy(
    NAME,
    "gives the tasks of a stage when it is entered",
    due,
    lambda _, stage: bool(stage.tasks),
)
