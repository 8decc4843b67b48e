"""dealtrail pipeline preview, compare: what other stages tell of the same history, before anybody works by them."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.answering import answer
from service.cli.hints import to_type
from service.cli.naming import Lang, names_in
from service.cli.opening import archive_ahead, viewed
from service.cli.pipeline_drafts import draft_number
from service.cli.presets import preset_or_file
from service.cli.question import Question, asks

if TYPE_CHECKING:
    from engine.projections.definitions import Definitions
    from engine.projections.lens import Choice, Lens
    from engine.stages.definition import Definition

SHOWN = 10
"""journeys of each list on a terminal, when --limit does not say"""

Previewed = int | tuple[str, ...]
"""a draft by its number, or the words that name a preset or a file, as they were typed"""

Limit = Annotated[
    int | None,
    typer.Option("--limit", metavar="N", min=0, help="Journeys that each list names (100; drawn: 10)."),
]


@asks
def preview(
    question: Question,
    *,
    stages: Annotated[
        str, typer.Argument(metavar="PRESET|FILE|draft:N", help="A preset's name, a YAML file, or a draft.")
    ],
    against: Annotated[
        str, typer.Option("--against", metavar="now|then|N|draft:N", help="What they are set beside.")
    ] = "now",
    called: Annotated[
        str | None, typer.Option("--as", metavar="KEY", help="Take the preset or file for this pipeline's.")
    ] = None,
    limit: Limit = None,
    lang: Lang = None,
) -> None:
    """These stages and those in force over all history, side by side: before anybody works by them. Writes nothing."""
    from engine.stages.presets import under

    lens = lens_of(question)
    before = replace(lens, definition=choice(against, "--against"))
    number = draft_number(stages)
    if number is not None:
        if called is not None:
            raise typer.BadParameter("--as: a draft is of one pipeline; draft it under the other key")
        show(question, before, replace(lens, definition=choice(stages, "draft")), limit, lang, number)
        return
    definition = preset_or_file(stages)
    if called is not None:
        definition = under(definition, called)
    if question.pipeline not in (None, definition.pipeline):
        raise typer.BadParameter(
            f"--pipeline: the stages are those of {definition.pipeline!r}; use --as to rename them"
        )
    named = (stages,) if called is None else (stages, "--as", called)
    show(replace(question, pipeline=definition.pipeline), before, definition, limit, lang, named)


@asks
def compare(
    question: Question,
    *,
    before: Annotated[str, typer.Argument(metavar="BEFORE", help="now, then, the number of a version, or draft:N.")],
    after: Annotated[str, typer.Argument(metavar="AFTER", help="The same of the other side.")] = "now",
    limit: Limit = None,
    lang: Lang = None,
) -> None:
    """Two versions of the stages over all history, side by side."""
    lens = lens_of(question)
    first, second = (replace(lens, definition=choice(text, "version")) for text in (before, after))
    show(question, first, second, limit, lang, None)


def lens_of(question: Question) -> "Lens":
    if question.definition != "now":
        raise typer.BadParameter("--definition: two definitions are asked for here, by the argument and --against")
    return question.lens()


def choice(text: str, field: str) -> "Choice":
    from engine.errors import Rejected
    from engine.projections.lens import choice_of

    try:
        return choice_of(text)
    except Rejected as error:
        raise typer.BadParameter(f"{field}: {error}") from None


def show(
    question: Question,
    before: "Lens",
    after: "Lens | Definition",
    limit: int | None,
    lang: str | None,
    previewed: "Previewed | None",
) -> None:
    """previewed: None in a comparison."""
    with archive_ahead(question.db) as ahead:
        from replay import preview as metric
        from replay.beside import looks, of_both, sharing
        from replay.stage_figures import side
        from service.cli.pipeline_drawn import draw
        from service.policy_effects import policy_rows

        filters = question.filters()
        listed = limit if limit is not None else SHOWN if question.shape == "drawn" else metric.LISTED
        with viewed(question.db, ahead) as views:
            old, new = looks(views, question.pipeline, before, after)
            before_side, after_side = sharing(*of_both(old, new, partial(side, filters=filters)))
            policies = policy_rows(views, before_side, after_side)
            found = metric.preview(before_side, after_side, policies=policies, listed=listed)
            outlook = None if previewed is None else outlook_of(views.definitions, new.pipeline, previewed, question.db)
            names: dict[str, str] | None = None
            if lang is not None:
                names = {} if old is None else names_in(lang, old.definition) or {}
                names = {**names, **(names_in(lang, new.definition) or {})}
            answer(found, question.shape, partial(draw, outlook=outlook), names=names)


def outlook_of(definitions: "Definitions", pipeline: str, previewed: Previewed, db: str) -> str:
    """How what was previewed is put in force: the command that does it, on the database that was looked at."""
    if isinstance(previewed, tuple):
        named = previewed
    elif definitions.draft(pipeline, previewed).discarded:
        return f"draft:{previewed} was discarded: to put it in force, draft its stages again"
    else:
        named = (f"draft:{previewed}", "--pipeline", pipeline)
    versions = definitions.by_pipeline.get(pipeline)
    over = ("--expect-version", str(versions[-1].version)) if versions else ()
    why = " --reason '...'" if versions else ""
    return f"To put it in force: {to_type(db, 'pipeline', 'publish', *named, *over)}{why}"
