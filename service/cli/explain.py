"""--explain on an answer: behind one of its numbers, the journeys and the events."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.answering import answer
from service.cli.question import Question
from service.cli.terminal import moment, table

if TYPE_CHECKING:
    from rich.console import Console

    from engine.projections.filters import Filters
    from engine.projections.views import Look
    from replay.explain import Explanation

SHOWN = 20
"""journeys on the terminal; --json lists more"""

Explain = Annotated[
    str | None,
    typer.Option(
        "--explain",
        metavar="CELL",
        help='Instead: the journeys and events behind a number, "stage=proposal part=lost".',
        show_default=False,
    ),
]


def explained(
    cell: str, of: str, look: "Look", filters: "Filters", question: Question, by: str | None, **options: Any
) -> None:
    """Print what stands behind a cell of an answer; options: those of the answer."""
    if by is not None:
        raise typer.BadParameter("--explain looks at one group: name it by a filter, such as --owner, instead of --by")
    from replay.explain import cell_of, explain

    answer(explain(look, of, cell_of(cell), filters, **options), question.shape, draw)


def draw(found: "Explanation", out: "Console") -> None:
    words = " ".join(f"{name}={value}" for name, value in found.cell.items())
    out.print(f"{found.answer}, {words}: [bold]{found.figure:,}[/bold]")
    drawn = table("deal", "title", "owner", "", "event", "happened", "log\nposition", right=("log\nposition",))
    for each in found.journeys[:SHOWN]:
        name = each.key or each.journey[:8]
        told = (name, each.label or "", each.owner.label if each.owner else "-")
        for place, event in enumerate(each.events):
            first = told if place == 0 else ("", "", "")
            drawn.add_row(*first, event.what, event.event, moment(event.occurred_at), f"{event.position:,}")
        if not each.events:
            drawn.add_row(*told)
    out.print(drawn)
    more = found.n - min(len(found.journeys), SHOWN)
    if more:
        out.print(f"{more:,} more with --json; `dealtrail history DEAL` tells each whole")
