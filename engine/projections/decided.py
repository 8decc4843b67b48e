"""What was decided in a window, group by group: how many were won, what a win brings, how long it takes.

Velocity, sizing and sources are made of these.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

import polars as pl

from engine.projections.closings import CLOSED, at_their_close
from engine.projections.figures import NO_DURATIONS, Durations, sums, timed
from engine.projections.filters import Filters
from engine.projections.groups import grouped

if TYPE_CHECKING:
    from engine.projections.look import Look


@dataclass(frozen=True)
class Decided:
    """Closed journeys of one group. Money in minor units by currency."""

    won: int = 0
    lost: int = 0
    disqualified: int = 0
    won_minor: dict[str, int] = field(default_factory=dict)
    valued: dict[str, int] = field(default_factory=dict)
    """wins with a value in the currency"""
    cycle: Durations = NO_DURATIONS
    """from opening to the win"""

    @property
    def win_rate(self) -> Fraction | None:
        return ratio(self.won, self.won + self.lost)

    @property
    def close_rate(self) -> Fraction | None:
        """Of everything that was decided, unfit leads included: what a lead that comes in may expect."""
        return ratio(self.won, self.won + self.lost + self.disqualified)

    @property
    def value_per_win(self) -> dict[str, Fraction]:
        """What a win brings in each currency; wins without a value are left out."""
        wins = sum(self.valued.values())
        return {currency: Fraction(minor, wins) for currency, minor in sorted(self.won_minor.items())}


NOTHING = Decided()


def ratio(part: int, whole: int) -> Fraction | None:
    return Fraction(part, whole) if whole else None


def closed(look: "Look", filters: Filters, by: str | None) -> pl.DataFrame:
    """Journeys closed in the window: group, journey, outcome, amount_minor, currency, and spent (from the opening)."""
    rows = at_their_close(look, filters).filter(pl.col("outcome").is_in(CLOSED) & filters.window.holds("closed_at"))
    return (
        grouped(rows, look, by, filters)
        .select(
            "group", "journey", "outcome", "amount_minor", "currency", spent=pl.col("closed_at") - pl.col("opened_at")
        )
        .collect()
    )


def all_in_one(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(group=pl.lit(None, pl.String))


def decided(rows: pl.DataFrame) -> dict[str | None, Decided]:
    """What became of the rows of `closed`, by group."""
    won = rows.filter(pl.col("outcome") == "won")
    outcomes = {row[:2]: row[2] for row in rows.group_by("group", "outcome").len().iter_rows()}
    money = sums(won.lazy(), "group").collect().rows_by_key("group", named=True)
    cycles = timed(won, "spent", "group").rows_by_key("group", named=True, unique=True)
    return {
        group: Decided(
            won=outcomes.get((group, "won"), 0),
            lost=outcomes.get((group, "lost"), 0),
            disqualified=outcomes.get((group, "disqualified"), 0),
            won_minor={row["currency"]: row["minor"] for row in money.get(group, [])},
            valued={row["currency"]: row["valued"] for row in money.get(group, [])},
            cycle=Durations(**cycles[group]) if group in cycles else NO_DURATIONS,
        )
        for group in dict.fromkeys(group for group, _ in outcomes)
    }
