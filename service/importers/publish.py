"""The pipeline a history is imported into: the one in force, or the mapping's own definition, published first."""

from pathlib import Path
from uuid import UUID

from engine.aggregates.pipeline.commands import CreatePipeline, PublishDefinition
from engine.errors import Conflict, Rejected
from engine.handle import handle
from engine.knowledge import in_force
from engine.log.application import Log
from engine.stages.definition import Definition, load_definition
from service.importers.mapping import Mapping

REASON = "published with the first import"


def definition_for(log: Log, mapping: Mapping, folder: Path) -> tuple[Definition, bool]:
    """The definition the pipeline has, or is to get, and whether the log has it already."""
    published = in_force(log, mapping.pipeline).definition
    if published is not None:
        return published, True
    if mapping.definition is None:
        raise Rejected(
            f"there is no pipeline {mapping.pipeline!r}: publish its definition (dealtrail pipeline publish FILE), "
            "or name the file in the mapping as `definition`"
        )
    definition = load_definition(folder / mapping.definition)
    if definition.pipeline != mapping.pipeline:
        raise Rejected(
            f"{mapping.definition} defines pipeline {definition.pipeline!r}, the mapping says {mapping.pipeline!r}: "
            "correct one of them"
        )
    return definition, False


def publish(log: Log, mapping: Mapping, definition: Definition, actor: UUID) -> bool:
    """Creates the pipeline where it is missing and publishes its first definition; false: somebody else was first."""
    name = definition.name.get("en") or mapping.pipeline
    create = CreatePipeline(pipeline=mapping.pipeline, name=name)
    first = PublishDefinition(pipeline=mapping.pipeline, definition=definition, reason=REASON, replaces_version=0)
    try:
        if in_force(log, mapping.pipeline).key is None:
            handle(log, create, actor=actor, origin=mapping.origin)
    except Rejected:
        if in_force(log, mapping.pipeline).key is None:
            raise
    try:
        return bool(handle(log, first, actor=actor, origin=mapping.origin).events)
    except Conflict:
        return False
