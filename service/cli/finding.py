"""dealtrail find: leads and deals by title, customer or key."""

from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.opening import viewed
from service.cli.options import Db, Json
from service.cli.terminal import console, moment, money, table

if TYPE_CHECKING:
    from rich.console import Console

    from engine.projections.search import Search


def find(
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="Words of a title, a customer or a key; all must be there.")
    ],
    *,
    pipeline: Annotated[str | None, typer.Option("--pipeline", metavar="KEY", help="Of one alone (all).")] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=100, help="How many are shown.")] = 20,
    json: Json = False,
    db: Db = "",
) -> None:
    """Leads and deals that are called so; case and accents do not count. Best first."""
    from engine.projections.lens import Lens
    from engine.projections.names import Names
    from engine.projections.search import search

    with viewed(db) as views:
        views.catch_up()
        asked = views.pipelines() if pipeline is None else [pipeline]
        looks = [views.look(each, Lens.of()) for each in asked]
        found = search(looks, Names(views), text, limit=limit)
    if json:
        print(found.model_dump_json(indent=2))
        return
    draw(found, console())


def draw(found: "Search", out: "Console") -> None:
    from rich.markup import escape

    if found.found:
        drawn = table("", "title", "customer", "stage", "value", "owner", "last", right=("value",))
        for each in found.found:
            drawn.add_row(
                escape(each.key or each.journey),
                escape(each.label or ""),
                escape(each.customer.label) if each.customer else "-",
                f"{each.pipeline}: {each.stage}" if several(found) else each.stage,
                money([each.value] if each.value else []),
                escape(each.owner.label) if each.owner else "-",
                moment(each.last_activity_at),
            )
        out.print(drawn)
    more = found.n - len(found.found)
    out.print(f"{found.n:,} found" + (f", {more:,} more with --limit or another word" if more else ""))


def several(found: "Search") -> bool:
    return len({each.pipeline for each in found.found}) > 1
