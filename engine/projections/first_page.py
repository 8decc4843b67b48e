"""The first page of the board's cards, carried along: of all journeys it is found once, then those that change move.

What cards.py says of frames is told here of plain rows: which cards, and in what order.
"""

from bisect import insort
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple

import polars as pl

from engine.projections.cards import (
    APART,
    VOLUME,
    Card,
    Cards,
    Made,
    Order,
    cursor,
    rank_of,
    rows_of,
    wanted,
    with_volume,
)
from engine.projections.likelihood import Likelihood
from engine.projections.rows_alone import Row

if TYPE_CHECKING:
    from engine.projections.live import Few
    from engine.projections.look import Look

MOST: Final = 100
"""cards of a page that is carried along"""
SPARE: Final = 100
"""cards behind it that are carried too: so many may leave before all journeys are looked at again"""

Place = tuple[bool, int, str]
"""without what the order is by, that, journey_id: smallest first"""


class Front(NamedTuple):
    """The first cards, in order."""

    rows: Sequence[tuple[Place, Row]]
    """of Look.journeys, with volume"""
    end: Place | None
    """everything up to here is among them; None: there is no more"""
    made: Made


def is_carried(cards: Cards) -> bool:
    """The likelihood of every card changes with each deal that is closed; a page further on is asked for once."""
    return cards.after is None and cards.order != "likelihood" and cards.limit <= MOST


def first_page(look: "Look", cards: Cards, chances: list[Likelihood]) -> tuple[tuple[Card, ...], str | None]:
    """As cards.page, of all that is on the board."""
    stage = None if cards.stage is None else rank_of(look, cards.stage)
    place = PLACES[cards.order]

    def place_of(row: Row) -> Place:
        rank = place(row, cards)
        return rank is None, rank or 0, row["journey_id"]

    def is_wanted(row: Row) -> bool:
        return (
            row["outcome"] not in APART
            and stage in (None, row["stage"])
            and (cards.show == "all" or (row["outcome"] == "open") == (cards.show == "open"))
        )

    def anew() -> Front:
        here = look.journeys.lazy().filter(~pl.col("outcome").is_in(APART))
        found, more = rows_of(wanted(here, look, cards), cards.model_copy(update={"limit": MOST + SPARE}))
        rows = [(place_of(row), row) for row in with_volume(found, look).iter_rows(named=True)]
        return Front(rows, rows[-1][0] if more else None, Made())

    def changed(front: Front, were: "Few", are: "Few") -> Front | None:
        codes = {row["journey"] for rows in were for row in rows.journeys}
        found = [each for each in front.rows if each[1]["journey"] not in codes]
        for rows in are:
            for row in filter(is_wanted, rows.journeys):
                at = place_of(row)
                if front.end is None or at <= front.end:
                    insort(found, (at, {**row, "volume": volume_of(rows.attributes)}), key=itemgetter(0))
        if front.end is not None and len(found) <= MOST:
            return None
        if len(found) > MOST + 2 * SPARE:
            found = found[: MOST + SPARE]
            return Front(found, found[-1][0], front.made)
        return Front(found, front.end, front.made)

    question = f"cards {cards.order} {cards.currency} {stage} {cards.show}"
    front = look.carried(question, anew, changed)
    shown = [row for _, row in front.rows[: cards.limit]]
    following = None
    if len(front.rows) > cards.limit > 0:
        missing, rank, journey_id = front.rows[cards.limit - 1][0]
        following = cursor(cards, None if missing else rank, journey_id)
    return front.made.cards(shown, look, chances), following


def volume_of(attributes: Sequence[Row]) -> str | None:
    return next((row["value"] for row in attributes if row["name"] == VOLUME), None)


def negated(value: int | None) -> int | None:
    return None if value is None else -value


def days(day: date | None) -> int | None:
    """Since 1970."""
    return None if day is None else (day - date(1970, 1, 1)).days


PLACES: Final[Mapping[Order, Callable[[Row, Cards], int | None]]] = {
    "age": lambda row, _: row["stage_since"],
    "value": lambda row, cards: negated(row["amount_minor"]) if row["currency"] == cards.currency else None,
    "next_action": lambda row, _: row["next_action_at"],
    "opened": lambda row, _: -row["opened_at"],
    "closed": lambda row, _: negated(row["closed_at"]),
    "activity": lambda row, _: negated(row["last_activity_at"]),
    "expected_close": lambda row, _: days(row["expected_close"]),
}
"""What cards.place says of each row."""
