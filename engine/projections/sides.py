"""Side tables (columns.SIDES) as a pair of lenses leaves them: each is made when it is asked for, most never are."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import polars as pl

from engine.projections.parts import cut

Make = Callable[[], pl.DataFrame]


class Sides(Mapping[str, pl.DataFrame]):
    def __init__(self, makes: Mapping[str, Make]) -> None:
        """makes: by name."""
        self._makes = makes
        self._made: dict[str, pl.DataFrame] = {}

    def __getitem__(self, name: str) -> pl.DataFrame:
        # Two threads may both do this: they come to the same.
        if name not in self._made:
            self._made[name] = self._makes[name]()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._makes)

    def __len__(self) -> int:
        return len(self._makes)


def part_of(sides: Mapping[str, pl.DataFrame], starts: pl.Series, number: int) -> Sides:
    """Of a part (engine/projections/parts.py) by its number; nothing is copied."""

    def rows(name: str) -> pl.DataFrame:
        return sides[name][cut(sides[name]["journey"], starts)[number]]

    return Sides({name: partial(rows, name) for name in sides})
