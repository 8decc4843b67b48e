"""All events the log can hold, by type tag. A new aggregate adds its union here; a new version its upcaster below."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

from engine.aggregates.deal.events import DealEvent
from engine.aggregates.lead.events import LeadEvent
from engine.aggregates.pipeline.events import PipelineEvent
from engine.aggregates.roster.events import RosterEvent
from engine.aggregates.target.events import TargetEvent
from engine.messages import Event

UNIONS: Sequence[Any] = (LeadEvent, DealEvent, PipelineEvent, RosterEvent, TargetEvent)

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]

UPCASTERS: Mapping[str, tuple[str, Upcaster]] = {
    "pipeline.definition_drafted.v1": ("pipeline.definition_drafted.v2", lambda fields: {**fields, "number": 0})
}
"""Old type tag -> (the tag that follows it, how its payload becomes that one's). Chained, and kept for ever."""


def by_tag(unions: Sequence[Any]) -> dict[str, type[Event]]:
    """The event classes of the unions by their type tag; ValueError where two have one tag."""
    found: dict[str, type[Event]] = {}
    for union in unions:
        for event in get_args(union) or (union,):
            if found.setdefault(event.TOPIC, event) is not event:
                raise ValueError(f"the type tag {event.TOPIC!r} belongs to two events: give the newer another")
    return found


TAGS: Mapping[str, type[Event]] = by_tag(UNIONS)
