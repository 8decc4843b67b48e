"""Everything that can happen to a pipeline. Published shapes are never edited."""

from typing import ClassVar
from uuid import UUID

from engine.messages import Event
from engine.stages.definition import Definition
from engine.values import Key, Label, TextRef, Utc


class PipelineCreated(Event):
    TOPIC: ClassVar[str] = "pipeline.created.v1"
    key: Key
    name: Label


class DefinitionDrafted(Event):
    """A proposal for the stages, to be previewed; it changes no answer."""

    TOPIC: ClassVar[str] = "pipeline.definition_drafted.v2"
    draft_id: UUID
    number: int
    """within the pipeline, from 1, what people call it by; 0 of drafts from before they were numbered"""
    definition: Definition
    based_on: int = 0
    """version in force when it was drafted; 0 before the first"""
    note: TextRef | None = None


class DraftDiscarded(Event):
    """Nobody means to publish it any more; its number is not given again."""

    TOPIC: ClassVar[str] = "pipeline.draft_discarded.v1"
    draft_id: UUID


class DefinitionPublished(Event):
    """The stages in force from here on; all history is read by them, the older versions stay to compare."""

    TOPIC: ClassVar[str] = "pipeline.definition_published.v1"
    version: int
    """from 1, without gaps"""
    definition: Definition
    reason: Label
    draft_id: UUID | None = None


class PolicyActivated(Event):
    """A policy looks at the pipeline from this moment on; the newest that was said counts."""

    TOPIC: ClassVar[str] = "pipeline.policy_activated.v1"
    policy: Key
    since: Utc


PipelineEvent = PipelineCreated | DefinitionDrafted | DraftDiscarded | DefinitionPublished | PolicyActivated
