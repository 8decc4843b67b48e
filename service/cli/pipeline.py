"""dealtrail pipeline: which stages there are, and publishing others."""

from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.opening import opened, viewed
from service.cli.options import Actor, Db, Json
from service.cli.terminal import console, moment, percent, table

if TYPE_CHECKING:
    from engine.projections.definitions import Published
    from engine.stages.definition import Definition, Stage

app = typer.Typer(help="List, show and publish pipelines and their stages.", no_args_is_help=True)


@app.command("list", epilog="Example: dealtrail pipeline list")
def list_pipelines(db: Db = "", json: Json = False) -> None:
    """All pipelines with the version in force."""
    with viewed(db) as views:
        views.catch_up()
        known = {key: versions[-1] for key, versions in sorted(views.definitions.by_pipeline.items())}
    if json:
        print_json({"pipelines": [head(version) for version in known.values()]})
        return
    if not known:
        print("No pipeline yet: publish one with `dealtrail pipeline publish FILE`, or import with a mapping")
        return
    drawn = table("pipeline", "name", "version", "published", "stages", right=["version"])
    for key, version in known.items():
        stages = ", ".join(stage.key for stage in version.definition.stages)
        drawn.add_row(key, english(version.definition.name), str(version.version), published_at(version), stages)
    console().print(drawn)


@app.command(epilog="Example: dealtrail pipeline show loans --definition 1")
def show(
    pipeline: Annotated[str | None, typer.Argument(metavar="[KEY]", help="Default: the only one.")] = None,
    definition: Annotated[str, typer.Option("--definition", metavar="now|N", help="Another version.")] = "now",
    db: Db = "",
    json: Json = False,
) -> None:
    """The stages of a pipeline: what they are called, what brings a journey there, when it stalls."""
    from engine.projections.lens import Lens

    with viewed(db) as views:
        views.catch_up()
        version = views.definitions.choose(pipeline, Lens.of(definition=definition))
        every = views.definitions.by_pipeline[version.definition.pipeline]
    if json:
        print_json({**head(version), "versions": [head(other) for other in every], "definition": plain(version)})
        return
    out = console()
    of = f"version {version.version} of {every[-1].version}, published {published_at(version)} UTC"
    out.print(f"[bold]{version.definition.pipeline}[/bold] {english(version.definition.name)} · {of}")
    out.print(stage_table(version.definition))


@app.command(epilog="Example: dealtrail pipeline publish stages.yaml --reason 'negotiation split off' --actor rep-01")
def publish(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="YAML.", exists=True, dir_okay=False)],
    reason: Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why the stages change.")] = None,
    expected_version: Annotated[
        int | None,
        typer.Option("--expected-version", metavar="N", help="The version you looked at; refused when it is another."),
    ] = None,
    actor: Actor = "",
    db: Db = "",
    json: Json = False,
) -> None:
    """Put stages in force. All history is read by them from now on; older versions stay to compare."""
    from engine.aggregates.inputs import PersonRef
    from engine.aggregates.pipeline.commands import CreatePipeline, PublishDefinition
    from engine.aggregates.pipeline.state import Pipeline, evolve, pipeline_stream
    from engine.handle import handle
    from engine.stages.definition import load_definition

    definition = load_definition(file)
    key = definition.pipeline
    publisher = PersonRef(source="login", key=actor)

    with opened(db) as log:

        def state() -> Pipeline:
            return reduce(evolve, [entry.event for entry in log.stream(pipeline_stream(key))], Pipeline())

        before = state()
        command = PublishDefinition(
            pipeline=key,
            definition=definition,
            reason=reason or ("first version" if before.version == 0 else None),
            replaces_version=expected_version,
        )
        if before.key is None:
            name = english(definition.name) or key
            handle(log, CreatePipeline(pipeline=key, name=name), actor=publisher, origin="cli")
        handle(log, command, actor=publisher, origin="cli")
        after = state()
    if json:
        print_json({"pipeline": key, "version": after.version, "published": after.version != before.version})
    elif after.version == before.version:
        print(f"{key}: version {after.version} says the same already; nothing was written")
    else:
        print(f"{key}: version {after.version} is in force; `dealtrail pipeline show {key}` shows it")


def head(version: "Published") -> dict[str, Any]:
    from engine.values import from_micros

    definition = version.definition
    return {
        "pipeline": definition.pipeline,
        "name": definition.name,
        "version": version.version,
        "published_at": from_micros(version.occurred_at).isoformat().replace("+00:00", "Z"),
        "stages": [stage.key for stage in definition.stages],
    }


def plain(version: "Published") -> dict[str, Any]:
    return version.definition.model_dump(mode="json", exclude_defaults=True)


def print_json(said: dict[str, Any]) -> None:
    from json import dumps

    print(dumps(said, indent=2, ensure_ascii=False))


def published_at(version: "Published") -> str:
    from engine.values import from_micros

    return moment(from_micros(version.occurred_at))


def english(names: dict[str, str]) -> str:
    return names.get("en") or next(iter(names.values()), "")


def stage_table(definition: "Definition") -> Any:
    drawn = table("", "stage", "name", "kind", "entered when", "team", "probability", "stalls after", right=[""])
    for place, stage in enumerate(definition.stages, 1):
        enter = stage.enter.describe() if stage.enter else ("it begins" if place == 1 else "a person moves it")
        share = percent(stage.probability)
        drawn.add_row(
            str(place), stage.key, english(stage.name), stage.kind, enter, stage.team or "", share, stalls(stage)
        )
    return drawn


def stalls(stage: "Stage") -> str:
    if stage.stall is None:
        return "-"
    idle, stay = stage.stall.idle_days, stage.stall.stage_days
    parts = [f"{idle:g} d idle" if idle is not None else "", f"{stay:g} d in it" if stay is not None else ""]
    return ", ".join(part for part in parts if part)
