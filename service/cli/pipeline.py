"""dealtrail pipeline: which stages there are, and changing them: draft, preview, publish, roll back."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.naming import Lang
from service.cli.opening import viewed
from service.cli.options import Db, Json
from service.cli.pipeline_drafts import discard, draft, drafts
from service.cli.pipeline_preview import compare, preview
from service.cli.pipeline_publish import publish, rollback
from service.cli.pipeline_told import callers, head, print_json, published_at, spoken, stage_table, who
from service.cli.presets import plain, presets
from service.cli.terminal import console, table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from engine.projections.definitions import Published

app = typer.Typer(help="List, show and change pipelines and their stages.", no_args_is_help=True)
app.command(epilog="Example: dealtrail pipeline presets ca --lang ca")(presets)
app.command(epilog="Example: dealtrail pipeline draft stages.yaml --note 'fewer stages'")(draft)
app.command(epilog="Example: dealtrail pipeline drafts")(drafts)
app.command(epilog="Example: dealtrail pipeline discard draft:2")(discard)
app.command(epilog="Example: dealtrail pipeline preview stages.yaml --team north")(preview)
app.command(epilog="Example: dealtrail pipeline compare 1 2 --json")(compare)
app.command(epilog="Example: dealtrail pipeline publish draft:1 --reason 'one offer is enough'")(publish)
app.command(epilog="Example: dealtrail pipeline rollback --to 1 --reason 'the north could not work with it'")(rollback)


@app.command("list", epilog="Example: dealtrail pipeline list")
def list_pipelines(db: Db = "", json: Json = False) -> None:
    """All pipelines with the version in force."""
    with viewed(db) as views:
        views.catch_up()
        known = {key: versions[-1] for key, versions in sorted(views.definitions.by_pipeline.items())}
        people = callers(views.log, [version.actor for version in known.values()])
    if json:
        print_json({"pipelines": [head(version, people) for version in known.values()]})
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
    definition: Annotated[str, typer.Option("--definition", metavar="now|N|draft:N", help="Another version.")] = "now",
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
        people = callers(views.log, [each.actor for each in (*every, version)])
    if json:
        versions = [head(each, people) for each in every]
        print_json({**head(version, people), "versions": versions, "definition": plain(version.definition)})
        return
    out = console()
    name = spoken(version.definition.name, lang)
    told = f"version {version.version} of {every[-1].version}, published" if version.version > 0 else f"{definition},"
    out.print(f"[bold]{version.definition.pipeline}[/bold] {name} · {told} {published_at(version)} UTC")
    out.print(stage_table(version.definition, lang))
    if len(every) > 1:
        out.print(versions_table(every, people))


def versions_table(every: "list[Published]", people: "Mapping[UUID, str]") -> Any:
    from rich.markup import escape

    drawn = table("version", "published", "by", "reason", "stages", right=["version"])
    for each in reversed(every):
        by = who(each.actor, people) or ""
        stages = ", ".join(stage.key for stage in each.definition.stages)
        drawn.add_row(str(each.version), published_at(each), escape(by), escape(each.reason), stages)
    return drawn
