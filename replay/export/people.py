"""Who is behind the ids of events, as far as the people are not erased and names are wanted."""

from collections.abc import Iterable

import polars as pl

from engine.log.application import Log
from engine.log.people import people_frame
from replay.export.shown import dashed


class People:
    """Looked up some at a time: customers may be many."""

    def __init__(self, log: Log, names: bool) -> None:
        self._all = people_frame(log).select(dashed("person_id"), "key", "name").filter(pl.lit(names))

    def of(self, ids: Iterable[str]) -> dict[str, tuple[str, str | None]]:
        """Key and name by id of those that are known."""
        wanted = pl.Series(list(ids), dtype=pl.String)
        found = self._all.filter(pl.col("person_id").is_in(wanted.implode()))
        return {person_id: (key, name) for person_id, key, name in found.iter_rows()}
