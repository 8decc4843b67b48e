"""The frame every answer has: look through the lens, answer, print as JSON or under one heading."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console

from service.cli.opening import viewed
from service.cli.question import Question
from service.cli.terminal import console, moment

if TYPE_CHECKING:
    from engine.projections.figures import Answer
    from engine.projections.filters import Filters
    from engine.projections.views import Look

A = TypeVar("A", bound="Answer")


@contextmanager
def looking(question: Question) -> Iterator[tuple["Look", "Filters"]]:
    """What the question sees; options are checked before the database is opened."""
    lens, filters = question.lens(), question.filters()
    with viewed(question.db) as views:
        yield views.look(question.pipeline, lens), filters


def answer(found: A, json: bool, draw: Callable[[A, Console], None], counted: str = "journeys") -> None:
    """counted: what n counts."""
    if json:
        print(found.model_dump_json(indent=2))
        return
    out = console()
    out.print(heading(found, counted))
    draw(found, out)


def heading(found: "Answer", counted: str = "journeys") -> str:
    """What the answer was computed from."""
    known = "" if found.known_at is None else f", known at {moment(found.known_at)}"
    return (
        f"[bold]{found.pipeline}[/bold] · {found.n:,} {counted} · as of {moment(found.as_of)} UTC{known} · "
        f"definition {found.definition} · log position {found.position:,}"
    )
