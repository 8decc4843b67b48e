"""What one may ask of a pipeline: to be created, and its stages to be drafted and published."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from engine.messages import Command
from engine.stages.definition import Definition
from engine.values import Key, Label


class CreatePipeline(Command):
    pipeline: Key
    name: Label


class DraftDefinition(Command):
    pipeline: Key
    definition: Definition


class PublishDefinition(Command):
    """Name a draft or pass the definition itself, and say why."""

    pipeline: Key
    draft_id: UUID | None = None
    definition: Definition | None = None
    reason: Label | None = None
    replaces_version: Annotated[int, Field(ge=0)] | None = None
    """the version the author looked at (0: none yet); Conflict when another is in force by now"""


PipelineCommand = CreatePipeline | DraftDefinition | PublishDefinition
