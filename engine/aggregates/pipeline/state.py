"""A pipeline: its definitions, published and drafted, folded from the stream."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, assert_never
from uuid import UUID, uuid5

from engine.aggregates.pipeline.events import (
    DefinitionDrafted,
    DefinitionPublished,
    DraftDiscarded,
    PipelineCreated,
    PipelineEvent,
    PolicyActivated,
)
from engine.stages.definition import Definition

_PIPELINES = UUID("6f3f8f7e-2f0a-5f0b-9d5c-0d2a4b1c7e11")


@dataclass(frozen=True, slots=True)
class Draft:
    number: int
    definition: Definition
    based_on: int
    discarded: bool = False
    published_as: int | None = None
    """the newest version it became"""


@dataclass(frozen=True, slots=True)
class Pipeline:
    key: str | None = None
    """None until it is created"""
    name: str | None = None
    version: int = 0
    """of the definition in force; 0 before the first"""
    definition: Definition | None = None
    versions: Mapping[int, Definition] = field(default_factory=dict)
    drafts: Mapping[UUID, Draft] = field(default_factory=dict)
    activations: Mapping[str, datetime] = field(default_factory=dict)
    """since when each policy looks at it"""


def pipeline_stream(key: str) -> UUID:
    """The stream of a pipeline, from its key alone: a pipeline's key is nobody's personal data."""
    return uuid5(_PIPELINES, key)


def evolve(state: Pipeline, event: PipelineEvent) -> Pipeline:
    match event:
        case PipelineCreated():
            return replace(state, key=event.key, name=event.name)
        case DefinitionDrafted():
            draft = Draft(event.number, event.definition, event.based_on)
            return replace(state, drafts={**state.drafts, event.draft_id: draft})
        case DraftDiscarded():
            return replace(state, drafts=changed(state.drafts, event.draft_id, discarded=True))
        case DefinitionPublished():
            state = replace(
                state,
                versions={**state.versions, event.version: event.definition},
                drafts=changed(state.drafts, event.draft_id, published_as=event.version),
            )
            # One that is told late comes before older versions here; the highest is in force all the same.
            newest = event.version > state.version
            return replace(state, version=event.version, definition=event.definition) if newest else state
        case PolicyActivated():
            return replace(state, activations={**state.activations, event.policy: event.since})
        case _:
            assert_never(event)


def changed(drafts: Mapping[UUID, Draft], draft_id: UUID | None, **fields: Any) -> Mapping[UUID, Draft]:
    """The drafts with these fields of one of them; as they are where there is none."""
    if draft_id is None or draft_id not in drafts:
        return drafts
    return {**drafts, draft_id: replace(drafts[draft_id], **fields)}
