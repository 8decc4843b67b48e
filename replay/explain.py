"""Behind a number: for a cell of an answer the journeys it counts, and the events that put each of them there.

    explain(look, "conversion", {"stage": "proposal", "part": "lost"})

The cell is found with the same functions as the answer, so that what is listed adds up to what was told.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import polars as pl

from engine.errors import Rejected
from engine.projections.cards import Owner
from engine.projections.figures import Answer, Figures, head
from engine.projections.filters import EVERYTHING, Filters
from engine.projections.groups import named
from engine.projections.views import Look
from engine.stages.facts import KINDS
from engine.values import from_micros
from replay.cells import Cell, Members
from replay.funnel_cells import conversion
from replay.standing_cells import board, cycle_time, stalled, win_rate

LISTED = 1_000
CELLS: Final[dict[str, Callable[..., Members]]] = {
    "board": board,
    "conversion": conversion,
    "cycle-time": cycle_time,
    "win-rate": win_rate,
    "stalled": stalled,
}
"""by answer, as the command line calls it"""


class ExplainedEvent(Figures):
    what: str
    """what it did for this figure: opened, entered, advanced, left, closed, qualified, last_activity"""
    event: str
    """name of the event"""
    position: int
    event_id: str
    occurred_at: datetime


class ExplainedJourney(Figures):
    journey: str
    key: str | None
    label: str | None
    owner: Owner | None
    events: tuple[ExplainedEvent, ...]
    """in the order in which they happened"""


class Explanation(Answer):
    """n: the journeys of the cell, listed or not."""

    answer: str
    cell: dict[str, str]
    figure: int
    """the number in the cell: of transitions visits, else journeys"""
    journeys: tuple[ExplainedJourney, ...]
    """in the order of their ids"""


def explain(
    look: Look,
    answer: str,
    cell: Mapping[str, str],
    filters: Filters = EVERYTHING,
    *,
    limit: int = LISTED,
    **options: Any,
) -> Explanation:
    """What a cell of the answer is made of. options: those of the answer (strict, within_days, cohort, ...).

    limit: journeys that are listed. Rejected: an answer, key or value of the cell that there is not.
    """
    if answer not in CELLS:
        raise Rejected(f"answer {answer!r} can't be explained: use one of {', '.join(CELLS)}")
    if not 0 <= limit <= 1_000_000:
        raise Rejected(f"limit {limit} is out of range: 0 to 1000000")
    found = CELLS[answer](look, filters, Cell(dict(cell)), **options)
    ids = look.journeys.select("journey", "journey_id", "title", "owner")
    members = found.members.unique("journey").join(ids, on="journey").sort("journey_id")
    shown = members.head(limit)
    return Explanation(
        **head(look),
        n=members.height,
        answer=answer,
        cell=dict(cell),
        figure=found.members.height,
        journeys=tuple(listed(look, shown, found.events)),
    )


def listed(look: Look, shown: pl.DataFrame, events: pl.DataFrame) -> list[ExplainedJourney]:
    """Each journey with its events, whose rows are journey, what, position."""
    here = pl.col("journey").is_in(shown["journey"].implode())
    rows = (
        events.filter(here & pl.col("position").is_not_null())
        .unique(["journey", "what", "position"])
        .join(look.seen().events.filter(here).select("position", "occurred_at", "kind"), on="position")
        .sort("journey", "occurred_at", "position", "what")
    )
    ids = look.event_ids(rows["position"])
    told: dict[int, list[ExplainedEvent]] = {}
    for row in rows.iter_rows(named=True):
        told.setdefault(row["journey"], []).append(
            ExplainedEvent(
                what=row["what"],
                event=KINDS[row["kind"]],
                position=row["position"],
                event_id=str(ids[row["position"]]),
                occurred_at=from_micros(row["occurred_at"]),
            )
        )
    people = named(look, shown["owner"].drop_nulls().unique().to_list())
    return [
        ExplainedJourney(
            journey=str(UUID(row["journey_id"])),
            key=row["key"],
            label=row["label"],
            owner=owner(row["owner"], people),
            events=tuple(told.get(row["journey"], ())),
        )
        for row in look.named(shown).iter_rows(named=True)
    ]


def owner(person_id: str | None, people: dict[str, tuple[str, str]]) -> Owner | None:
    if person_id is None:
        return None
    key, label = people.get(person_id, (person_id, person_id))
    return Owner(key=key, label=label)


def cell_of(text: str) -> dict[str, str]:
    """`stage=proposal part=lost`, by spaces or commas. Rejected: what is no NAME=VALUE."""
    pairs = [part.partition("=") for part in text.replace(",", " ").split()]
    if not pairs or not all(name and separator and value for name, separator, value in pairs):
        raise Rejected(f"cell {text!r} is not understood: write NAME=VALUE, such as stage=proposal part=lost")
    return {name: value for name, _, value in pairs}
