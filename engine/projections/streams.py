"""Which journey each stream belongs to: a small code for every journey, in the order of their appearance."""

from bisect import bisect_left

import polars as pl
from polars._typing import PolarsDataType

SCHEMA: dict[str, PolarsDataType] = {"stream_id": pl.String, "journey": pl.UInt32}
RECENT = 4096
"""streams that came since may be so many, or a tenth of all, before they are sorted in"""
FEW = 64
"""streams that are looked up one by one"""


class Streams:
    """stream_id (32 hex digits) to journey code; a deal opened from a lead belongs to the lead's journey."""

    def __init__(self, ids: pl.Series | None = None, streams: pl.DataFrame | None = None) -> None:
        """ids: of the journeys, by code; without streams each has one stream, called as the journey is."""
        self._ids = pl.Series("journey_id", [] if ids is None else ids, dtype=pl.String)
        if streams is None:
            codes = pl.int_range(self._ids.len(), dtype=pl.UInt32, eager=True)
            streams = pl.DataFrame({"stream_id": self._ids, "journey": codes})
        self._sorted = streams.sort("stream_id")
        self._recent: dict[str, int] = {}
        self._recent_ids: list[str] = []

    @classmethod
    def opened_by(cls, openings: pl.DataFrame) -> "Streams":
        """Of all openings (columns.SIDES, sorted by journey): the ids are theirs, so that each is there once."""
        begun = openings.filter("first")
        assert (begun["journey"] == pl.int_range(begun.height, eager=True)).all(), "every journey is opened once"
        return cls(begun["stream"], openings.select(pl.col("stream").alias("stream_id"), "journey"))

    def __len__(self) -> int:
        """How many journeys there are."""
        return self._ids.len() + len(self._recent_ids)

    def ids(self, journeys: pl.Series) -> pl.Series:
        """journey_id, the id of its first stream, of each journey code."""
        if len(self._recent_ids) > (RECENT if journeys.len() < RECENT else 0):
            self._ids = pl.concat([self._ids, pl.Series("journey_id", self._recent_ids)], rechunk=True)
            self._recent_ids = []
        if not self._recent_ids:
            return self._ids[journeys]
        old = self._ids.len()
        found = [self._ids[code] if code < old else self._recent_ids[code - old] for code in journeys]
        return pl.Series("journey_id", found, dtype=pl.String)

    def id(self, journey: int) -> str:
        """journey_id of one journey code."""
        old = self._ids.len()
        found: str = self._ids[journey] if journey < old else self._recent_ids[journey - old]
        return found

    def all(self) -> pl.DataFrame:
        """SCHEMA, sorted by stream_id."""
        if self._recent:
            recent = pl.DataFrame([list(self._recent), list(self._recent.values())], schema=SCHEMA)
            self._sorted, self._recent = pl.concat([self._sorted, recent]).sort("stream_id"), {}
        return self._sorted

    def journeys(self, streams: pl.Series) -> pl.Series:
        """`journey` of each stream; null: not known yet."""
        wanted = streams.to_list()
        found = [self._recent.get(stream) for stream in wanted]
        # Read once, after the recent ones: another thread may be sorting these in.
        known = self._sorted
        missing = found.count(None)
        if missing == 0 or known.is_empty():
            return pl.Series("journey", found, dtype=pl.UInt32)
        ids, codes = known["stream_id"], known["journey"]
        at = ids.search_sorted(streams).clip(upper_bound=known.height - 1)
        if missing <= FEW:
            for place, row in enumerate(at):
                if found[place] is None and ids[row] == wanted[place]:
                    found[place] = codes[row]
            return pl.Series("journey", found, dtype=pl.UInt32)
        recent = pl.Series("journey", found, dtype=pl.UInt32)
        return codes.gather(at).zip_with(ids.gather(at) == streams, recent)

    def journey(self, stream: str) -> int | None:
        """The journey of one stream; None: not known yet."""
        if (recent := self._recent.get(stream)) is not None:
            return recent
        known = self._sorted
        ids = known["stream_id"]
        at = bisect_left(ids, stream)
        return known["journey"][at] if at < known.height and ids[at] == stream else None

    def begin(self, stream: str, origin: str) -> int:
        """As take, of one stream; returns its journey."""
        journey = self.journey(origin)
        if journey is None:
            journey = self._recent[origin] = len(self)
            self._recent_ids.append(origin)
        self._recent[stream] = journey
        self._settle()
        return journey

    def take(self, streams: pl.Series, origins: pl.Series) -> None:
        """Adds streams that are not known; origin: the stream the journey began with, perhaps the stream itself.

        Journeys that are not known get the next codes, in the order of their streams.
        """
        begun = origins.unique(maintain_order=True)
        begun = begun.filter(self.journeys(begun).is_null())
        self._recent |= {stream: len(self) + number for number, stream in enumerate(begun)}
        self._recent_ids.extend(begun)
        self._recent |= dict(zip(streams, self.journeys(origins), strict=True))
        self._settle()

    def _settle(self) -> None:
        if len(self._recent) > max(RECENT, self._sorted.height // 10):
            self.all()
