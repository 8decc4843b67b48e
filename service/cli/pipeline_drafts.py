"""dealtrail pipeline draft, drafts, discard: stages that somebody thinks of and nobody works by yet."""

from typing import Annotated

import typer

from service.cli.as_json import print_json
from service.cli.hints import to_type
from service.cli.opening import opened, viewed
from service.cli.options import Actor, Db, Json, from_options
from service.cli.presets import preset_or_file
from service.cli.terminal import console, moment, table

OfPipeline = Annotated[str | None, typer.Option("--pipeline", metavar="KEY", help="Default: the only one.")]


def draft_number(text: str) -> int | None:
    """The number in draft:N; None where it is something else. BadParameter: a draft without a number."""
    from engine.errors import Rejected
    from engine.projections.lens import DRAFT, choice_of

    if not text.startswith(DRAFT):
        return None
    try:
        choice = choice_of(text)
    except Rejected:
        raise typer.BadParameter(f"{text!r} is no draft: write its number, such as draft:1") from None
    assert isinstance(choice, int)
    return -choice


def draft(
    *,
    stages: Annotated[str, typer.Argument(metavar="PRESET|FILE", help="A preset's name, or a YAML file.")],
    pipeline: Annotated[str | None, typer.Option("--as", metavar="KEY", help="Call the pipeline so.")] = None,
    note: Annotated[str | None, typer.Option("--note", metavar="TEXT", help="What it is for.")] = None,
    actor: Actor = "",
    db: Db = "",
    json: Json = False,
) -> None:
    """Keep stages to be previewed, spoken about and published, or not. A draft changes no answer."""
    from engine.aggregates.inputs import PersonRef
    from engine.aggregates.pipeline.commands import DraftDefinition
    from engine.handle import handle
    from engine.stages.presets import under

    definition = preset_or_file(stages)
    definition = definition if pipeline is None else under(definition, pipeline)
    with from_options():
        command = DraftDefinition(pipeline=definition.pipeline, definition=definition, note=note)
    with opened(db) as log:
        outcome = handle(log, command, actor=PersonRef(source="login", key=actor), origin="cli")
    # The first draft of a pipeline begins it.
    event = outcome.events[-1].event
    if json:
        named = {"draft": f"draft:{event.number}", "draft_id": str(event.draft_id)}
        print_json({"pipeline": definition.pipeline, **named, "based_on": event.based_on})
        return
    on = f"on version {event.based_on}" if event.based_on else "the first stages of this pipeline"
    look = to_type(db, "pipeline", "preview", f"draft:{event.number}", "--pipeline", definition.pipeline)
    print(f"{definition.pipeline}: draft:{event.number}, {on}; look at what it changes with `{look}`")


def drafts(
    *,
    pipeline: Annotated[str | None, typer.Argument(metavar="[KEY]", help="Default: all.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those published or discarded.")] = False,
    db: Db = "",
    json: Json = False,
) -> None:
    """Drafts that wait to be published or discarded."""
    from service.versions import drafts_told, waits

    with viewed(db) as views:
        views.catch_up()
        definitions = views.definitions
        known = definitions.drafts(None if pipeline is None else definitions.key(pipeline))
        told = drafts_told(views.log, definitions, [each for each in known if everything or waits(each)])
    if json:
        print_json({"drafts": [each.model_dump(mode="json") for each in told]})
        return
    if not told:
        print("No draft: keep one with `dealtrail pipeline draft FILE`, or look at a file with `preview FILE`")
        return
    from rich.markup import escape

    drawn = table("draft", "pipeline", "drafted", "by", "on", "state", "note", "stages", right=["on"])
    for each in told:
        said = escape(each.drafted_by or ""), str(each.based_on), each.state, escape(each.note or "")
        drawn.add_row(each.draft, each.pipeline, moment(each.drafted_at), *said, ", ".join(each.stages))
    console().print(drawn)


def discard(
    *,
    draft: Annotated[str, typer.Argument(metavar="draft:N", help="Which.")],
    pipeline: OfPipeline = None,
    actor: Actor = "",
    db: Db = "",
    json: Json = False,
) -> None:
    """Throw a draft away. Its number is not given again."""
    from engine.aggregates.inputs import PersonRef
    from engine.aggregates.pipeline.commands import DiscardDraft
    from engine.handle import handle

    number = draft_number(draft)
    if number is None:
        raise typer.BadParameter(f"{draft!r} is no draft: write its number, such as draft:1")
    with viewed(db) as views:
        views.catch_up()
        key = views.definitions.key(pipeline)
        draft_id = views.definitions.draft(key, number).draft_id
        command = DiscardDraft(pipeline=key, draft_id=draft_id)
        outcome = handle(views.log, command, actor=PersonRef(source="login", key=actor), origin="cli")
    if json:
        print_json({"pipeline": key, "draft": f"draft:{number}", "discarded": bool(outcome.events)})
    else:
        print(f"{key}: draft:{number} " + ("is discarded" if outcome.events else "was discarded before"))
