"""Attempts to reach a customer go on as declared; then the manager is asked, and at the end giving up is suggested."""

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from engine.policies.due import Due, Policy, Since, asked, one_id
from engine.projections.attempts import Attempts, attempts
from engine.projections.duties import to_ask
from engine.projections.roster import departed
from engine.stages.work import Ladder, Task
from engine.values import TouchKind

if TYPE_CHECKING:
    from engine.projections.look import Look

NAME = "climb_ladder"
OFFER = "nobody answered {made} attempts: disqualify it, with the reason, or try another way"


def due(look: "Look", since: Since) -> list[Due]:
    """The next attempt of each journey, the never touched first."""
    ladders = {rank: stage.ladder for rank, stage in enumerate(look.definition.stages) if stage.ladder is not None}
    if not ladders:
        return []
    by_stage = {look.definition.key_of(rank): ladder for rank, ladder in ladders.items()}
    managers = managers_of(look)
    rungs = {rank: len(ladder.after_days) for rank, ladder in ladders.items()}
    found = sorted(attempts(look, since, rungs, NAME), key=lambda each: each.made)
    steps = {one_id(NAME, climbed.journey, climbed.because): climbed for climbed in found}
    return [
        replace(next_attempt(look, by_stage[climbed.stage], climbed, step, managers), turn=climbed.made)
        for step, climbed in to_ask(look, NAME, steps).items()
    ]


def managers_of(look: "Look") -> dict[str, str | None]:
    """Of every rep on the roster; none who has left it. A manager need not be on it."""
    here = look.membership.filter(look.membership["until"].is_null())
    left = set(departed(look.membership))
    return {rep: manager for rep, manager in here.select("rep", "manager").iter_rows() if manager not in left}


def next_attempt(look: "Look", ladder: Ladder, climbed: Attempts, step: UUID, managers: dict[str, str | None]) -> Due:
    return asked(look, NAME, climbed, step, rung(ladder, climbed), whom(ladder, climbed, managers))


def rung(ladder: Ladder, climbed: Attempts) -> Task:
    if climbed.made >= len(ladder.after_days):
        return Task(key="end", kind=TouchKind.OTHER, note=OFFER.format(made=climbed.made), business=ladder.business)
    return Task(
        key="attempt",
        kind=ladder.kind,
        within_days=ladder.after_days[climbed.made],
        business=ladder.business,
        note=f"attempt {climbed.made + 1} of {len(ladder.after_days)}",
    )


def whom(ladder: Ladder, climbed: Attempts, managers: dict[str, str | None]) -> UUID | None:
    """The manager from the declared attempt on; else, and where the manager has left, whoever owns the journey."""
    if ladder.escalate_after is None or climbed.made < ladder.escalate_after or climbed.owner is None:
        return None
    manager = managers.get(climbed.owner.hex)
    return None if manager is None else UUID(hex=manager)


CLIMB_LADDER = Policy(
    NAME,
    "spaces the attempts to reach a customer, escalates, then suggests to disqualify",
    due,
    lambda _, stage: bool(stage.ladder),
)
