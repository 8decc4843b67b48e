"""Journeys told one at a time in plain Python by the plain fold: what the answers over columns are held against."""

from collections.abc import Iterable
from dataclasses import dataclass

from engine.stages.definition import UNMAPPED, Definition
from engine.stages.facts import VALUED, Fact, Life, life
from engine.stages.fold import Visit, fold
from replay.plain_answers import closed_at, outcome

Value = tuple[int, str] | None
"""minor units and currency"""


@dataclass(frozen=True)
class Told:
    """One journey that was ever in the definition's pipeline. Times in microseconds."""

    number: int
    life: Life
    visits: list[Visit]
    ranks: list[int]
    outcome: str
    opened_at: int
    closed_at: int | None
    close_value: Value
    value: Value
    qualified_at: int | None
    qualified_by: int | None
    """position of the event that qualified it"""


def one_by_one(journeys: Iterable[list[Fact]], definition: Definition, *, as_of: int) -> list[Told]:
    """Journeys by their number; void ones and those that were never here are left out."""
    return [
        told
        for number, facts in enumerate(journeys)
        if (told := tell(number, life(facts, as_of=as_of), definition)) is not None
    ]


def tell(number: int, alive: Life, definition: Definition) -> Told | None:
    trail = fold(alive, definition)
    if not trail.visits:
        return None
    end = outcome(definition, trail, alive)
    ranks = [definition.ranks.get(visit.stage, UNMAPPED) for visit in trail.visits]
    closed = closed_at(definition, trail) if end in ("won", "lost", "disqualified") else None
    closings = [
        visit.entered_position
        for visit, rank in zip(trail.visits, ranks, strict=True)
        if definition.kind_of(rank) in ("won", "lost")
    ]
    qualified = [
        visit
        for visit, rank in zip(trail.visits, ranks, strict=True)
        if rank >= definition.qualified_rank and definition.kind_of(rank) != "lost"
    ]
    return Told(
        number=number,
        life=alive,
        visits=trail.visits,
        ranks=ranks,
        outcome=end,
        opened_at=alive.entries[0].occurred_at,
        closed_at=closed,
        close_value=None if closed is None else value_at(alive, closings[-1]),
        value=value_at(alive, alive.entries[-1].position),
        qualified_at=qualified[0].entered_at if qualified else None,
        qualified_by=qualified[0].entered_position if qualified else None,
    )


def value_at(alive: Life, position: int) -> Value:
    """The journey's value after the entry at this position."""
    found: Value = None
    for fact in alive.entries:
        if fact.kind in VALUED and fact.amount_minor is not None and fact.currency is not None:
            found = (fact.amount_minor, fact.currency)
        if fact.position == position:
            break
    return found
