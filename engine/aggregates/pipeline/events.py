"""Everything that can happen to a pipeline. Published shapes are never edited."""

from typing import ClassVar
from uuid import UUID

from engine.messages import Event
from engine.stages.definition import Definition
from engine.values import Key, Label


class PipelineCreated(Event):
    TOPIC: ClassVar[str] = "pipeline.created.v1"
    key: Key
    name: Label


class DefinitionDrafted(Event):
    """A proposal for the stages, to be previewed; it changes no answer."""

    TOPIC: ClassVar[str] = "pipeline.definition_drafted.v1"
    draft_id: UUID
    definition: Definition
    based_on: int = 0
    """version in force when it was drafted; 0 before the first"""


class DefinitionPublished(Event):
    """The stages in force from here on; all history is read by them, the older versions stay to compare."""

    TOPIC: ClassVar[str] = "pipeline.definition_published.v1"
    version: int
    """from 1, without gaps"""
    definition: Definition
    reason: Label
    draft_id: UUID | None = None


PipelineEvent = PipelineCreated | DefinitionDrafted | DefinitionPublished
