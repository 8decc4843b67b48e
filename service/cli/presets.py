"""dealtrail pipeline presets: ready stages to publish as they are, or to copy and change."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.naming import Lang
from service.cli.options import Json
from service.cli.terminal import console, table

if TYPE_CHECKING:
    from engine.stages.definition import Definition


def presets(
    name: Annotated[str | None, typer.Argument(metavar="[PRESET]", help="One of them, stage by stage.")] = None,
    yaml: Annotated[bool, typer.Option("--yaml", help="Print the preset as a file to change and publish.")] = False,
    lang: Lang = None,
    json: Json = False,
) -> None:
    """The presets and their stages; needs no database."""
    from engine.stages.presets import PRESETS, preset, preset_file
    from service.cli.as_json import print_json
    from service.cli.pipeline_told import stage_table

    if yaml and name is None:
        raise typer.BadParameter("--yaml prints one preset: name it")
    known = {one: preset(one) for one in ([name] if name else PRESETS)}
    if json:
        print_json({"presets": [{"preset": one, "definition": plain(found)} for one, found in known.items()]})
        return
    if name and yaml:
        print(preset_file(name).read_text(encoding="utf-8"), end="")
        return
    out = console()
    if name:
        from engine.stages.names import called

        out.print(f"[bold]{name}[/bold] {called(known[name].name, lang, '')}")
        out.print(stage_table(known[name], lang))
        return
    out.print(summary(known, lang))
    out.print("Look at one with `dealtrail pipeline presets NAME`, publish it with `dealtrail pipeline publish NAME`.")


def summary(known: "dict[str, Definition]", lang: str | None) -> Any:
    from engine.stages.names import called

    drawn = table("preset", "name", "stages", "languages")
    for name, found in known.items():
        stages = ", ".join(called(stage.name, lang, stage.key) for stage in found.stages if stage.kind != "lost")
        languages = sorted({code for stage in found.stages for code in stage.name})
        drawn.add_row(name, called(found.name, lang, name), stages, ", ".join(languages))
    return drawn


def plain(definition: "Definition") -> dict[str, Any]:
    return definition.model_dump(mode="json", exclude_defaults=True)


def preset_or_file(text: str) -> "Definition":
    """What `publish` is to put in force. A file that is called like a preset is written ./ca."""
    from engine.stages.definition import load_definition
    from engine.stages.presets import PRESETS, preset

    if text in PRESETS:
        return preset(text)
    if not Path(text).is_file():
        raise typer.BadParameter(f"{text!r} is neither a file nor a preset: the presets are {', '.join(PRESETS)}")
    return load_definition(Path(text))
