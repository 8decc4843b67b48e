"""The answers over HTTP: one row a question, all looked at, tagged and told the same way."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Query, Request, Response

from engine.projections import board, conversion, cycle_time, stalled, win_rate
from engine.projections.cards import Cards
from engine.projections.figures import Answer
from engine.projections.filters import Filters
from engine.projections.views import Look
from service import metrics
from service.auth import EVERY, Caller, caller_of
from service.question import cards_of
from service.rights import narrowed
from service.routes import asked
from service.routes.pages import cursor, resumed
from service.routes.routing import Routes, running_of
from service.routes.tags import not_modified, tag_of, told, unchanged
from service.running import Pinned, Running


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, what it may be asked, and what computes the answer."""

    name: str
    question: type[asked.Question]
    answer: type[Answer]
    compute: Callable[[Look, Filters, Any], Answer]
    summary: str


def board_of(look: Look, filters: Filters, question: asked.BoardQuestion) -> board.Board:
    return board.board(look, filters, by=question.by, basis=question.basis, cards=cards_for(question))


def cards_for(question: asked.BoardQuestion) -> Cards:
    return cards_of(
        {
            "order": question.order,
            "currency": question.currency if question.order == "value" else None,
            "stage": question.stage,
            "show": question.show,
            "limit": question.limit,
            "after": question.after,
        }
    )


def conversion_of(look: Look, filters: Filters, question: asked.ConversionQuestion) -> Answer:
    return conversion.conversion(
        look,
        filters,
        by=question.by,
        strict=question.strict,
        within_days=question.within_days,
        in_period=question.in_period,
    )


def cycle_time_of(look: Look, filters: Filters, question: asked.CycleTimeQuestion) -> Answer:
    return cycle_time.cycle_time(
        look, filters, by=question.by, from_stage=question.from_stage, from_first_touch=question.from_first_touch
    )


def win_rate_of(look: Look, filters: Filters, question: asked.WinRateQuestion) -> Answer:
    return win_rate.win_rate(
        look, filters, by=question.by, cohort=question.cohort, without_reasons=tuple(question.without_reason)
    )


def stalled_of(look: Look, filters: Filters, question: asked.StalledQuestion) -> Answer:
    return stalled.stalled(look, filters, idle_days=question.idle_days)


QUESTIONS: tuple[Asked, ...] = (
    Asked("board", asked.BoardQuestion, board.Board, board_of, "What stands in each stage, and the cards"),
    Asked("conversion", asked.ConversionQuestion, conversion.Conversion, conversion_of, "How many went further"),
    Asked("cycle-time", asked.CycleTimeQuestion, cycle_time.CycleTime, cycle_time_of, "How long it takes"),
    Asked("win-rate", asked.WinRateQuestion, win_rate.WinRate, win_rate_of, "Won of what was decided"),
    Asked("stalled", asked.StalledQuestion, stalled.Stalled, stalled_of, "Where nothing happens any more"),
)


def add_questions(routes: Routes) -> None:
    for each in QUESTIONS:
        routes.add(
            "GET",
            f"/v1/{each.name}",
            endpoint_of(each),
            name=f"get_{each.name.replace('-', '_')}",
            summary=each.summary,
            tag="answers",
            allow=EVERY,
            refusals=("not-found", "gone"),
            answers=each.answer,
            queries=True,
        )


def endpoint_of(each: Asked) -> Callable[..., Any]:
    async def endpoint(request: Request, question: Any) -> Response:
        running, caller = running_of(request), caller_of(request)
        with metrics.answer_seconds.labels(each.name).time():
            whose = caller.person_id if caller.role == "rep" else None
            asked_now = (each.name, question.model_dump_json(), whose)
            seen = await running.sharing.fresh(
                asked_now, lambda: running.reading.run(lambda: looked(running, caller, request, question))
            )
            if unchanged(request, seen.tag):
                return not_modified(seen.tag)
            body = running.answers.get(seen.tag)
            if body is None:
                body = await running.sharing.same(
                    seen.tag, lambda: running.reading.run(lambda: computed(running, each, seen))
                )
            return told(body, seen.tag)

    endpoint.__annotations__["question"] = Annotated[each.question, Query()]
    return endpoint


@dataclass(frozen=True, slots=True)
class Seen:
    """A question, and the world it is about."""

    look: Look
    filters: Filters
    question: asked.Question
    same: str
    """what its pages have in common"""
    tag: str


def looked(running: Running, caller: Caller, request: Request, question: asked.Question) -> Seen:
    lens, filters = question.lens(), narrowed(running.log, caller, question.filters())
    # Everything but where a page begins and how long it is.
    same = repr((filters, question.model_dump(exclude={"after", "limit"})))
    if isinstance(question, asked.BoardQuestion) and question.after is not None:
        look, following = resumed(running, question.after, same)
        question = question.model_copy(update={"after": following})
    else:
        look = running.look(question.pipeline, lens)
    tag = tag_of(running, caller, request, filters, *pin_of(look))
    return Seen(look, filters, question, same, tag)


def computed(running: Running, each: Asked, seen: Seen) -> bytes:
    found = each.compute(seen.look, seen.filters, seen.question)
    if isinstance(found, board.Board) and found.next is not None:
        running.looks.put(pin_of(seen.look), seen.look)
        found = found.model_copy(update={"next": cursor(running.log, seen.look, seen.same, found.next)})
    body = found.model_dump_json(by_alias=True).encode()
    running.answers.put(seen.tag, body)
    return body


def pin_of(look: Look) -> Pinned:
    return (look.pipeline, look.version, look.as_of, look.known_at, look.position)
