"""Much is derived in parts of consecutive journeys, one a core.

Polars itself spreads single steps over the cores, and most steps of a derivation are passes that can't be spread.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import polars as pl

PART: Final = 1 << 20
"""rows of a part, at least: it costs some 30 ms whatever it holds"""

Part = TypeVar("Part")
Result = TypeVar("Result")


def part_starts(journeys: pl.Series) -> pl.Series:
    """The journeys that begin a part, but for the first part. journeys: of every row, sorted."""
    parts = max(1, min(pl.thread_pool_size(), journeys.len() // PART))
    size = max(1, -(-journeys.len() // parts))
    return journeys.gather_every(size, offset=size).unique(maintain_order=True)


def cut(ordered: pl.Series, starts: pl.Series) -> list[slice]:
    """Where the parts are in rows whose journeys these are, sorted."""
    cuts = ordered.search_sorted(starts).to_list()
    return [slice(begin, end) for begin, end in zip([0, *cuts], [*cuts, ordered.len()], strict=True)]


def on_threads(work: Callable[[Part], Result], parts: Iterable[Part]) -> list[Result]:
    """What the work gives for each part, in their order."""
    given = list(parts)
    if len(given) == 1:
        return [work(given[0])]
    with ThreadPoolExecutor(pl.thread_pool_size()) as threads:
        return list(threads.map(work, given))
