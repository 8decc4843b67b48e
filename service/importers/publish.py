"""The pipelines a history is imported into: those in force, or the mapping's own definitions, published first."""

from pathlib import Path
from uuid import UUID

import polars as pl

from engine.aggregates.pipeline.commands import CreatePipeline, PublishDefinition
from engine.errors import Conflict, Rejected
from engine.handle import handle
from engine.knowledge import in_force
from engine.log.application import Log
from engine.stages.definition import Definition, load_definition
from service.importers.mapping import Mapping
from service.importers.stage_table import StageTable

REASON = "published with the first import"


def definitions_for(
    log: Log, mapping: Mapping, folder: Path, tables: dict[str, pl.DataFrame]
) -> tuple[dict[str, Definition], list[Definition]]:
    """By pipeline the definition it has or is to get; and those the log does not have yet.

    A pipeline that is there keeps its definition, whatever the mapping says.
    """
    own = {definition.pipeline: definition for definition in own_definitions(mapping, folder, tables)}
    found, missing = dict[str, Definition](), list[Definition]()
    for key in {mapping.pipeline: None} | dict.fromkeys(own) | dict.fromkeys(mapping.pipelines):
        published = in_force(log, key).definition
        if published is None and key in own:
            missing.append(own[key])
        if published is not None or key in own:
            found[key] = published or own[key]
    if not found:
        raise Rejected(
            f"there is no pipeline {mapping.pipeline!r}: publish its definition (dealtrail pipeline publish FILE), "
            "or name the file in the mapping as `definition`"
        )
    return found, missing


def own_definitions(mapping: Mapping, folder: Path, tables: dict[str, pl.DataFrame]) -> list[Definition]:
    if mapping.definition is None:
        return []
    if isinstance(mapping.definition, StageTable):
        return mapping.definition.definitions(tables[mapping.definition.table], mapping.pipeline)
    definition = load_definition(folder / mapping.definition)
    if definition.pipeline != mapping.pipeline:
        raise Rejected(
            f"{mapping.definition} defines pipeline {definition.pipeline!r}, the mapping says {mapping.pipeline!r}: "
            "correct one of them"
        )
    return [definition]


def publish(log: Log, definition: Definition, origin: str, actor: UUID) -> bool:
    """Creates the pipeline where it is missing and publishes its first definition; false: somebody else was first."""
    key = definition.pipeline
    create = CreatePipeline(pipeline=key, name=definition.name.get("en") or key)
    first = PublishDefinition(pipeline=key, definition=definition, reason=REASON, replaces_version=0)
    try:
        if in_force(log, key).key is None:
            handle(log, create, actor=actor, origin=origin)
    except Rejected:
        if in_force(log, key).key is None:
            raise
    try:
        return bool(handle(log, first, actor=actor, origin=origin).events)
    except Conflict:
        return False
