"""The live answers of one process: columns of the whole log, and derived frames that follow it journey by journey.

A question first reads what is new in the log, re-derives only the journeys that changed, and swaps immutable frames;
readers never wait for each other. The same functions derive one journey or all of them.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from threading import RLock
from typing import Final
from uuid import UUID

import polars as pl

from engine.log.application import Log
from engine.log.bulk import existing_events
from engine.log.feed import read_feed
from engine.log.keys import keys_of
from engine.log.people import people_frame
from engine.log.positions import event_ids
from engine.log.texts import texts
from engine.projections.columns import Codes, Columns
from engine.projections.definitions import Definitions, Published
from engine.projections.journeys import derive_journeys, derive_profiles, with_values
from engine.projections.lens import Lens
from engine.projections.roster import TOPICS as ROSTER
from engine.projections.roster import memberships
from engine.projections.seen import Seen, see
from engine.projections.visits import derive_visits
from engine.stages.definition import Definition

BATCH: Final = 500_000
KEPT: Final = 8
"""answers through other lenses than the present that are kept ready"""
WHOLESALE: Final = 0.2
"""from this share of changed journeys on, deriving everything anew is cheaper"""


@dataclass(frozen=True)
class Frames:
    """Derived frames of one pipeline by one definition; see docs/architecture.md for their columns."""

    visits: pl.DataFrame
    journeys: pl.DataFrame
    attributes: pl.DataFrame
    void: pl.DataFrame
    """the journeys whose opening was retracted"""


@dataclass(frozen=True)
class Look:
    """What a lens shows of one pipeline: everything an answer is computed from."""

    pipeline: str
    definition: Definition
    version: int
    as_of: int
    known_at: int | None
    position: int
    visits: pl.DataFrame
    journeys: pl.DataFrame
    attributes: pl.DataFrame
    membership: pl.DataFrame
    people: pl.DataFrame
    """reps and actors: who owns, manages, acts"""
    void: int
    log: Log
    codes: Codes
    """what the codes in seen() mean"""
    seen: Callable[[], Seen]
    """the entries that the lens leaves, for the few answers that need more than visits and journeys"""

    def event_ids(self, positions: Iterable[int]) -> dict[int, UUID]:
        """event_id by position, of the few events that are shown."""
        return event_ids(self.log, positions)

    def named(self, journeys: pl.DataFrame) -> pl.DataFrame:
        """Adds `key` (id in the source system) and `label` (the title) to the few journeys that are shown."""
        ids = [UUID(hex=journey) for journey in journeys["journey_id"]]
        titles = {title: UUID(hex=title) for title in journeys["title"].drop_nulls()}
        bodies = texts(self.log, list(titles.values()))
        keys = keys_of(self.log, ids)
        return journeys.with_columns(
            key=pl.Series([keys.get(journey) for journey in ids], dtype=pl.String),
            label=pl.Series(
                [None if title is None else bodies.get(titles[title]) for title in journeys["title"]], dtype=pl.String
            ),
        )


def derive(seen: Seen, columns: Columns, definition: Definition, profiles: pl.DataFrame) -> Frames:
    """Everything about one pipeline: a pure function of live entries and a definition."""
    visits = derive_visits(seen.events, seen.began, definition, columns.codes)
    visits = with_values(visits, seen, columns.codes).drop("row")
    journeys = derive_journeys(visits, profiles, seen, definition)
    ids = pl.Series("journey_id", columns.journeys, dtype=pl.String)
    journeys = journeys.with_columns(journey_id=ids.gather(journeys["journey"]))
    attributes = (
        seen.sides["attributes"]
        .filter(pl.col("journey").is_in(journeys["journey"].implode()))
        .unique(["journey", "name"], keep="last", maintain_order=True)
        .select("journey", "name", "value")
    )
    void = seen.voided.filter(pl.col("pipeline") == columns.codes.pipelines.get(definition.pipeline, -1))
    return Frames(visits, journeys, attributes, void.select("journey"))


def replaced(old: pl.DataFrame, new: pl.DataFrame, changed: pl.Series) -> pl.DataFrame:
    """The rows of the changed journeys taken out and the new ones put in their place; sorted by journey as both are."""
    kept = old.filter(~pl.col("journey").is_in(changed.implode()))
    return kept.merge_sorted(new.select(kept.columns), key="journey")


class Views:
    """The answers' way to the log. One a process; any number of threads may look."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.columns = Columns()
        self.definitions = Definitions()
        self._roster: list[pl.DataFrame] = []
        self._people: tuple[int, pl.DataFrame] = (-1, pl.DataFrame())
        self._live: dict[tuple[str, int], Frames] = {}
        self._profiles: pl.DataFrame | None = None
        self._kept: OrderedDict[tuple[str, int, int, int | None, int], Frames] = OrderedDict()
        self._lock = RLock()

    @property
    def position(self) -> int:
        """Position of the newest event the views know."""
        return self.columns.position

    def pipelines(self) -> list[str]:
        """Keys of the pipelines that have a published definition, as of the last catching up."""
        return sorted(self.definitions.by_pipeline)

    def catch_up(self) -> None:
        """Read what is new in the log and re-derive the journeys it changed."""
        with self._lock:
            changed: list[pl.Series] = []
            while not (feed := read_feed(self.log, self.columns.position, BATCH)).is_empty():
                self.definitions.take(feed)
                self._roster.append(feed.filter(pl.col("type").is_in(ROSTER)))
                changed.append(self.columns.take(feed, partial(existing_events, self.log)))
            if changed and self._profiles is not None:
                self._follow(pl.concat(changed).unique())

    def _follow(self, changed: pl.Series) -> None:
        """Bring the live frames up to date with the journeys that changed."""
        assert self._profiles is not None
        if len(changed) > WHOLESALE * len(self.columns.journeys):
            self._profiles = None
            self._live.clear()
            return
        seen = see(self.columns, as_of=None, known_at=None, only=changed)
        profiles = derive_profiles(seen, self.columns.codes)
        self._profiles = replaced(self._profiles, profiles, changed)
        for (pipeline, version), frames in self._live.items():
            definition = self.definitions.choose(pipeline, Lens(0, definition=version)).definition
            fresh = derive(seen, self.columns, definition, profiles)
            self._live[pipeline, version] = Frames(
                replaced(frames.visits, fresh.visits, changed),
                replaced(frames.journeys, fresh.journeys, changed),
                replaced(frames.attributes, fresh.attributes, changed),
                replaced(frames.void, fresh.void, changed),
            )

    def look(self, pipeline: str | None, lens: Lens) -> Look:
        """What the lens shows of a pipeline (None: the only one), after catching up with the log.

        Raises NotFound for an unknown pipeline or version, Rejected when a pipeline must be named.
        """
        with self._lock:
            self.catch_up()
            published = self.definitions.choose(pipeline, lens)
            return self._shown(published, lens, self._frames(published, lens))

    def look_by(self, definition: Definition, lens: Lens) -> Look:
        """What the lens shows of a pipeline by a definition that no log holds: version 0. Nothing of it is kept."""
        with self._lock:
            self.catch_up()
            live = lens.live and lens.known_at is None
            seen = see(self.columns, as_of=None if live else lens.as_of, known_at=lens.known_at)
            profiles = self._profiles if live else None
            if profiles is None:
                profiles = derive_profiles(seen, self.columns.codes)
            unpublished = Published(0, definition, 0, 0)
            return self._shown(unpublished, lens, derive(seen, self.columns, definition, profiles))

    def _shown(self, published: Published, lens: Lens, frames: Frames) -> Look:
        return Look(
            pipeline=published.definition.pipeline,
            definition=published.definition,
            version=published.version,
            as_of=lens.as_of,
            known_at=lens.known_at,
            position=self.position,
            visits=frames.visits,
            journeys=frames.journeys,
            attributes=frames.attributes,
            membership=memberships(self._roster, as_of=lens.as_of, known_at=lens.known_at),
            people=self._everybody(),
            void=frames.void.height,
            log=self.log,
            codes=self.columns.codes,
            seen=partial(
                see,
                self.columns.as_it_is(),
                as_of=None if lens.live else lens.as_of,
                known_at=lens.known_at,
            ),
        )

    def _frames(self, published: Published, lens: Lens) -> Frames:
        definition, version = published.definition, published.version
        if lens.live and lens.known_at is None:
            if (definition.pipeline, version) not in self._live:
                seen = see(self.columns, as_of=None, known_at=None)
                if self._profiles is None:
                    self._profiles = derive_profiles(seen, self.columns.codes)
                self._live[definition.pipeline, version] = derive(seen, self.columns, definition, self._profiles)
            return self._live[definition.pipeline, version]
        key = (definition.pipeline, version, lens.as_of, lens.known_at, self.position)
        if key not in self._kept:
            seen = see(self.columns, as_of=lens.as_of, known_at=lens.known_at)
            self._kept[key] = derive(seen, self.columns, definition, derive_profiles(seen, self.columns.codes))
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]

    def _everybody(self) -> pl.DataFrame:
        if self._people[0] != self.position:
            self._people = (self.position, people_frame(self.log, customers=False))
        return self._people[1]
