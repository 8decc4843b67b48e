"""What a question sees: lens and filters, as far as the caller may look; the same world for all pages of a list."""

from dataclasses import dataclass

from fastapi import Request

from engine.projections.filters import Filters
from engine.projections.look import Look
from service.auth import Caller
from service.own_words import in_own_words
from service.rights import narrowed
from service.routes.asked import ExplainQuestion, Paged, Question
from service.routes.pages import cursor, resumed
from service.routes.tags import tag_of
from service.running import Pinned, Running


@dataclass(frozen=True, slots=True)
class Seen:
    """A question, and the world it is about."""

    look: Look
    filters: Filters
    question: Question
    cell: ExplainQuestion | None
    """what of the answer is to be explained"""
    same: str
    """what its pages have in common"""
    tag: str


def looked(
    running: Running, caller: Caller, request: Request, question: Question, cell: ExplainQuestion | None = None
) -> Seen:
    lens, filters = question.lens(), narrowed(running.log, caller, question.filters())
    # Everything but where a page begins and how long it is.
    same = repr((request.url.path, filters, question.model_dump(exclude={"after", "limit"}), cell and cell.cell))
    if cell is not None and cell.after is not None:
        look, following = resumed(running, cell.after, same, live=lens.live)
        cell = cell.model_copy(update={"after": following})
    elif isinstance(question, Paged) and question.after is not None:
        look, following = resumed(running, question.after, same, live=lens.live)
        question = question.model_copy(update={"after": following})
    else:
        look = running.look(question.pipeline, lens)
    filters = in_own_words(look, caller, filters, getattr(question, "by", None))
    tag = tag_of(running, caller, request, filters, *pin_of(look), erased=look.erased)
    return Seen(look, filters, question, cell, same, tag)


def next_page(running: Running, seen: Seen, following: str) -> str:
    """The cursor of the next page, from the list's own: it pins what this page saw, which is kept for a while."""
    running.keep(pin_of(seen.look), seen.look)
    return cursor(running.log, pin_of(seen.look), seen.same, following)


def pin_of(look: Look) -> Pinned:
    return (look.pipeline, look.version, look.as_of, look.known_at, look.position)
