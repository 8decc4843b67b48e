"""dealtrail pipeline: which stages there are, and publishing others."""

from functools import reduce
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.naming import Lang
from service.cli.opening import opened, viewed
from service.cli.options import Actor, Db, Json
from service.cli.presets import plain, preset_or_file, presets
from service.cli.terminal import console, moment, percent, table

if TYPE_CHECKING:
    from engine.aggregates.inputs import PersonRef
    from engine.log.application import Log
    from engine.projections.definitions import Published
    from engine.stages.definition import Definition, Stage

app = typer.Typer(help="List, show and publish pipelines and their stages.", no_args_is_help=True)
app.command(epilog="Example: dealtrail pipeline presets ca --lang ca")(presets)


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
        print("No pipeline yet: publish one with `dealtrail pipeline publish PRESET|FILE`, or import with a mapping")
        return
    drawn = table("pipeline", "name", "version", "published", "stages", right=["version"])
    for key, version in known.items():
        stages = ", ".join(stage.key for stage in version.definition.stages)
        drawn.add_row(key, spoken(version.definition.name), str(version.version), published_at(version), stages)
    console().print(drawn)


@app.command(epilog="Example: dealtrail pipeline show loans --definition 1")
def show(
    pipeline: Annotated[str | None, typer.Argument(metavar="[KEY]", help="Default: the only one.")] = None,
    definition: Annotated[str, typer.Option("--definition", metavar="now|N", help="Another version.")] = "now",
    lang: Lang = None,
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
        print_json(
            {**head(version), "versions": [head(other) for other in every], "definition": plain(version.definition)}
        )
        return
    out = console()
    of = f"version {version.version} of {every[-1].version}, published {published_at(version)} UTC"
    out.print(f"[bold]{version.definition.pipeline}[/bold] {spoken(version.definition.name, lang)} · {of}")
    out.print(stage_table(version.definition, lang))


@app.command(epilog="Example: dealtrail pipeline publish ca --as web --as phone --actor rep-01")
def publish(
    *,
    stages: Annotated[str, typer.Argument(metavar="PRESET|FILE", help="A preset's name, or a YAML file.")],
    pipelines: Annotated[
        list[str] | None,
        typer.Option("--as", metavar="KEY", help="Call the pipeline so; repeat for one funnel a channel."),
    ] = None,
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
    from engine.stages.presets import under

    definition = preset_or_file(stages)
    definitions = [under(definition, key) for key in dict.fromkeys(pipelines)] if pipelines else [definition]
    publisher = PersonRef(source="login", key=actor)
    with opened(db) as log:
        said = [put_in_force(log, each, publisher, reason, expected_version) for each in definitions]
    if json:
        print_json(said[0] if len(said) == 1 else {"pipelines": said})
        return
    for each in said:
        key, version = each["pipeline"], each["version"]
        if each["published"]:
            print(f"{key}: version {version} is in force; `dealtrail pipeline show {key}` shows it")
        else:
            print(f"{key}: version {version} says the same already; nothing was written")


def put_in_force(
    log: "Log", definition: "Definition", publisher: "PersonRef", reason: str | None, expected_version: int | None
) -> dict[str, Any]:
    """Creates the pipeline where there is none yet, then publishes; what is in force afterwards."""
    from engine.aggregates.pipeline.commands import CreatePipeline, PublishDefinition
    from engine.aggregates.pipeline.state import Pipeline, evolve, pipeline_stream
    from engine.handle import handle

    key = definition.pipeline

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
        handle(log, CreatePipeline(pipeline=key, name=english(definition.name) or key), actor=publisher, origin="cli")
    handle(log, command, actor=publisher, origin="cli")
    after = state()
    return {"pipeline": key, "version": after.version, "published": after.version != before.version}


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


def print_json(said: dict[str, Any]) -> None:
    from json import dumps

    print(dumps(said, indent=2, ensure_ascii=False))


def published_at(version: "Published") -> str:
    from engine.values import from_micros

    return moment(from_micros(version.occurred_at))


def english(names: dict[str, str]) -> str:
    return names.get("en") or next(iter(names.values()), "")


def spoken(names: dict[str, str], lang: str | None = None) -> str:
    """To be drawn: in the language asked for, else in English; without a language in any, English first."""
    from rich.markup import escape

    from engine.stages.names import called

    return escape(english(names) if lang is None else called(names, lang, ""))


def stage_table(definition: "Definition", lang: str | None = None) -> Any:
    """Names and descriptions in the language."""
    from rich.markup import escape

    drawn = table("", "stage", "name", "kind", "entered when", "team", "probability", "stalls after", right=[""])
    for place, stage in enumerate(definition.stages, 1):
        enter = stage.enter.describe() if stage.enter else ("it begins" if place == 1 else "a person moves it")
        share = percent(stage.probability)
        name, text = spoken(stage.name, lang), spoken(stage.description, lang)
        named = f"{name}\n[dim]{text}[/dim]" if text else name
        drawn.add_row(
            str(place), stage.key, named, stage.kind, escape(enter), escape(stage.team or ""), share, stalls(stage)
        )
    return drawn


def stalls(stage: "Stage") -> str:
    if stage.stall is None:
        return "-"
    rule = stage.stall
    kinds = "/".join(rule.touch_kinds) if rule.touch_kinds else "touch"
    limits = [(rule.idle_days, "idle"), (rule.touch_days, f"without {kinds}"), (rule.stage_days, "in it")]
    unit = "working d" if rule.business else "d"
    return ", ".join(f"{days:g} {unit} {what}" for days, what in limits if days is not None)
