"""May it? The rules of a pipeline. That a definition makes sense in itself is checked by its own model."""

from datetime import timedelta
from typing import assert_never
from uuid import UUID

from engine.aggregates.context import Context
from engine.aggregates.pipeline.commands import (
    ActivatePolicy,
    CreatePipeline,
    DiscardDraft,
    DraftDefinition,
    PipelineCommand,
    PublishDefinition,
    RollBackDefinition,
)
from engine.aggregates.pipeline.events import (
    DefinitionDrafted,
    DefinitionPublished,
    DraftDiscarded,
    PipelineCreated,
    PolicyActivated,
)
from engine.aggregates.pipeline.state import Draft, Pipeline
from engine.errors import Conflict, NotFound, Rejected
from engine.messages import Event
from engine.stages.definition import Definition
from engine.stages.names import called

AHEAD = timedelta(days=1)
"""clocks differ, and a date is begun somewhere before it is in UTC"""


def decide(state: Pipeline, command: PipelineCommand, context: Context) -> list[Event]:
    match command:
        case CreatePipeline():
            if state.key is not None:
                raise Rejected(
                    f"pipeline {command.pipeline!r} exists already: publish a definition, or use another key"
                )
            return [PipelineCreated(key=command.pipeline, name=command.name)]
        case DraftDefinition():
            # Stages are thought of before there is a pipeline: the first draft begins it.
            begun: list[Event] = []
            if state.key is None:
                name = called(command.definition.name, None, command.pipeline)
                begun.append(PipelineCreated(key=command.pipeline, name=name))
            must_be_its_own(command.pipeline, command.definition)
            note = None if command.note is None else context.text(command.note)
            return [
                *begun,
                DefinitionDrafted(
                    draft_id=context.new_id(),
                    number=1 + max((draft.number for draft in state.drafts.values()), default=0),
                    definition=command.definition,
                    based_on=state.version,
                    note=note,
                ),
            ]
        case DiscardDraft():
            must_exist(state, command.pipeline)
            draft = known_draft(state, command.draft_id)
            if draft.published_as is not None:
                raise Rejected(
                    f"draft {draft.number} of pipeline {state.key!r} is version {draft.published_as}, which stays: "
                    "roll back to put another in force"
                )
            return [] if draft.discarded else [DraftDiscarded(draft_id=command.draft_id)]
        case PublishDefinition():
            must_exist(state, command.pipeline)
            definition, based_on = chosen(state, command)
            must_be_its_own(command.pipeline, definition)
            return published(state, definition, command.reason, based_on, command.draft_id)
        case RollBackDefinition():
            must_exist(state, command.pipeline)
            to, definition = earlier(state, command.to)
            if command.reason is None:
                raise Rejected("a definition is rolled back with a reason: pass one that says what was wrong")
            return published(state, definition, f"back to version {to}: {command.reason}", command.replaces_version)
        case ActivatePolicy():
            must_exist(state, command.pipeline)
            return activated(state, command, context)
        case _:
            assert_never(command)


def activated(state: Pipeline, command: ActivatePolicy, context: Context) -> list[Event]:
    known, since = state.activations.get(command.policy), command.since or context.now
    if known == since or (known is not None and command.unless_active):
        return []
    if since > context.now + AHEAD:
        raise Rejected(
            f"since {since.isoformat()} is in the future (now: {context.now.isoformat()}): {command.policy} would do "
            "nothing until then; leave since out to begin now, or activate it when that day has come"
        )
    return [PolicyActivated(policy=command.policy, since=since)]


def published(
    state: Pipeline, definition: Definition, reason: str | None, looked_at: int | None, draft_id: UUID | None = None
) -> list[Event]:
    """looked_at: the version the author knew to be in force; None: whichever."""
    must_be_in_force(state, state.key or definition.pipeline, looked_at)
    if definition == state.definition:
        return []
    if reason is None:
        raise Rejected("a definition is published with a reason: pass one that says why the stages change")
    return [DefinitionPublished(version=state.version + 1, definition=definition, reason=reason, draft_id=draft_id)]


def chosen(state: Pipeline, command: PublishDefinition) -> tuple[Definition, int | None]:
    """What is to be published, and the version its author looked at."""
    if (command.draft_id is None) == (command.definition is None):
        raise Rejected("publish either a draft (draft_id) or a definition: pass exactly one of them")
    if command.draft_id is None:
        assert command.definition is not None
        return command.definition, command.replaces_version
    draft = known_draft(state, command.draft_id)
    if draft.discarded:
        raise Rejected(f"draft {draft.number} of pipeline {state.key!r} was discarded: draft its definition again")
    looked_at = draft.based_on if command.replaces_version is None else command.replaces_version
    # Asked for twice, it is in force already: the second time there is nothing to do.
    again = draft.published_as == state.version and looked_at == draft.based_on
    return draft.definition, None if again else looked_at


def known_draft(state: Pipeline, draft_id: UUID) -> Draft:
    draft = state.drafts.get(draft_id)
    if draft is None:
        raise Rejected(f"pipeline {state.key!r} has no draft {draft_id}: draft the definition first")
    return draft


def earlier(state: Pipeline, to: int | None) -> tuple[int, Definition]:
    """The version to go back to: without a number the one before that in force."""
    before = [version for version in state.versions if version < state.version]
    if not before:
        at = f"version {state.version} is its first" if state.version else "none was published yet"
        raise Rejected(f"pipeline {state.key!r} has no earlier version to go back to: {at}")
    version = max(before) if to is None else to
    if version not in before:
        raise Rejected(f"pipeline {state.key!r} can't go back to version {to}: the earlier ones are 1 to {max(before)}")
    return version, state.versions[version]


def must_be_in_force(state: Pipeline, key: str, looked_at: int | None) -> None:
    """looked_at: the version that its author knew; None: whichever. Conflict where it is another, or none yet."""
    if looked_at in (None, state.version):
        return
    if state.version == 0:
        raise Conflict(
            f"no version of pipeline {key!r} is in force yet, you looked at {looked_at}: look whether the key is "
            "right, or publish its first stages over none (0)"
        )
    raise Conflict(
        f"version {state.version} of pipeline {key!r} is in force, you looked at {looked_at or 'none'}: look at what "
        f"changed and publish again, over version {state.version}"
    )


def must_exist(state: Pipeline, key: str) -> None:
    if state.key is None:
        raise NotFound(f"there is no pipeline {key!r}: create it first")


def must_be_its_own(key: str, definition: Definition) -> None:
    if definition.pipeline != key:
        raise Rejected(
            f"the definition names pipeline {definition.pipeline!r}, this is {key!r}: correct its `pipeline`"
        )
