"""The frame every answer has: look through the lens, answer, print as JSON or under one heading."""

import json as plain_json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console

from service.cli.as_csv import as_csv
from service.cli.naming import in_words
from service.cli.opening import viewed
from service.cli.options import Shape
from service.cli.question import Question
from service.cli.terminal import console, moment

if TYPE_CHECKING:
    from engine.projections.figures import Answer
    from engine.projections.filters import Filters
    from engine.projections.look import Look

A = TypeVar("A", bound="Answer")


@contextmanager
def looking(question: Question) -> Iterator[tuple["Look", "Filters"]]:
    """What the question sees; options are checked before the database is opened."""
    lens, filters = question.lens(), question.filters()
    with viewed(question.db) as views:
        yield views.look(question.pipeline, lens), filters


def answer(
    found: A,
    shape: Shape,
    draw: Callable[[A, Console], None],
    counted: str = "journeys",
    names: Mapping[str, str] | None = None,
) -> None:
    """counted: what n counts. names: what to call the stages, by key (--lang)."""
    if shape == "csv":
        print(as_csv(found, names), end="")
        return
    if shape == "json":
        if names is None:
            print(found.model_dump_json(indent=2))
        else:
            print(plain_json.dumps(found.model_dump(mode="json") | {"names": names}, indent=2, ensure_ascii=False))
        return
    out = console()
    out.print(heading(found, counted))
    draw(in_words(found, names or {}), out)


def heading(found: "Answer", counted: str = "journeys") -> str:
    """What the answer was computed from."""
    known = "" if found.known_at is None else f", known at {moment(found.known_at)}"
    return (
        f"[bold]{found.pipeline}[/bold] · {found.n:,} {counted} · as of {moment(found.as_of)} UTC{known} · "
        f"definition {found.definition} · log position {found.position:,}"
    )
