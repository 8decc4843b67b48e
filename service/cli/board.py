"""dealtrail board: what stands in each stage, what it is worth, what is stalled; and the cards."""

from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from service.cli.answering import answer, looking
from service.cli.explain import Explain, explained
from service.cli.naming import Lang, names_in
from service.cli.options import By
from service.cli.question import Question, asks, usage
from service.cli.terminal import duration, money, percent, table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from engine.projections.board import Board, BoardGroup
    from engine.projections.cards import Card

SHOWN = 10
"""cards on a terminal, when --limit does not say"""


@asks
def board(
    question: Question,
    *,
    by: By = None,
    order: Annotated[
        Literal["age", "value", "next_action", "likelihood", "opened", "closed", "activity", "expected_close"],
        typer.Option("--order", help="Which cards come first."),
    ] = "age",
    stage: Annotated[str | None, typer.Option("--stage", metavar="KEY", help="Cards of this stage alone.")] = None,
    show: Annotated[Literal["all", "open", "closed"] | None, typer.Option("--show", help="Which cards.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", metavar="N", help="How many cards (50; drawn: 10).")] = None,
    after: Annotated[str | None, typer.Option("--after", metavar="CURSOR", help="`next` of the page before.")] = None,
    basis: Annotated[
        Literal["observed", "configured"], typer.Option("--basis", help="Where the likelihood comes from.")
    ] = "observed",
    lang: Lang = None,
    explain: Explain = None,
) -> None:
    """What stands where: count, value, weighted value, age and stalls per stage; and the cards."""
    from service.question import cards_of

    asked = {
        "order": order,
        "currency": question.currency if order == "value" else None,
        "stage": stage,
        "show": show or ("all" if question.shape != "drawn" else "open"),
        "limit": limit if limit is not None else (50 if question.shape != "drawn" else SHOWN),
        "after": after,
    }
    with usage():
        cards = cards_of(asked)
    with looking(question) as (look, filters):
        if explain is not None:
            explained(explain, "board", look, filters, question, by)
            return
        from engine.projections import board as view

        found = view.board(look, filters, by=by, basis=basis, cards=cards, language=lang)
        answer(found, question.shape, partial(draw, order=order), names=names_in(lang, look.definition))


def draw(found: "Board", out: "Console", order: str) -> None:
    if found.groups is None:
        out.print(stages(found))
    for group in found.groups or ():
        out.print(f"\n[bold]{group.label or 'none'}[/bold] · {group.n:,} journeys")
        out.print(stages(group))
    apart = {"transferred": found.transferred, "merged": found.merged, "void": found.void}
    if any(apart.values()):
        out.print("Not on the board: " + ", ".join(f"{count:,} {name}" for name, count in apart.items() if count))
    if found.cards:
        out.print(cards(found.cards, order.replace("_", " ")))
    if found.next:
        out.print(f"More: --after {found.next}", soft_wrap=True)


def stages(found: "Board | BoardGroup") -> "Table":
    numbers = ("journeys", "value", "likely", "weighted", "median\nage", "stalled")
    drawn = table("stage", *numbers, right=numbers, breaks=("value", "weighted"))
    for at in found.stages:
        chance = "too few" if at.insufficient_history and at.kind == "open" else percent(at.likelihood)
        stalled = f"[bold red]{at.stalled:,}[/bold red]" if at.stalled else "-"
        name = at.stage if at.kind == "open" else f"[{COLOURS[at.kind]}]{at.stage}[/]"
        ages = duration(at.age_p50_seconds)
        drawn.add_row(name, f"{at.count:,}", money(at.value), chance, money(at.weighted), ages, stalled)
    if found.unmapped.count:
        there = found.unmapped
        ages = duration(there.age_p50_seconds)
        drawn.add_row("[yellow]unmapped[/]", f"{there.count:,}", money(there.value), "-", "-", ages, "-")
    return drawn


COLOURS = {"won": "green", "lost": "red", "after_sale": "cyan"}


def cards(listed: "tuple[Card, ...]", order: str) -> "Table":
    volumes = any(card.volume for card in listed)
    numbers = ["for", *["volume"] * volumes, "value", "likely"]
    drawn = table(
        "deal",
        "title",
        "stage",
        *numbers,
        "expected",
        "owner",
        "next action",
        "",
        right=numbers,
        breaks=["value"],
        title=f"\nCards by {order}",
    )
    for card in listed:
        drawn.add_row(
            card.key or card.journey[:8],
            card.label or "",
            card.stage,
            duration(card.age_seconds),
            *[card.volume or "-"] * volumes,
            money([card.value] if card.value else []),
            percent(card.likelihood),
            "-" if card.expected_close is None else f"{card.expected_close}",
            card.owner.label if card.owner else "-",
            "-" if card.next_action_at is None else f"{card.next_action_at:%Y-%m-%d}",
            "[bold red]stalled[/]" if card.stalled else "",
        )
    return drawn
