"""--lang: stages called by their names in a language. Without it they are called by their keys, which one can type."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from pydantic import BaseModel

    from engine.stages.definition import Definition

M = TypeVar("M", bound="BaseModel")
STAGES = ("stage", "from_stage", "to")
"""fields of answers that hold a stage's key"""


def known_language(code: str | None) -> str | None:
    from re import fullmatch

    if code is None or fullmatch("[a-z]{2,3}", code):
        return code
    raise typer.BadParameter(f"{code!r} is no code of a language: two or three small letters, such as en, ca or bg")


Lang = Annotated[
    str | None,
    typer.Option(
        "--lang",
        metavar="CODE",
        help="Stages by their names in this language; where there is none in English, else by key.",
        callback=known_language,
        show_default=False,
    ),
]


def names_in(lang: str | None, definition: "Definition") -> dict[str, str] | None:
    """Name by stage key; None: no language was asked for."""
    from engine.stages.names import stage_names

    return None if lang is None else stage_names(definition, lang)


def in_words(figures: M, names: Mapping[str, str]) -> M:
    """The same figures to be drawn, with names in place of the stages' keys."""
    from pydantic import BaseModel
    from rich.markup import escape

    words: dict[str, Any] = {}
    for field in type(figures).model_fields:
        value = getattr(figures, field)
        if field in STAGES and isinstance(value, str):
            words[field] = escape(names.get(value, value))
        elif isinstance(value, BaseModel):
            words[field] = in_words(value, names)
        elif isinstance(value, tuple):
            words[field] = tuple(in_words(each, names) if isinstance(each, BaseModel) else each for each in value)
    return figures.model_copy(update=words)
