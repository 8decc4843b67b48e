"""What one may ask of a pipeline: to be created; its stages to be drafted and published, its policies to act."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from engine.aggregates.inputs import NEEDED, Words
from engine.messages import Command
from engine.stages.definition import Definition
from engine.values import Flag, Key, Label, Moment, Whole

Version = Annotated[Whole, Field(ge=0)]


class CreatePipeline(Command):
    pipeline: Key
    name: Label


class DraftDefinition(Command):
    pipeline: Key
    definition: Definition
    note: Words | None = None
    """what the draft is for"""


class DiscardDraft(Command):
    pipeline: Key
    draft_id: UUID


class PublishDefinition(Command):
    """Name a draft or pass the definition itself, and say why."""

    pipeline: Key
    draft_id: UUID | None = None
    definition: Definition | None = None
    reason: Label | None = None
    replaces_version: Version | None = None
    """the version the author looked at (0: none yet; of a draft without it the one it was drafted on); Conflict when
    another is in force by now"""


class RollBackDefinition(Command):
    """Put an earlier version in force again, as a new one, and say why."""

    pipeline: Key
    to: Annotated[Whole, Field(ge=1)] | None = None
    """without it the version before the one in force"""
    reason: Annotated[Annotated[Label, StringConstraints(max_length=170)] | None, NEEDED] = None
    replaces_version: Version | None = None
    """the version the author looked at; Conflict when another is in force by now"""


PolicyName = Literal[
    "withdraw_pointless",
    "hand_over",
    "expire_proposals",
    "stage_tasks",
    "answer_signals",
    "climb_ladder",
    "raise_stalled",
]


class ActivatePolicy(Command):
    """From when on a policy looks at the pipeline: what was due before is left alone."""

    pipeline: Key
    policy: PolicyName
    since: Moment | None = None
    """without it: now"""
    unless_active: Flag = False
    """leave it as it is where it is active already; what a runner asks"""


PipelineCommand = (
    CreatePipeline | DraftDefinition | DiscardDraft | PublishDefinition | RollBackDefinition | ActivatePolicy
)
