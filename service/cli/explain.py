"""--explain on an answer: behind one of its numbers, the journeys and the events."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.answering import answer
from service.cli.question import Question
from service.cli.terminal import duration, moment, money, table

if TYPE_CHECKING:
    from rich.console import Console

    from engine.projections.filters import Filters
    from engine.projections.look import Look
    from replay.explain import Explanation

SHOWN = 20
"""journeys on the terminal; --json lists more"""

Explain = Annotated[
    str | None,
    typer.Option(
        "--explain",
        metavar="CELL",
        help='Instead: the journeys and events behind a number, "part=lost stage=proposal group=rep-03".',
        show_default=False,
    ),
]


def explained(
    cell: str, of: str, look: "Look", filters: "Filters", question: Question, by: str | None = None, **options: Any
) -> None:
    """Print what stands behind a cell of an answer; options: those of the answer."""
    from replay.cells.finding import cell_of
    from replay.explain import explain

    answer(explain(look, of, cell_of(cell), filters, by=by, **options), question.shape, draw)


def draw(found: "Explanation", out: "Console") -> None:
    words = " ".join(f"{name}={value}" for name, value in found.cell.items())
    out.print(f"{found.answer}, {words}: [bold]{found.figure:,}[/bold]{together(found)}")
    worth, took = any(each.value for each in found.journeys), found.times.n > 0
    columns = ["deal", "title", "owner", *["value"] * worth, *["took"] * took]
    right = ("value", "took", "happened", "log\nposition", "event id")
    drawn = table(*columns, "", "event", "happened", "log\nposition", "event id", right=right)
    for each in found.journeys[:SHOWN]:
        told = [each.key or each.journey[:8], each.label or "", each.owner.label if each.owner else "-"]
        told += [money(each.value)] * worth + [duration(each.seconds)] * took
        for place, event in enumerate(each.events):
            first = told if place == 0 else [""] * len(told)
            happened = moment(event.occurred_at)
            drawn.add_row(*first, event.what, event.event, happened, f"{event.position:,}", event.event_id)
        if not each.events:
            drawn.add_row(*told)
    out.print(drawn)
    more = found.n - min(len(found.journeys), SHOWN)
    if more:
        out.print(f"{more:,} more with --json; `dealtrail history DEAL` tells each whole")


def together(found: "Explanation") -> str:
    """What they are worth and how long they took."""
    told = [f"worth {money(found.value)}".replace("\n", ", ")] if found.value else []
    told += [f"median {duration(found.times.p50_seconds)}"] if found.times.n else []
    return "".join(f", {each}" for each in told)
