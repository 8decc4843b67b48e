"""dealtrail hygiene: open journeys gone silent, stuck in their stage, or with stale notes."""

from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.answering import answer, looking
from service.cli.explain import Explain, explained
from service.cli.question import Question, asks
from service.cli.terminal import duration, moment, table

if TYPE_CHECKING:
    from rich.console import Console

    from engine.projections.hygiene import Hygiene

SHOWN = 50
"""journeys on the terminal; --json lists all"""


@asks
def hygiene(
    question: Question,
    *,
    silent_days: Annotated[float, typer.Option("--silent-days", metavar="DAYS", help="Silent from then on.")] = 14,
    note_days: Annotated[float, typer.Option("--note-days", metavar="DAYS", help="Notes are stale from then on.")] = 30,
    explain: Explain = None,
) -> None:
    """Open journeys gone silent, stuck longer than 85 % of the visits of their stage, or with stale notes."""
    with looking(question) as (look, filters):
        if explain is not None:
            explained(explain, "hygiene", look, filters, question, silent_days=silent_days, note_days=note_days)
            return
        from engine.projections import hygiene as metric

        found = metric.hygiene(look, filters, silent_days=silent_days, note_days=note_days)
        answer(found, question.shape, draw)


def draw(found: "Hygiene", out: "Console") -> None:
    drawn = table("", "deal", "title", "stage", "in stage", "last", "note", "why", "owner", right=("in stage",))
    for each in found.journeys[:SHOWN]:
        why = [
            name
            for name, so in (("silent", each.silent), ("stuck", each.stuck), ("stale notes", each.stale_notes))
            if so
        ]
        drawn.add_row(
            each.key or each.journey,
            each.label or "",
            each.stage,
            duration(each.age_seconds),
            moment(each.last_activity_at),
            moment(each.last_note_at) if each.last_note_at else "-",
            ", ".join(why),
            each.owner.label if each.owner else "-",
        )
    out.print(drawn)
    usual = ", ".join(f"{stage.stage} {duration(stage.p85_seconds)}" for stage in found.normal)
    out.print(f"85 % of the visits are shorter than: {usual}")
    out.print(
        f"{len(found.journeys):,} of {found.n:,} open journeys: {found.silent:,} silent, {found.stuck:,} stuck, "
        f"{found.stale_notes:,} with stale notes"
    )
