"""A pipeline: its definitions, published and drafted, folded from the stream."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import assert_never
from uuid import UUID, uuid5

from engine.aggregates.pipeline.events import DefinitionDrafted, DefinitionPublished, PipelineCreated, PipelineEvent
from engine.stages.definition import Definition

_PIPELINES = UUID("6f3f8f7e-2f0a-5f0b-9d5c-0d2a4b1c7e11")


@dataclass(frozen=True, slots=True)
class Pipeline:
    key: str | None = None
    """None until it is created"""
    name: str | None = None
    version: int = 0
    """of the definition in force; 0 before the first"""
    definition: Definition | None = None
    drafts: Mapping[UUID, Definition] = field(default_factory=dict)


def pipeline_stream(key: str) -> UUID:
    """The stream of a pipeline, from its key alone: a pipeline's key is nobody's personal data."""
    return uuid5(_PIPELINES, key)


def evolve(state: Pipeline, event: PipelineEvent) -> Pipeline:
    match event:
        case PipelineCreated():
            return replace(state, key=event.key, name=event.name)
        case DefinitionDrafted():
            return replace(state, drafts={**state.drafts, event.draft_id: event.definition})
        case DefinitionPublished():
            return replace(state, version=event.version, definition=event.definition)
        case _:
            assert_never(event)
