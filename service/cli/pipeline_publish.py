"""dealtrail pipeline publish, rollback: which stages are in force, by whom and why."""

from functools import reduce
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.errors import Rejected
from service.cli.as_json import print_json
from service.cli.hints import to_type
from service.cli.opening import opened, viewed
from service.cli.options import Actor, Db, Json, from_options
from service.cli.pipeline_told import english
from service.cli.presets import preset_or_file

if TYPE_CHECKING:
    from engine.aggregates.inputs import PersonRef
    from engine.aggregates.pipeline.commands import PipelineCommand
    from engine.aggregates.pipeline.state import Pipeline
    from engine.log.application import Log
    from engine.stages.definition import Definition

Expected = Annotated[
    int | None,
    typer.Option(
        "--expect-version", metavar="N", min=0, help="The version you looked at; refused when it is another by now."
    ),
]
Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why the stages change.")]
OnlyOne = Annotated[str | None, typer.Option("--pipeline", metavar="KEY", help="Of the draft. Default: the only one.")]

FIRST = "first version"
"""the reason of a pipeline's first stages, when none is given"""


def publish(
    *,
    stages: Annotated[
        str, typer.Argument(metavar="PRESET|FILE|draft:N", help="A preset's name, a YAML file, or a draft.")
    ],
    pipelines: Annotated[
        list[str] | None,
        typer.Option("--as", metavar="KEY", help="Call the pipeline so; repeat for one funnel a channel."),
    ] = None,
    pipeline: OnlyOne = None,
    reason: Reason = None,
    expect_version: Expected = None,
    actor: Actor = "",
    db: Db = "",
    json: Json = False,
) -> None:
    """Put stages in force. All history is read by them from now on; older versions stay to compare.

    Where a version is in force already, --expect-version says that you know it: the preview tells its number. A draft
    goes over the version it was drafted on.
    """
    from engine.aggregates.inputs import PersonRef
    from engine.stages.presets import under
    from service.cli.pipeline_drafts import draft_number

    publisher = PersonRef(source="login", key=actor)
    number = draft_number(stages)
    if number is not None:
        if pipelines:
            raise typer.BadParameter("--as: a draft is of one pipeline; draft it under the other key")
        said = [publish_draft(db, pipeline, number, publisher, reason, expect_version)]
    else:
        definition = preset_or_file(stages)
        named: dict[tuple[str, ...], Definition] = {(stages,): definition}
        if pipelines:
            named = {(stages, "--as", key): under(definition, key) for key in pipelines}
        with opened(db) as log:
            said = [put_in_force(log, each, publisher, reason, expect_version, words) for words, each in named.items()]
    tell(said, json, db)


def rollback(
    *,
    pipeline: Annotated[str | None, typer.Argument(metavar="[KEY]", help="Default: the only one.")] = None,
    to: Annotated[
        int | None, typer.Option("--to", metavar="N", help="The version (the one before that in force).", min=1)
    ] = None,
    reason: Reason = None,
    expect_version: Expected = None,
    actor: Actor = "",
    db: Db = "",
    json: Json = False,
) -> None:
    """Put an earlier version in force again: as a new version that says so. No history is lost by it."""
    from engine.aggregates.inputs import PersonRef
    from engine.aggregates.pipeline.commands import RollBackDefinition

    with viewed(db) as views:
        views.catch_up()
        key = views.definitions.key(pipeline)
        with from_options():
            command = RollBackDefinition(pipeline=key, to=to, reason=reason, replaces_version=expect_version)
        tell([given(views.log, command, PersonRef(source="login", key=actor))], json, db)


def tell(said: list[dict[str, Any]], json: bool, db: str) -> None:
    if json:
        print_json(said[0] if len(said) == 1 else {"pipelines": said})
        return
    for each in said:
        key, version = each["pipeline"], each["version"]
        if each["published"]:
            show = to_type(db, "pipeline", "show", key)
            print(f"{key}: version {version} is in force ({each['reason']}); `{show}` shows it")
        else:
            print(f"{key}: version {version} says the same already; nothing was written")


def put_in_force(
    log: "Log",
    definition: "Definition",
    publisher: "PersonRef",
    reason: str | None,
    expected_version: int | None,
    named: tuple[str, ...],
) -> dict[str, Any]:
    """Creates the pipeline where there is none yet, then publishes; what is in force afterwards.

    named: the words that name the definition on the command line.
    """
    from engine.aggregates.pipeline.commands import CreatePipeline, PublishDefinition
    from engine.aggregates.pipeline.rules import must_be_in_force
    from engine.handle import handle

    key = definition.pipeline
    before = state_of(log, key)
    if expected_version is None and before.version > 0 and definition != before.definition:
        look = to_type(log.url, "pipeline", "preview", *named)
        raise Rejected(
            f"version {before.version} of pipeline {key!r} is in force: look at what changes with `{look}`, then "
            f"publish with --expect-version {before.version} and a --reason"
        )
    with from_options():
        command = PublishDefinition(
            pipeline=key,
            definition=definition,
            reason=reason or (FIRST if before.version == 0 else None),
            replaces_version=expected_version,
        )
    if before.key is None:
        # A publication that will be refused begins no pipeline.
        must_be_in_force(before, key, expected_version)
        handle(log, CreatePipeline(pipeline=key, name=english(definition.name) or key), actor=publisher, origin="cli")
    return given(log, command, publisher)


def publish_draft(
    db: str, pipeline: str | None, number: int, publisher: "PersonRef", reason: str | None, expected: int | None
) -> dict[str, Any]:
    from engine.aggregates.pipeline.commands import PublishDefinition

    with viewed(db) as views:
        views.catch_up()
        key = views.definitions.key(pipeline)
        draft = views.definitions.draft(key, number)
        said = reason or (None if key in views.definitions.by_pipeline else FIRST)
        with from_options():
            command = PublishDefinition(pipeline=key, draft_id=draft.draft_id, reason=said, replaces_version=expected)
        return given(views.log, command, publisher)


def given(log: "Log", command: "PipelineCommand", actor: "PersonRef") -> dict[str, Any]:
    """Handles it; what is in force afterwards, and whether that is new."""
    from engine.aggregates.pipeline.events import DefinitionPublished
    from engine.handle import handle

    events = [entry.event for entry in handle(log, command, actor=actor, origin="cli").events]
    said = [event for event in events if isinstance(event, DefinitionPublished)]
    version = said[0].version if said else state_of(log, command.pipeline).version
    return {
        "pipeline": command.pipeline,
        "version": version,
        "published": bool(said),
        "reason": said[0].reason if said else None,
    }


def state_of(log: "Log", key: str) -> "Pipeline":
    from engine.aggregates.pipeline.state import Pipeline, evolve, pipeline_stream

    return reduce(evolve, [entry.event for entry in log.stream(pipeline_stream(key))], Pipeline())
