"""One target, folded from its stream."""

from dataclasses import dataclass, replace
from typing import assert_never
from uuid import UUID, uuid5

from engine.aggregates.target.events import TargetEvent, TargetRevised, TargetSet, TargetWithdrawn
from engine.values import Attribute, Money

_TARGETS = UUID("c1f7a3de-93a5-5c39-a0a5-4f3b8a6f2d10")


@dataclass(frozen=True, slots=True)
class Target:
    value: Money | None = None
    wins: int | None = None
    """both None: there is none, before it is set and after it was withdrawn"""

    @property
    def stands(self) -> bool:
        return self.value is not None or self.wins is not None

    @property
    def told(self) -> str:
        return f"{self.wins} wins" if self.value is None else f"{self.value.amount} {self.value.currency}"


def target_stream(
    holder: UUID | str, period: str, pipeline: str, measure: str, attribute: Attribute | None = None
) -> UUID:
    """The stream of the one target there is of all this. holder: person_id of a rep, or a team; measure: a currency,
    or wins.
    """
    whose = ("rep", holder.hex) if isinstance(holder, UUID) else ("team", holder)
    kind = () if attribute is None else (attribute.name, attribute.value)
    return uuid5(_TARGETS, "\n".join((*whose, period, pipeline, measure, *kind)))


def evolve(state: Target, event: TargetEvent) -> Target:
    match event:
        case TargetSet() | TargetRevised():
            return replace(state, value=event.value, wins=event.wins)
        case TargetWithdrawn():
            return replace(state, value=None, wins=None)
        case _:
            assert_never(event)
