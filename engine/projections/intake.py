"""What is new in the log, into the columns: which journey it is of, and what it says."""

from typing import Final

import polars as pl

from engine.aggregates.deal import events as deal
from engine.aggregates.lead import events as lead
from engine.log.feed import FEED
from engine.messages import Event
from engine.projections.coding import FEW, coded
from engine.projections.columns import Columns, EntriesOf
from engine.projections.payloads import read
from engine.projections.shapes import Known, hexed
from engine.projections.streams import Streams
from engine.stages.criteria_polars import CODE

NEEDED: Final = [column for column in FEED if column.name not in ("event_id", "version")]
"""what is read of the feed here, by Definitions and by the roster"""
KIND_OF: Final = {
    kind.TOPIC: CODE[kind.__name__]
    for union in (lead.LeadEvent, deal.DealEvent)
    for kind in union.__args__
    if issubclass(kind, Event)
}
"""code of every type tag of a journey's events; a later version of an event gets its line by its class name"""


def take(columns: Columns, feed: pl.DataFrame, entries_of: EntriesOf) -> pl.Series:
    """Adds a batch of the feed (read_feed, NEEDED of it at least); returns the codes of the journeys it touches.

    All of it or, where this fails (entries_of asks the database), nothing: the same batch can be given again.
    """
    position, kinds = int(feed["position"][-1]), kinds_of(feed["type"])
    rows = feed.hstack([kinds])
    if kinds.null_count():
        rows = rows.filter(kinds.is_not_null())
    if rows.is_empty():
        columns.position = position
        return pl.Series("journey", [], dtype=pl.UInt32)
    journeys = journeys_of(rows, columns.streams)
    policy = rows["origin"].str.starts_with("policy:").alias("policy")
    actor = coded(rows["actor"], columns.codes.people)
    events, sides = read(rows.drop("actor").hstack([journeys, policy, actor]), Known(columns.codes, entries_of))
    columns.add(position, events, sides)
    return journeys.unique()


def kinds_of(tags: pl.Series) -> pl.Series:
    """The code of each type tag; null: of no event of a journey."""
    if tags.len() <= FEW:
        return pl.Series("kind", [KIND_OF.get(tag) for tag in tags], dtype=pl.UInt8)
    return tags.replace_strict(KIND_OF, default=None, return_dtype=pl.UInt8).alias("kind")


def journeys_of(rows: pl.DataFrame, known: Streams) -> pl.Series:
    """The code of each row's journey; a deal opened from a lead continues the lead's."""
    streams = rows["stream_id"].unique(maintain_order=True)
    journeys = known.journeys(streams)
    if journeys.null_count():
        fresh = streams.filter(journeys.is_null())
        known.take(fresh, origins(rows, fresh))
        journeys = known.journeys(streams)
    if streams.len() == rows.height:
        return journeys
    if rows.height <= FEW:
        journey_of = dict(zip(streams, journeys, strict=True))
        return pl.Series("journey", [journey_of[stream] for stream in rows["stream_id"]], dtype=pl.UInt32)
    of_stream = pl.DataFrame([streams, journeys])
    return rows.select("stream_id").join(of_stream, on="stream_id", how="left", maintain_order="left")["journey"]


def origins(rows: pl.DataFrame, fresh: pl.Series) -> pl.Series:
    """The stream that each of the fresh ones' journey began with: its lead's, else its own."""
    opened = rows.filter(pl.col("kind") == CODE["DealOpened"]).unique("stream_id", keep="first")
    from_lead = pl.col("payload").str.json_decode(pl.Struct({"from_lead": pl.String})).struct.field("from_lead")
    told = fresh.to_frame().join(
        opened.select("stream_id", origin=hexed(from_lead)), on="stream_id", how="left", maintain_order="left"
    )
    return told["origin"].fill_null(fresh)
