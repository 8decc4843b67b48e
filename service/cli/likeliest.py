"""dealtrail likeliest: which open deals are most winnable, what they will bring and when, and who has them."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from service.cli.answering import answer, looking
from service.cli.explain import Explain, explained
from service.cli.naming import Lang, names_in
from service.cli.question import Question, asks
from service.cli.terminal import bar, duration, money, percent, room, table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from engine.projections.cards import Card
    from engine.projections.likeliest import Likeliest

BESIDE_BARS = 80
"""characters of a row beside its bar"""
SHOWN = 10
"""deals on a terminal, when --limit does not say"""


@asks
def likeliest(
    question: Question,
    *,
    by: Annotated[
        str, typer.Option("--by", metavar="GROUPING", help="Whose deals: owner, team, manager, region, source, ...")
    ] = "owner",
    basis: Annotated[
        Literal["observed", "configured"], typer.Option("--basis", help="Where the likelihood comes from.")
    ] = "observed",
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=0, max=10_000, help="How many deals (50; drawn: 10).")
    ] = None,
    after: Annotated[str | None, typer.Option("--after", metavar="CURSOR", help="`next` of the page before.")] = None,
    lang: Lang = None,
    explain: Explain = None,
) -> None:
    """Open deals likeliest to close first; strong and weak stages; the revenue to expect, month by month."""
    wanted = limit if limit is not None else (50 if question.shape != "drawn" else SHOWN)
    with looking(question) as (look, filters):
        if explain is not None:
            explained(explain, "likeliest", look, filters, question, by, basis=basis)
            return
        from engine.projections import likeliest as metric

        found = metric.likeliest(look, filters, by=by, basis=basis, limit=wanted, after=after)
        answer(found, question.shape, draw, counted="open deals", names=names_in(lang, look.definition))


def draw(found: "Likeliest", out: "Console") -> None:
    out.print(stages(found, out))
    out.print(months(found, out))
    out.print(members(found))
    out.print(deals(found.deals))
    if found.next:
        out.print(f"{found.count - len(found.deals):,} more with --limit")


def stages(found: "Likeliest", out: "Console") -> "Table":
    numbers = ("deals", "likelihood", "go further", "value", "weighted")
    drawn = table("stage", "", *numbers, "", right=numbers, breaks=("value", "weighted"))
    width = room(out, BESIDE_BARS)
    for stage in found.stages:
        drawn.add_row(
            stage.stage,
            f"[cyan]{bar(stage.likelihood or 0, width)}[/cyan]",
            f"{stage.count:,}",
            percent(stage.likelihood),
            percent(stage.conversion),
            money(stage.value),
            money(stage.weighted),
            stage.strength or "",
        )
    return drawn


def months(found: "Likeliest", out: "Console") -> "Table":
    numbers = ("deals", "value", "weighted")
    drawn = table("expected", "", *numbers, right=numbers, breaks=("value", "weighted"), title="Revenue projection")
    most = max((month.count for month in found.months), default=0)
    width = room(out, BESIDE_BARS)
    for month in found.months:
        name = "overdue" if month.overdue else month.month or "no date"
        drawn.add_row(
            name,
            f"[green]{bar(month.count / most, width)}[/green]",
            f"{month.count:,}",
            money(month.value),
            money(month.weighted),
        )
    return drawn


def members(found: "Likeliest") -> "Table":
    numbers = ("deals", "value", "weighted")
    drawn = table(found.by, *numbers, right=numbers, breaks=("value", "weighted"), title="Open deals")
    for member in found.groups:
        drawn.add_row(member.label or "none", f"{member.count:,}", money(member.value), money(member.weighted))
    drawn.add_row("[bold]all[/bold]", f"{found.count:,}", money(found.value), money(found.weighted))
    return drawn


def deals(cards: "tuple[Card, ...]") -> "Table":
    numbers = ("likelihood", "value", "in stage")
    drawn = table(
        "deal",
        "title",
        "stage",
        *numbers,
        "expected",
        "owner",
        right=numbers,
        title="Likeliest first",
    )
    for card in cards:
        drawn.add_row(
            card.key or card.journey[:8],
            card.label or "",
            card.stage,
            percent(card.likelihood),
            money([card.value] if card.value else []),
            duration(card.age_seconds),
            "-" if card.expected_close is None else f"{card.expected_close}",
            card.owner.label if card.owner else "-",
        )
    return drawn
