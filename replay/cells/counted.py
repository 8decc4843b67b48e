"""What figures are counted from: rows, which of them each figure counts, and the events that put a row there."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from engine.projections.look import Look
from engine.stages.definition import TRANSFERRED_KEY, UNMAPPED_KEY

What = tuple[str, pl.DataFrame]
"""what events did, and their journey and position"""
Behind = Callable[[pl.DataFrame, str], Iterable[What]]
"""the events behind some of the rows, for the figure of that name"""
NONE = "none"
"""the word for those that have none"""


@dataclass(frozen=True)
class Word:
    """What names a cell beside its figure: a stage, a month, a kind."""

    of: pl.Expr
    """each row's; null is NONE"""
    known: tuple[str, ...] | None = None
    """what it may be; None: whatever the rows hold"""
    default: str | None = None
    """what is meant where it is not said; None: all of them"""


@dataclass(frozen=True)
class Counted:
    """Some figures of one answer that are counted from the same rows."""

    rows: pl.LazyFrame
    """one for each thing that counts: journey, group, what parts and words speak of; amount_minor and currency where it
    is worth something, spent (microseconds) where it took time"""
    parts: Mapping[str, pl.Expr]
    """which rows each figure counts, by the figure's name in the answer; of a share those of its whole"""
    behind: Behind
    words: Mapping[str, Word] = field(default_factory=dict)
    once: bool = False
    """several rows of one journey count once"""
    look: Look | None = None
    """which shows them, where it is not the one of the answer"""

    def named(self, **words: Word) -> "Counted":
        """The same with further words."""
        return replace(self, words={**self.words, **words})

    def figures(self, **names: str) -> "Counted":
        """The same with only these figures, under these names: new="old"."""
        return replace(
            self,
            parts={new: self.parts[old] for new, old in names.items()},
            behind=lambda rows, part: self.behind(rows, names[part]),
        )


def all_rows() -> pl.Expr:
    return pl.lit(True)


def of_stage(look: Look, rank: str = "stage") -> Word:
    """The key of a stage, of a column of ranks; null is NONE."""
    stages = {n: stage.key for n, stage in enumerate(look.definition.stages)}
    keys = stages | {-1: UNMAPPED_KEY, -2: TRANSFERRED_KEY}
    word = pl.col(rank).cast(pl.Int64).replace_strict(list(keys), list(keys.values()), default=None)
    return Word(word.cast(pl.String), (*keys.values(), NONE))
