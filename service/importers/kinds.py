"""The events an import can bring, read from the event models themselves: which fields, and of which sort each is."""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AwareDatetime

from engine.aggregates.deal import events as deal
from engine.aggregates.lead import events as lead
from engine.messages import Event
from engine.values import Money, TextRef

Side = Literal["lead", "deal"]
Slot = Literal[
    "plain", "whole", "flag", "text", "money", "person", "stream", "thing", "attributes", "options", "date", "instant"
]
"""What a field holds: text = a reference to an erasable text; stream = another lead or deal; thing = a proposal or
follow-up that several events speak of."""

PEOPLE = {"owner", "person"}
STREAMS = {"deal", "from_lead", "into", "follows"}
THINGS = {"proposal_id": "ProposalSent", "follow_up_id": "FollowUpScheduled"}
"""The field, and the event that begins such a thing."""
OPENING = {"lead": "LeadCaptured", "deal": "DealOpened"}
NOT_IMPORTED = {"Stalled", "EntryRetracted"}
"""What only a policy or a correction writes."""


@dataclass(frozen=True)
class Kind:
    name: str
    models: dict[Side, type[Event]]

    @property
    def sides(self) -> set[str]:
        return set(self.models)

    @cached_property
    def slots(self) -> dict[str, Slot]:
        model = next(iter(self.models.values()))
        return {name: slot_of(name, field.annotation) for name, field in model.model_fields.items()}

    @cached_property
    def required(self) -> set[str]:
        """Fields a rule must fill; the importer itself knows the pipeline and derives references."""
        model = next(iter(self.models.values()))
        needed = {name for name, field in model.model_fields.items() if field.is_required()}
        return (
            {name for name in needed if name != "pipeline" and self.slots[name] not in ("thing", "stream")}
            | {name for name in needed if name == "into"}
            | ({"pipeline"} if self.name == "PipelineChanged" else set())
        )


def slot_of(name: str, annotation: Any) -> Slot:
    parts = parts_of(annotation)
    if name in PEOPLE:
        return "person"
    if name in STREAMS:
        return "stream"
    if name in THINGS:
        return "thing"
    if TextRef in parts:
        return "text"
    if Money in parts:
        return "money"
    if date in parts:
        return "date"
    if AwareDatetime in parts:
        return "instant"
    if int in parts:
        return "whole"
    if bool in parts:
        return "flag"
    if name == "attributes":
        return "attributes"
    return "options" if name == "options" else "plain"


def parts_of(annotation: Any) -> set[Any]:
    """The types an annotation speaks of, unions and Annotated taken apart."""
    if get_origin(annotation) in (Union, UnionType, Annotated):
        return {part for member in get_args(annotation) for part in parts_of(member)}
    return {annotation} if isinstance(annotation, Hashable) else set()


def importable() -> dict[str, Kind]:
    sides: dict[Side, Any] = {"lead": lead.LeadEvent, "deal": deal.DealEvent}
    models: dict[str, dict[Side, type[Event]]] = {}
    for side, union in sides.items():
        for model in get_args(union):
            if model.__name__ not in NOT_IMPORTED:
                models.setdefault(model.__name__, {})[side] = model
    return {name: Kind(name, by_side) for name, by_side in models.items()}


KINDS = importable()
