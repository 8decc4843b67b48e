"""The same journeys at an earlier moment: only those to which something happened since are derived anew.

Whoever looks at one moment after the other (foretold.py) goes back step by step. What a journey was depends on its
entries alone, so one that has none between two moments was at the earlier one what it was at the later.
"""

from dataclasses import dataclass
from typing import Final

import polars as pl

from engine.projections.columns import Columns
from engine.projections.frames import Frames, derive
from engine.projections.journeys import derive_profiles
from engine.projections.kept import BEGINS, without
from engine.projections.live import Live
from engine.projections.seen import see
from engine.stages.definition import Definition

WHOLESALE: Final = 0.5
"""from this share of changed journeys on, deriving all of them anew is cheaper"""


@dataclass(frozen=True)
class Sight:
    """What a pair of time lenses lets through."""

    until: int | None
    """the last microsecond in which something may have occurred; None: no end"""
    known: int | None
    """the last position that was known; None: no end"""

    def within(self, later: "Sight") -> bool:
        """Whether it shows nothing that the later one does not."""
        pairs = ((self.until, later.until), (self.known, later.known))
        return all(most is None or (own is not None and own <= most) for own, most in pairs)


def changed_since(columns: Columns, earlier: Sight, later: Sight) -> pl.Series:
    """Codes, sorted, of the journeys of which the later sight may show something else than the earlier one.

    Whatever was recorded between the two counts: what it takes back or opens may have occurred at any time.
    """
    between = is_between("occurred_at", earlier.until, later.until) | is_between("position", earlier.known, later.known)
    # Sorted by journey.
    return columns.events.all().lazy().filter(between).select("journey").filter(BEGINS).collect().to_series()


def is_between(column: str, earlier: int | None, later: int | None) -> pl.Expr:
    """Behind the earlier bound, and not behind the later one."""
    if earlier is None:
        return pl.lit(False)
    behind = pl.col(column) > earlier
    return behind if later is None else behind & (pl.col(column) <= later)


def derive_earlier(
    columns: Columns, definition: Definition, earlier: Sight, later: Sight, found: Frames | Live
) -> Frames | None:
    """What derive gives of the earlier sight, which is within the later one; found: what it gave of that one, by the
    same definition. None: so much changed that all should be derived anew.
    """
    changed = changed_since(columns, earlier, later)
    if len(changed) > WHOLESALE * len(columns.streams):
        return None
    seen = see(columns, as_of=earlier.until, known=earlier.known, only=changed)
    fresh = derive(seen, columns, definition, derive_profiles(seen, columns.codes))
    before = Frames(found.visits, found.journeys, found.attributes, found.void)
    return Frames(*(exchanged(rows, more, changed) for rows, more in zip(before, fresh, strict=True)))


def exchanged(rows: pl.DataFrame, more: pl.DataFrame, journeys: pl.Series) -> pl.DataFrame:
    """With these rows instead of all that the journeys had; both are sorted by journey."""
    # The rows of a journey come from one of them, so that their order stays. merge_sorted takes twice as long here.
    return pl.concat([without(rows, journeys), more.select(rows.columns)]).sort("journey", maintain_order=True)
