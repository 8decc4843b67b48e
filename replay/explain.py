"""Behind a number: for a cell of any answer the journeys it counts, and the events that put each of them there.

    explain(look, "conversion", {"stage": "proposal", "part": "lost"})

Every answer says what its figures are counted from (replay/cells), with the functions the answer itself uses, so that
what is listed adds up to what was told.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import polars as pl

from engine.errors import Rejected
from engine.projections.cards import Owner
from engine.projections.figures import (
    NO_DURATIONS,
    SECOND,
    Amount,
    Answer,
    Durations,
    Figures,
    amounts,
    head,
    sums,
    timed,
)
from engine.projections.filters import EVERYTHING, Filters
from engine.projections.groups import named
from engine.projections.look import Look
from engine.projections.pages import Pages
from engine.stages.facts import KINDS
from engine.values import from_micros
from replay.cells import closed, expected, foretold, funnel, periods, standing, work
from replay.cells.counted import Counted
from replay.cells.finding import found_in, of_group, table_of

LISTED = 1_000
CELLS: Final[dict[str, Callable[..., list[Counted]]]] = {
    "board": standing.board,
    "conversion": funnel.conversion,
    "cycle-time": closed.cycle_time,
    "win-rate": closed.win_rate,
    "velocity": closed.velocity,
    "sizing": closed.sizing,
    "sources": closed.sources,
    "activity": work.activity,
    "satisfaction": work.satisfaction,
    "losses": closed.losses,
    "likeliest": standing.likeliest,
    "forecast": expected.forecast,
    "forecast-accuracy": foretold.forecast_accuracy,
    "compare": periods.comparison,
    "trend": periods.trend,
    "stalled": standing.stalled,
    "hygiene": standing.hygiene,
    "follow-ups": standing.follow_ups,
}
"""by answer, as the command line calls it"""
GROUPED: Final = {"sources": "source", "likeliest": "owner"}
"""answers that are always grouped, and by what where nothing is said"""


class ExplainedEvent(Figures):
    what: str
    """what it did for this figure: opened, entered, advanced, left, closed, qualified, valued, touched, ..."""
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
    count: int
    """how often it counts"""
    value: tuple[Amount, ...]
    """what it adds to a figure of money"""
    seconds: float | None
    """what it adds to a length of time"""
    figures: tuple[str, ...]
    """all figures of the answer that it counts in, beside this one"""
    events: tuple[ExplainedEvent, ...]
    """in the order in which they happened"""


class Explanation(Answer):
    """n: the journeys of the cell, listed or not."""

    answer: str
    cell: dict[str, str]
    figure: int
    """how many the cell counts; of a share, a sum or a median how many it is made of"""
    value: tuple[Amount, ...]
    """what they are worth together"""
    times: Durations
    """how long they took, where the answer looks at that"""
    journeys: tuple[ExplainedJourney, ...]
    """in the order of their ids"""
    next: str | None
    """cursor of the following page"""


def explain(
    look: Look,
    answer: str,
    cell: Mapping[str, str],
    filters: Filters = EVERYTHING,
    *,
    by: str | None = None,
    limit: int = LISTED,
    after: str | None = None,
    **options: Any,
) -> Explanation:
    """What a cell of the answer is made of. options: those of the answer that decide what is counted.

    cell: `part`, the name of the figure; what else names it (stage, month, kind, ...); with `by` also `group`, the
    group's key. limit and after: pages of the journeys. Rejected: an answer, name or value of the cell that there is
    not.
    """
    if answer not in CELLS:
        raise Rejected(f"answer {answer!r} can't be explained: use one of {', '.join(CELLS)}")
    if not 0 <= limit <= 1_000_000:
        raise Rejected(f"limit {limit} is out of range: 0 to 1000000")
    by = by or GROUPED.get(answer)
    tables = CELLS[answer](look, filters, by, **options, cell=cell)
    counted, part = table_of(tables, cell)
    look = counted.look or look
    rows = of_group(look, found_in(counted, part, cell), tables, by, cell)
    count = "journey" if counted.once else None
    ids = look.journeys.select("journey", "journey_id", "title", "owner")
    members = rows.select(pl.col("journey").unique()).join(ids, on="journey")
    pages = Pages(limit, after, of=("journeys",))
    shown = pages.page("journeys", members, ("journey_id",))
    own = rows.filter(pl.col("journey").is_in(shown["journey"].implode()))
    return Explanation(
        **head(look),
        n=members.height,
        answer=answer,
        cell=dict(cell),
        figure=members.height if count else rows.height,
        value=worth(rows),
        times=lengths(rows, once=counted.once),
        journeys=tuple(listed(look, shown, own, counted, part)),
        next=pages.next,
    )


def worth(rows: pl.DataFrame) -> tuple[Amount, ...]:
    return amounts(sums(rows.lazy()).collect().iter_rows(named=True)) if "amount_minor" in rows.columns else ()


def lengths(rows: pl.DataFrame, *, once: bool) -> Durations:
    if "spent" not in rows.columns:
        return NO_DURATIONS
    told = rows.filter(pl.col("spent").is_not_null()).with_columns(whole=pl.lit(True))
    if once:
        told = told.group_by("journey", "whole").agg(pl.col("spent").sum())
    found = timed(told, "spent", "whole").drop("whole").rows(named=True)
    return Durations(**found[0]) if found else NO_DURATIONS


def listed(look: Look, shown: pl.DataFrame, rows: pl.DataFrame, counted: Counted, part: str) -> list[ExplainedJourney]:
    """Each journey with what it adds, and its events."""
    told = events_of(look, rows, counted, part)
    others = rows.select("journey", *[holds.alias(name) for name, holds in counted.parts.items() if name != part])
    figures = (
        others.group_by("journey").agg(pl.exclude("journey").any()).rows_by_key("journey", named=True, unique=True)
    )
    counts = dict(rows.group_by("journey").len().iter_rows())
    spent = dict(rows.group_by("journey").agg(pl.col("spent").sum()).iter_rows()) if "spent" in rows.columns else {}
    money = {}
    if "amount_minor" in rows.columns:
        money = sums(rows.lazy(), "journey").collect().rows_by_key("journey", named=True)
    people = named(look, shown["owner"].drop_nulls().unique().to_list())
    return [
        ExplainedJourney(
            journey=str(UUID(row["journey_id"])),
            key=row["key"],
            label=row["label"],
            owner=owner(row["owner"], people),
            count=1 if counted.once else counts[row["journey"]],
            value=amounts(money.get(row["journey"], [])),
            seconds=spent[row["journey"]] / SECOND if row["journey"] in spent else None,
            figures=tuple(name for name, holds in figures.get(row["journey"], {}).items() if holds),
            events=tuple(told.get(row["journey"], ())),
        )
        for row in look.named(shown).iter_rows(named=True)
    ]


def events_of(look: Look, rows: pl.DataFrame, counted: Counted, part: str) -> dict[int, list[ExplainedEvent]]:
    """By journey the events behind its rows."""
    if rows.is_empty():
        return {}
    found = [
        events.select("journey", pl.lit(what).alias("what"), "position") for what, events in counted.behind(rows, part)
    ]
    here = pl.col("journey").is_in(rows["journey"].unique().implode())
    happened = look.seen().events.filter(here).select("position", "occurred_at", "kind")
    events = (
        pl.concat(found)
        .filter(pl.col("position").is_not_null())
        .unique()
        .join(happened, on="position")
        .sort("journey", "occurred_at", "position", "what")
    )
    ids = look.event_ids(events["position"])
    told: dict[int, list[ExplainedEvent]] = {}
    for row in events.iter_rows(named=True):
        told.setdefault(row["journey"], []).append(
            ExplainedEvent(
                what=row["what"],
                event=KINDS[row["kind"]],
                position=row["position"],
                event_id=str(ids[row["position"]]),
                occurred_at=from_micros(row["occurred_at"]),
            )
        )
    return told


def owner(person_id: str | None, people: dict[str, tuple[str, str]]) -> Owner | None:
    if person_id is None:
        return None
    key, label = people.get(person_id, (person_id, person_id))
    return Owner(key=key, label=label)
