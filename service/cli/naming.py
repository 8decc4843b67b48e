"""--lang: stages called by their names in a language. Without it they are called by their keys, which one can type."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from pydantic import BaseModel

    from engine.stages.definition import Definition

M = TypeVar("M", bound="BaseModel")
STAGES = ("stage", "from_stage", "to", "shows_at")
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
    """The same figures to be drawn: names in place of the stages' keys, and every text as it was written.

    What people wrote may hold brackets, which Rich would take for its own markup. What stands in a dict is not touched.
    """
    words = {field: worded(getattr(figures, field), names, field) for field in type(figures).model_fields}
    return figures.model_copy(update=words)


def worded(value: Any, names: Mapping[str, str], field: str = "") -> Any:
    from pydantic import BaseModel
    from rich.markup import escape

    if isinstance(value, str):
        return escape(names.get(value, value) if field in STAGES else value)
    if isinstance(value, tuple):
        return tuple(worded(each, names) for each in value)
    return in_words(value, names) if isinstance(value, BaseModel) else value
