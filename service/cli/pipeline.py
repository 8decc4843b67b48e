"""dealtrail pipeline: which stages there are, and changing them: draft, preview, publish, roll back."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.as_json import print_json
from service.cli.naming import Lang
from service.cli.opening import viewed
from service.cli.options import Db, Json
from service.cli.pipeline_drafts import discard, draft, drafts
from service.cli.pipeline_preview import compare, preview
from service.cli.pipeline_publish import publish, rollback
from service.cli.pipeline_told import spoken, stage_table
from service.cli.presets import plain, presets
from service.cli.terminal import console, moment, table

if TYPE_CHECKING:
    from engine.stages.definition import Definition
    from service.versions import Version

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
    from service.versions import versions_told

    with viewed(db) as views:
        views.catch_up()
        newest = [versions[-1] for _, versions in sorted(views.definitions.by_pipeline.items())]
        known = versions_told(views.log, newest)
    if json:
        print_json({"pipelines": [version.model_dump(mode="json") for version in known]})
        return
    if not known:
        print("No pipeline yet: publish one with `dealtrail pipeline publish PRESET|FILE`, or import with a mapping")
        return
    drawn = table("pipeline", "name", "version", "published", "stages", right=["version"])
    for version in known:
        at, stages = moment(version.published_at), ", ".join(version.stages)
        drawn.add_row(version.pipeline, spoken(version.name), str(version.version), at, stages)
    console().print(drawn)


@app.command(epilog="Example: dealtrail pipeline show loans --definition 1")
def show(
    pipeline: Annotated[str | None, typer.Argument(metavar="[KEY]", help="Default: the only one.")] = None,
    definition: Annotated[str, typer.Option("--definition", metavar="now|N|draft:N", help="Another version.")] = "now",
    yaml: Annotated[bool, typer.Option("--yaml", help="Print the stages as a file to change and preview.")] = False,
    lang: Lang = None,
    db: Db = "",
    json: Json = False,
) -> None:
    """The stages of a pipeline: what they are called, what brings a journey there, when it stalls."""
    from engine.projections.lens import Lens
    from service.versions import versions_told

    with viewed(db) as views:
        views.catch_up()
        chosen = views.definitions.choose(pipeline, Lens.of(definition=definition))
        stages = chosen.definition
        version, *every = versions_told(views.log, [chosen, *views.definitions.by_pipeline.get(stages.pipeline, [])])
    if yaml:
        print(as_yaml(stages), end="")
        return
    if json:
        versions = [each.model_dump(mode="json") for each in every]
        print_json({**version.model_dump(mode="json"), "versions": versions, "definition": plain(stages)})
        return
    out = console()
    of = f"version {version.version} of {every[-1].version}, published" if chosen.version > 0 else f"{version.version},"
    out.print(f"[bold]{stages.pipeline}[/bold] {spoken(stages.name, lang)} · {of} {moment(version.published_at)} UTC")
    out.print(stage_table(stages, lang))
    if len(every) > 1:
        out.print(versions_table(every))


def as_yaml(definition: "Definition") -> str:
    from yaml import safe_dump

    return safe_dump(plain(definition), sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)


def versions_table(every: "list[Version]") -> Any:
    from rich.markup import escape

    drawn = table("version", "published", "by", "reason", "stages", right=["version"])
    for each in reversed(every):
        told = moment(each.published_at), escape(each.published_by or ""), escape(each.reason), ", ".join(each.stages)
        drawn.add_row(str(each.version), *told)
    return drawn
