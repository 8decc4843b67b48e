"""The live answers of one process: columns of the whole log, and derived frames that follow it journey by journey.

A question first reads what is new in the log, re-derives only the journeys that changed, and swaps immutable frames;
readers never wait for each other. What a few new events change is derived row by row (following.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from threading import RLock
from typing import Final
from weakref import WeakValueDictionary

import polars as pl

from engine.lately import Lately
from engine.log.application import Log
from engine.log.bulk import existing_events
from engine.log.feed import FeedRow, feed_of, position_of, read_feed, read_few
from engine.log.history import lost
from engine.log.positions import event_ids, position_at
from engine.projections.columns import Columns
from engine.projections.definitions import Definitions
from engine.projections.earlier import Sight, derive_earlier
from engine.projections.following import derived_anew
from engine.projections.frames import Frames
from engine.projections.intake import KIND_OF, take
from engine.projections.intake_few import take_few
from engine.projections.lens import Lens
from engine.projections.live import Live
from engine.projections.look import Look
from engine.projections.seen import Seen, see
from engine.projections.snapshot import Snapshot
from engine.projections.spans import Spans
from engine.projections.staff import Staff
from engine.stages.definition import Definition

BATCH: Final = 100_000
"""events read at once: five times as many would be 9 % faster and take 500 MB more"""
LIVE: Final = 4
"""definitions a pipeline, on average, that are followed; the one asked for least recently is derived anew when asked"""
KEPT: Final = 8
"""frames through other lenses than the present that are kept ready"""
KEPT_SECONDS: Final = 60.0
"""since they were last asked for: whoever compares asks again soon, and of a long log they are 150 MB"""
ROOM: Final = 1 << 20
"""journeys in all that LIVE and KEPT allow beyond one each, at some 650 bytes: of a long log fewer are kept"""
FEW_EVENTS: Final = 200
"""new events that are read row by row"""


@dataclass(frozen=True)
class Start:
    """What is known of the log up to columns.position without reading it: of an archive (replay/archive.py)."""

    columns: Columns
    told: pl.DataFrame
    """the feed's rows that are no journey's: of definitions, the roster and targets"""


class Views:
    """The answers' way to the log. One a process; any number of threads may look.

    Two locks: who asks about the present waits for the following of the log alone, never for a question about another
    time or by another definition, of which one at a time is derived.
    """

    def __init__(self, log: Log, start: Start | None = None) -> None:
        """start: from where on to read the log; without one, all of it."""
        self.log = log
        self.columns = Columns() if start is None else start.columns
        self._last = ""
        """event_id of the newest event the views know"""
        self.definitions = Definitions()
        self._staff = Staff(log)
        self._live: dict[tuple[str, int], Live] = {}
        """by pipeline and version, the one asked for least recently first"""
        self._seen: WeakValueDictionary[tuple[int, Sight], Seen] = WeakValueDictionary()
        self._kept: Lately[tuple[str, int, int | None, int | None, int], Frames] = Lately(KEPT)
        self._lock = RLock()
        self._deriving = RLock()
        if start is not None:
            if self.position:
                self._last = event_ids(log, [self.position])[self.position].hex
            self.definitions.take(start.told)
            self._staff.take(start.told)

    @property
    def position(self) -> int:
        """Position of the newest event the views know."""
        return self.columns.position

    def pipelines(self) -> list[str]:
        """Keys of the pipelines that have a published definition, as of the last catching up."""
        return sorted(self.definitions.by_pipeline)

    def catch_up(self) -> None:
        """Read what the log has now and is new, and re-derive the journeys it changed.

        Raises OtherHistory where it is no longer the log that was read before.
        """
        with self._lock:
            few = self._new()
            if len(few) <= FEW_EVENTS:
                return self._take_few(few)
            changed: list[pl.Series] = []
            # What comes while it reads is for the next time: it would run after a busy log for ever.
            end = self.log.position()
            try:
                while self.columns.position < end:
                    feed = read_feed(self.log, self.columns.position, BATCH)
                    self.definitions.take(feed)
                    changed.append(take(self.columns, feed, partial(existing_events, self.log)))
                    self._last = feed["event_id"][-1]
                    self._staff.take(feed)
            finally:
                # Also where the database failed on the way: what was read before is not read again.
                if changed and self._live:
                    self._follow(pl.concat(changed).unique().sort())

    def _new(self) -> Sequence[FeedRow]:
        """What comes after the event read last, one more than FEW_EVENTS at most."""
        at = self.columns.position
        if at == 0:
            return read_few(self.log, 0, FEW_EVENTS + 1)
        # With the one read last, which is there as long as this is the same history.
        few = read_few(self.log, at - 1, FEW_EVENTS + 2)
        if not few or few[0].event_id != self._last:
            raise lost(at, self._last)
        return few[1:]

    def _take_few(self, few: Sequence[FeedRow]) -> None:
        """Take rows of the feed that are all there is."""
        if not few:
            return
        told = [row for row in few if row.type not in KIND_OF]
        if told:
            self.definitions.take(feed_of(told))
        changed = take_few(self.columns, few, partial(position_of, self.log))
        self._last = few[-1].event_id
        if told:
            self._staff.take(feed_of(told))
        if changed and self._live:
            self._follow(pl.Series(changed, dtype=pl.UInt32))

    def _follow(self, changed: pl.Series) -> None:
        """Bring the live frames up to date with the journeys that changed."""
        every = self._live
        # Nothing half brought up to date is left where this fails: it is derived anew.
        self._live = {}
        now = derived_anew(self.columns, changed)
        if now is None:
            return
        for (pipeline, version), live in every.items():
            if pipeline in now.pipelines or any(map(live.holds, changed)):
                definition = self.definitions.choose(pipeline, Lens(0, definition=version)).definition
                every[pipeline, version] = now.put_in(live, definition)
        self._live = every

    def settle(self) -> None:
        """Put what followed the log beside the frames into them, where it is much: whoever asks next need not. And let
        go of frames through other lenses that nobody asked for in a while.

        It may be called at any time; nobody waits for it.
        """
        self._kept.let_go(KEPT_SECONDS)
        done = [put for spans in self._spans() if (put := spans.put_in()) is not None]
        for spans in self._spans():
            for put in done:
                spans.take(put)

    def _spans(self) -> list[Spans]:
        """All that follow the log, as they are."""
        with self._lock:
            return [spans for each in self._live.values() for spans in each.spans]

    def look(self, pipeline: str | None, lens: Lens) -> Look:
        """What the lens shows of a pipeline (None: the only one), after catching up with the log.

        Raises NotFound for an unknown pipeline or version, Rejected when a pipeline must be named.
        """
        with self._lock:
            self.catch_up()
            published = self.definitions.choose(pipeline, lens)
            definition, version = published.definition, published.version
            now = self._snapshot(lens)
            if lens.present and version > 0:
                live = self._live.pop((definition.pipeline, version), None) or Live.of(now.frames(definition))
                self._live[definition.pipeline, version] = live
                pipelines = len(self.definitions.by_pipeline)
                while len(self._live) > pipelines + self._room((LIVE - 1) * pipelines):
                    del self._live[next(iter(self._live))]
                return now.look(definition, version, live)
        key = (definition.pipeline, version, lens.horizon, lens.known_at, now.columns.position)
        with self._deriving:
            frames = self._kept.get(key) or now.frames(definition)
            self._kept.put(key, frames, self._room(KEPT))
            return now.look(definition, version, frames)

    def look_by(self, definition: Definition, lens: Lens) -> Look:
        """What the lens shows of a pipeline by a definition that no log holds: version 0. Nothing of it is kept."""
        with self._lock:
            self.catch_up()
            now = self._snapshot(lens)
        with self._deriving:
            return now.look(definition, 0, now.frames(definition))

    def staff(self, lens: Lens) -> Snapshot:
        """Who sells and what they shall win, after catching up with the log: no journey is looked at."""
        with self._lock:
            self.catch_up()
            return self._snapshot(lens)

    def all_columns(self) -> Columns:
        """The whole log, after catching up with it."""
        with self._lock:
            self.catch_up()
            return self.columns.as_it_is()

    def _snapshot(self, lens: Lens) -> Snapshot:
        columns = self.columns.as_it_is()
        sight = self._sight(lens)
        again = partial(self._see, columns, sight)
        # Several policies and answers ask more than once.
        seen = cache(again)
        people = self._staff.people(len(self.columns.codes.people))
        now = Snapshot(
            lens=lens,
            sight=sight,
            columns=columns,
            membership=self._staff.membership(lens),
            targets=self._staff.targets(lens),
            goals=self._staff.targets(Lens.of()),
            people=people.frame,
            persons=people.by_id,
            erased=people.erased,
            log=self.log,
            live={pipeline: live for (pipeline, _), live in self._live.items()} if lens.present else {},
            seen=seen,
            again=again,
        )
        return self._with_past(now, self._staff.as_it_is())

    def _with_past(self, now: Snapshot, staff: Staff) -> Snapshot:
        # A look that is kept for later holds neither entries nor what follows the log.
        return replace(now, past=partial(self._past, replace(now, live={}, seen=now.again), staff))

    def _past(
        self,
        now: Snapshot,
        staff: Staff,
        definition: Definition,
        version: int,
        frames: Frames | Live,
        as_of: int,
        known_at: int | None,
    ) -> Look:
        """What now's log showed at another time; asked for `then`, by the definition in force there.

        frames: what was derived for now, by the definition.
        """
        lens = replace(now.lens, as_of=as_of, known_at=known_at, live=False)
        found: Frames | Live | None = frames
        if lens.definition == "then":
            published = self.definitions.choose(definition.pipeline, lens)
            found = frames if published.version == version else None
            definition, version = published.definition, published.version
        sight = self._sight(lens)
        again = partial(self._see, now.columns, sight)
        then = replace(
            now,
            lens=lens,
            sight=sight,
            membership=staff.membership(lens),
            targets=staff.targets(lens),
            seen=cache(again),
            again=again,
        )
        then = self._with_past(then, staff)
        with self._deriving:
            earlier = None
            if found is not None and sight.within(now.sight):
                earlier = derive_earlier(now.columns, definition, sight, now.sight, found)
            return then.look(definition, version, then.frames(definition) if earlier is None else earlier)

    def _sight(self, lens: Lens) -> Sight:
        return Sight(lens.horizon, None if lens.known_at is None else position_at(self.log, lens.known_at))

    def _room(self, most: int) -> int:
        """How many frames may be kept: so many of few journeys, one of very many."""
        return max(1, min(most, ROOM // max(1, len(self.columns.streams))))

    def _see(self, columns: Columns, sight: Sight) -> Seen:
        """What the lenses leave: the same for all who look at one position, as long as one of them has it."""
        key = (columns.position, sight)
        seen = self._seen.get(key)
        if seen is None:
            seen = self._seen[key] = see(columns, as_of=sight.until, known=sight.known)
        return seen

    def with_names(self, look: Look) -> Look:
        """The same, with people called as they are now."""
        with self._lock:
            people = self._staff.people(len(self.columns.codes.people))
        return replace(look, people=people.frame, persons=people.by_id, erased=people.erased)
