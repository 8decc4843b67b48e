"""May it? The rules of a pipeline. That a definition makes sense in itself is checked by its own model."""

from typing import assert_never

from engine.aggregates.context import Context
from engine.aggregates.pipeline.commands import CreatePipeline, DraftDefinition, PipelineCommand, PublishDefinition
from engine.aggregates.pipeline.events import DefinitionDrafted, DefinitionPublished, PipelineCreated
from engine.aggregates.pipeline.state import Pipeline
from engine.errors import Conflict, Rejected
from engine.messages import Event
from engine.stages.definition import Definition


def decide(state: Pipeline, command: PipelineCommand, context: Context) -> list[Event]:
    match command:
        case CreatePipeline():
            if state.key is not None:
                raise Rejected(
                    f"pipeline {command.pipeline!r} exists already: publish a definition, or use another key"
                )
            return [PipelineCreated(key=command.pipeline, name=command.name)]
        case DraftDefinition():
            must_exist(state, command.pipeline)
            must_be_its_own(state, command.definition)
            return [DefinitionDrafted(draft_id=context.new_id(), definition=command.definition, based_on=state.version)]
        case PublishDefinition():
            return publish(state, command)
        case _:
            assert_never(command)


def publish(state: Pipeline, command: PublishDefinition) -> list[Event]:
    must_exist(state, command.pipeline)
    definition = chosen(state, command)
    must_be_its_own(state, definition)
    if command.replaces_version is not None and command.replaces_version != state.version:
        raise Conflict(
            f"version {state.version} of pipeline {state.key!r} is in force, you looked at "
            f"{command.replaces_version}: look at what changed and publish again"
        )
    if definition == state.definition:
        return []
    if command.reason is None:
        raise Rejected("a definition is published with a reason: say why the stages change")
    return [
        DefinitionPublished(
            version=state.version + 1, definition=definition, reason=command.reason, draft_id=command.draft_id
        )
    ]


def chosen(state: Pipeline, command: PublishDefinition) -> Definition:
    if (command.draft_id is None) == (command.definition is None):
        raise Rejected("publish either a draft (draft_id) or a definition: pass exactly one of them")
    if command.definition is not None:
        return command.definition
    draft = None if command.draft_id is None else state.drafts.get(command.draft_id)
    if draft is None:
        raise Rejected(f"pipeline {state.key!r} has no draft {command.draft_id}: draft the definition first")
    return draft


def must_exist(state: Pipeline, key: str) -> None:
    if state.key is None:
        raise Rejected(f"there is no pipeline {key!r}: create it first")


def must_be_its_own(state: Pipeline, definition: Definition) -> None:
    if definition.pipeline != state.key:
        raise Rejected(
            f"the definition names pipeline {definition.pipeline!r}, this is {state.key!r}: correct its `pipeline`"
        )
