"""What was won in each period, and what is expected to be: the journeys that a forecast counts."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

import polars as pl

from engine.periods import Period, local
from engine.projections.closings import at_their_close
from engine.projections.figures import sums
from engine.projections.filters import Filters
from engine.projections.groups import grouped
from engine.projections.likelihood import Likelihood

if TYPE_CHECKING:
    from engine.projections.look import Look

Minor = dict[str, int | Fraction]
"""minor units by currency"""
PLACE = ("period", "team", "owner")
"""number of the period, team, person_id"""


class Prospects(NamedTuple):
    """Columns of at_their_close, with group, team and qualified; of the won and the expected period (its number)."""

    won: pl.DataFrame
    """at their close"""
    expected: pl.DataFrame
    """open at as_of, by the day on which their close is expected; overdue: that is before the day of as_of"""
    undated: pl.DataFrame
    """open at as_of, of which nobody says when"""
    earlier: pl.DataFrame
    """open at as_of, and expected to close before all of these periods"""


@dataclass
class Count:
    won: int = 0
    won_minor: Minor = field(default_factory=dict)
    expected: int = 0
    overdue: int = 0
    expected_minor: Minor = field(default_factory=dict)
    likely: int = 0
    """expected, from a stage that has a likelihood"""
    undecided: int = 0
    """expected, from a stage of the definition that has none: too few were decided from there"""
    weighted: Fraction = Fraction(0)
    """wins to be expected"""
    weighted_minor: Minor = field(default_factory=dict)
    qualified: int = 0
    qualified_minor: Minor = field(default_factory=dict)

    def add(self, other: "Count") -> None:
        for name, value in vars(other).items():
            if isinstance(value, dict):
                own = getattr(self, name)
                for currency, minor in value.items():
                    own[currency] = own.get(currency, 0) + minor
            else:
                setattr(self, name, getattr(self, name) + value)


def added(counts: Iterable[Count]) -> Count:
    whole = Count()
    for count in counts:
        whole.add(count)
    return whole


def prospects(look: "Look", filters: Filters, axis: Sequence[Period], by: str | None = "team") -> Prospects:
    """Of the journeys left by the filters, whose window is the periods."""
    rows = at_their_close(look, filters).with_columns(qualified=pl.col("qualified_at").is_not_null())
    zone = ZoneInfo(filters.tz)
    open_ones = rows.filter(pl.col("outcome") == "open")
    overdue = pl.col("expected_close") < local(look.as_of, zone)
    won = rows.filter(pl.col("outcome") == "won")
    since = pl.Series([local(period.since, zone) for period in axis], dtype=pl.Date)
    last = pl.Series([local(period.until - 1, zone) for period in axis], dtype=pl.Date)
    closed = pl.Series([period.until - 1 for period in axis], dtype=pl.Int64)
    dated = open_ones.with_columns(overdue=overdue).filter(pl.col("expected_close").is_between(since[0], last[-1]))
    found = (
        won.filter(pl.col("closed_at").is_between(axis[0].since, closed[-1])).with_columns(
            period=pl.lit(closed).search_sorted(pl.col("closed_at"))
        ),
        dated.with_columns(period=pl.lit(last).search_sorted(pl.col("expected_close"))),
        open_ones.filter(pl.col("expected_close").is_null()),
        open_ones.filter(pl.col("expected_close") < since[0], overdue),
    )
    return Prospects(*(grouped(each, look, by, filters).collect() for each in found))


def counted(
    found: Prospects, chances: Sequence[Likelihood], place: Sequence[str] = PLACE
) -> dict[tuple[Any, ...], Count]:
    """What was won and is expected at each place. chances: by rank."""
    counts: dict[tuple[Any, ...], Count] = defaultdict(Count)
    for *cell, n in found.won.group_by(place).agg(pl.len()).iter_rows():
        counts[tuple(cell)].won = n
    for where, currency, minor in money(found.won, place):
        counts[where].won_minor[currency] = minor
    told = found.expected.group_by(place).agg(pl.len(), pl.col("overdue").sum(), pl.col("qualified").sum())
    for *cell, n, overdue, qualified in told.iter_rows():
        count = counts[tuple(cell)]
        count.expected, count.overdue, count.qualified = n, overdue, qualified
    for where, currency, minor in money(found.expected, place):
        counts[where].expected_minor[currency] = minor
    for where, currency, minor in money(found.expected.filter("qualified"), place):
        counts[where].qualified_minor[currency] = minor
    for rank, chance in enumerate(chances):
        here = found.expected.filter(pl.col("stage") == rank)
        for *cell, n in here.group_by(place).agg(pl.len()).iter_rows():
            count = counts[tuple(cell)]
            if chance.value is None:
                count.undecided += n
            else:
                count.likely += n
                count.weighted += n * chance.value
        if chance.value is None:
            continue
        for where, currency, minor in money(here, place):
            own = counts[where].weighted_minor
            own[currency] = own.get(currency, 0) + minor * chance.value
    return counts


def money(rows: pl.DataFrame, place: Sequence[str]) -> Iterator[tuple[tuple[Any, ...], str, int]]:
    """Place, currency and minor units."""
    for *cell, currency, minor, _ in sums(rows.lazy(), *place).collect().iter_rows():
        yield tuple(cell), currency, minor
