"""What the views know at one position, to derive any definition from while they go on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import polars as pl

from engine.log.application import Log
from engine.projections.columns import Columns
from engine.projections.earlier import Sight
from engine.projections.frames import Frames, derive
from engine.projections.journeys import derive_profiles
from engine.projections.lens import Lens
from engine.projections.live import Live
from engine.projections.look import Look, nowhere
from engine.projections.outcomes import profiles_told
from engine.projections.seen import Seen
from engine.stages.definition import Definition


@dataclass(frozen=True)
class Snapshot:
    """For one lens."""

    lens: Lens
    sight: Sight
    """what its two times let through"""
    columns: Columns
    membership: pl.DataFrame
    targets: Callable[[], pl.DataFrame]
    goals: Callable[[], pl.DataFrame]
    """the targets that stand now, whatever the lens leaves"""
    people: pl.DataFrame
    persons: Mapping[str, tuple[str, str]]
    erased: int
    log: Log
    live: Mapping[str, Live]
    """by pipeline what is told of it by some version of its stages, where the lens shows the present"""
    seen: Callable[[], Seen]
    again: Callable[[], Seen]
    """as seen, which keeps what it gave"""
    past: Callable[[Definition, int, Frames | Live, int, int | None], Look] | None = None
    """the same as of and as known at another time, by a definition of that version; of which these are the frames"""

    def frames(self, definition: Definition) -> Frames:
        seen = self.seen()
        told = self.live.get(definition.pipeline)
        profiles = derive_profiles(seen, self.columns.codes) if told is None else profiles_told(told.journeys)
        return derive(seen, self.columns, definition, profiles)

    def look(self, definition: Definition, version: int, frames: Frames | Live) -> Look:
        return Look(
            pipeline=definition.pipeline,
            definition=definition,
            version=version,
            as_of=self.lens.as_of,
            known_at=self.lens.known_at,
            position=self.columns.position,
            frames=frames,
            membership=self.membership,
            targets=self.targets,
            people=self.people,
            log=self.log,
            codes=self.columns.codes,
            seen=self.seen,
            again=self.again,
            persons=self.persons,
            erased=self.erased,
            said=partial(said, self.columns, self.goals),
            at=nowhere if self.past is None else partial(self.past, definition, version, frames),
        )


def said(columns: Columns, goals: Callable[[], pl.DataFrame], side: str, such: pl.Expr) -> bool:
    """Look.said; of attributes by a target, too. Who keeps a look for later shall hold no entries: by columns alone."""
    if not columns.sides[side].where(such).is_empty():
        return True
    return (
        side == "attributes" and not goals().select(name="attribute", value="attribute_value").filter(such).is_empty()
    )
