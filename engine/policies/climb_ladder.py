"""Attempts to reach a customer go on as declared; then the manager is asked, and at the end giving up is suggested."""

from typing import TYPE_CHECKING
from uuid import UUID

from engine.policies.due import Due, Policy, Since, asked, one_id
from engine.projections.duties import Attempts, attempts, known
from engine.stages.work import Ladder, Task
from engine.values import TouchKind

if TYPE_CHECKING:
    from engine.projections.views import Look

NAME = "climb_ladder"
OFFER = "nobody answered {made} attempts: disqualify it, with the reason, or try another way"


def due(look: "Look", since: Since) -> list[Due]:
    """The next attempt of each journey, the never touched first."""
    ladders = {rank: stage.ladder for rank, stage in enumerate(look.definition.stages) if stage.ladder is not None}
    if not ladders:
        return []
    by_stage = {look.definition.key_of(rank): ladder for rank, ladder in ladders.items()}
    done, found = known(look, NAME), []
    managers = dict(look.membership.filter(look.membership["until"].is_null()).select("rep", "manager").iter_rows())
    for climbed in sorted(attempts(look, since, ladders, NAME), key=lambda each: (each.made, each.at)):
        step = one_id(NAME, climbed.journey, climbed.because)
        if step not in done:
            ladder = by_stage[climbed.stage]
            found.append(asked(look, NAME, climbed, step, rung(ladder, climbed), whom(ladder, climbed, managers)))
    return found


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
    """The manager from the declared attempt on; else whoever owns the journey."""
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
