"""dealtrail sizing: how many deals, leads and entries of every stage a target takes."""

from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.answering import answer, looking
from service.cli.explain import Explain, explained
from service.cli.options import By
from service.cli.question import Question, asks, usage
from service.cli.terminal import money, percent, table

if TYPE_CHECKING:
    from rich.console import Console

    from engine.projections.sizing import Sizes, Sizing, Target


@asks
def sizing(
    question: Question,
    *,
    target: Annotated[
        str | None, typer.Option("--target", metavar="MONEY", help='Revenue to reach, such as "100000 EUR".')
    ] = None,
    deals: Annotated[int | None, typer.Option("--deals", metavar="N", help="Or a number of deals to win.")] = None,
    average: Annotated[
        str | None, typer.Option("--average", metavar="MONEY", help="Average sale; without it as observed.")
    ] = None,
    close_rate: Annotated[
        float | None, typer.Option("--close-rate", metavar="SHARE", help="0 to 1; without it as observed.")
    ] = None,
    reps: Annotated[int | None, typer.Option("--reps", metavar="N", help="How many share the leads.")] = None,
    by: By = None,
    explain: Explain = None,
) -> None:
    """Deals and leads that a target takes; with --by owner a plan for each, at its own rates."""
    asked = target_of(target, deals, average, close_rate, reps)
    with looking(question) as (look, filters):
        if explain is not None:
            explained(explain, "sizing", look, filters, question, by)
            return
        from engine.projections import sizing as metric

        answer(metric.sizing(look, asked, filters, by=by), question.shape, draw, counted="decided journeys")


def target_of(
    target: str | None, deals: int | None, average: str | None, close_rate: float | None, reps: int | None
) -> "Target":
    from engine.projections.sizing import Target
    from service.question import money_of, understood

    with usage(), understood():
        revenue, sale = money_of("target", target), money_of("average", average)
        return Target(revenue=revenue, deals=deals, average=sale, close_rate=close_rate, reps=reps)


def draw(found: "Sizing", out: "Console") -> None:
    stages = [stage.stage for stage in found.stages]
    numbers = ("target", "average\nsale", "close rate", "deals", "leads")
    drawn = table("", *numbers, *stages, right=(*numbers, *stages), breaks=("target", "average\nsale"))
    rows: list[tuple[str, Sizes]] = [(group.label or "none", group) for group in found.groups or ()]
    for name, each in [*rows, ("all", found)]:
        drawn.add_row(
            name,
            money([each.target] if each.target else []),
            money([each.average_sale] if each.average_sale else []),
            percent(each.close_rate),
            whole(each.deals),
            f"[bold]{whole(each.leads)}[/bold]",
            *[whole(stage.entries) for stage in each.stages],
        )
    out.print(drawn)
    if found.leads_per_rep is not None:
        out.print(f"{found.leads_per_rep:,} leads for each of {found.reps:,} reps")
    coming = found.incoming
    if coming.leads_per_month is not None and coming.deals_per_month is not None:
        out.print(
            f"Coming in: {coming.leads:,} leads in {coming.days:,.0f} days, {coming.leads_per_month:,.1f} a month: "
            f"{coming.deals_per_month:,.1f} deals a month, {money(coming.value_per_month)}".replace("\n", ", ")
        )


def whole(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"
