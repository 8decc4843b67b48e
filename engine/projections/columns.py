"""The log as columns: one narrow row an event in small codes, and side tables for what only some events carry.

A row's `code`, `value` and `unit` mean, by kind: Touched: touch kind + 16 inbound + 32 automated; BantAssessed:
dimension * 3 + verdict; SignalRecorded: signal; moves: stage (PipelineChanged: value = pipeline); Scored: fit and
value = engagement; SatisfactionRecorded: score; OwnerAssigned: owner; openings, ValueChanged, DealWon: value = amount
in minor units, unit = currency; EntryRetracted: value = position of what it takes back. actor: who recorded it. When
an event was recorded is not kept: the order of positions is that of recording.
"""

from collections.abc import Callable
from copy import copy, deepcopy
from dataclasses import dataclass, field
from typing import Final

import polars as pl
from polars._typing import PolarsDataType

from engine.aggregates.deal import events as deal
from engine.aggregates.lead import events as lead
from engine.messages import Event
from engine.projections.kept import Kept
from engine.projections.streams import Streams
from engine.stages.criteria_polars import CODE, DIMENSION, TOUCH, VERDICT
from engine.stages.facts import MOVES, OPENINGS, VALUED

EVENTS: Final[dict[str, PolarsDataType]] = {
    "journey": pl.UInt32,
    "occurred_at": pl.Int64,
    "position": pl.Int64,
    "kind": pl.UInt8,
    "code": pl.Int32,
    "value": pl.Int64,
    "unit": pl.Int16,
    "policy": pl.Boolean,
    "actor": pl.Int32,
}
_STAMP: Final[dict[str, PolarsDataType]] = {"journey": pl.UInt32, "occurred_at": pl.Int64, "position": pl.Int64}
SIDES: Final[dict[str, dict[str, PolarsDataType]]] = {
    "openings": _STAMP
    | {
        "stream": pl.String,
        "pipeline": pl.Int16,
        "first": pl.Boolean,
        "owner": pl.Int32,
        "source": pl.String,
        "channel": pl.String,
        "title": pl.String,
        "expected_close": pl.String,
    },
    "attributes": _STAMP | {"name": pl.String, "value": pl.String},
    "follow_ups": _STAMP
    | {
        "kind": pl.UInt8,
        "follow_up": pl.String,
        "due_at": pl.Int64,
        "touch": pl.String,
        "owner": pl.String,
        "note": pl.String,
        "reason": pl.String,
        "origin": pl.String,
    },
    "stalls": _STAMP | {"started_by": pl.String},
    "proposals": _STAMP | {"kind": pl.UInt8, "proposal": pl.String, "expires_at": pl.Int64},
    "reasons": _STAMP | {"reason": pl.String},
    "closes": _STAMP | {"expected_close": pl.String},
}
"""openings.first: the opening of the journey itself, not of a deal that continues its lead's."""

_MONEY: Final = pl.Struct({"amount_minor": pl.Int64, "currency": pl.String})
_PAYLOAD: Final = pl.Struct(
    {
        "kind": pl.String,
        "direction": pl.String,
        "automated": pl.Boolean,
        "dimension": pl.String,
        "verdict": pl.String,
        "signal": pl.String,
        "fit": pl.Int32,
        "score": pl.Int32,
        "engagement": pl.Int64,
        "stage": pl.String,
        "pipeline": pl.String,
        "value": _MONEY,
        "event_id": pl.String,
        "from_lead": pl.String,
        "owner": pl.String,
        "source": pl.String,
        "channel": pl.String,
        "title": pl.Struct({"text_id": pl.String}),
        "expected_close": pl.String,
        "attributes": pl.List(pl.Struct({"name": pl.String, "value": pl.String})),
        "follow_up_id": pl.String,
        "due_at": pl.String,
        "until": pl.String,
        "reason": pl.String,
        "note": pl.Struct({"text_id": pl.String}),
        "started_by": pl.String,
        "proposal_id": pl.String,
        "expires_at": pl.String,
    }
)
KIND_OF: Final = {
    kind.TOPIC: CODE[kind.__name__]
    for union in (lead.LeadEvent, deal.DealEvent)
    for kind in union.__args__
    if issubclass(kind, Event)
}
"""code of every type tag of a journey's events; a later version of an event gets its line by its class name"""


EntriesOf = Callable[[list[str]], pl.DataFrame]
"""The log's way to the entries of some streams (stream_id, event_id, position): what a retraction names may be old."""


@dataclass
class Codes:
    """Small integers for the words of the log, given as they appear; they live as long as the process."""

    pipelines: dict[str, int] = field(default_factory=dict)
    stages: dict[str, int] = field(default_factory=dict)
    signals: dict[str, int] = field(default_factory=dict)
    currencies: dict[str, int] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)


def coded(words: pl.Series, codes: dict[str, int], dtype: type[pl.DataType] | pl.DataType) -> pl.Series:
    """The codes of a column of words, new words added; null stays null."""
    if words.null_count() == words.len():
        return words.cast(dtype)
    for word in words.drop_nulls().unique(maintain_order=True):
        codes.setdefault(word, len(codes))
    if not codes:
        return pl.Series(words.name, [None] * len(words), dtype=dtype)
    return words.replace_strict(list(codes), list(codes.values()), default=None, return_dtype=dtype)


def hexed(column: str) -> pl.Expr:
    """An id as the feed writes it: 32 hex digits, no dashes."""
    return pl.col(column).str.replace_all("-", "", literal=True)


class Columns:
    """All events of the log as columns, kept as they come; nothing here depends on a definition or a lens."""

    def __init__(self) -> None:
        self.codes = Codes()
        self.position = 0
        self.streams = Streams()
        self.events = Kept.none(EVENTS)
        self.sides = {name: Kept.none(schema) for name, schema in SIDES.items()}

    def take(self, feed: pl.DataFrame, entries_of: EntriesOf) -> pl.Series:
        """Adds a batch of the feed (engine.log.feed.read_feed); returns the codes of the journeys it touches.

        All of it or, where this fails (entries_of asks the database), nothing: the same batch can be given again.
        """
        rows = feed.with_columns(kind=pl.col("type").replace_strict(KIND_OF, default=None, return_dtype=pl.UInt8))
        rows = rows.filter(pl.col("kind").is_not_null())
        position = int(feed["position"][-1])
        if rows.is_empty():
            self.position = position
            return pl.Series("journey", [], dtype=pl.UInt32)
        texts = rows.select("payload").unique()
        texts = texts.with_columns(detail=pl.col("payload").str.json_decode(_PAYLOAD))
        rows = (
            rows.join(texts, on="payload", how="left", maintain_order="left")
            .drop("payload")
            .unnest("detail", separator="_")
        )
        rows = self.with_journeys(rows)
        rows = rows.join(self.retracted(rows, entries_of), on="position", how="left", maintain_order="left")
        events = self.hot(rows)
        sides = {
            name: self.sides[name].plus(more.select(SIDES[name].keys()))
            for name, more in self.side_rows(rows).items()
            if not more.is_empty()
        }
        self.position, self.events, self.sides = position, self.events.plus(events), self.sides | sides
        return events["journey"].unique()

    def as_it_is(self) -> "Columns":
        """What there is now, for a question that is computed while more is taken."""
        found = copy(self)
        found.codes, found.streams, found.sides = deepcopy(self.codes), copy(self.streams), dict(self.sides)
        return found

    def with_journeys(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Adds `journey`: the code of the stream's journey; a deal opened from a lead continues the lead's."""
        streams = rows["stream_id"].unique(maintain_order=True)
        fresh = streams.filter(self.streams.journeys(streams).is_null())
        if not fresh.is_empty():
            openings = rows.filter(is_opening()).unique("stream_id", keep="first")
            origin = openings.select("stream_id", origin=hexed("detail_from_lead"))
            told = fresh.to_frame().join(origin, on="stream_id", how="left", maintain_order="left")
            self.streams.take(fresh, told["origin"].fill_null(fresh))
        of_stream = pl.DataFrame([streams, self.streams.journeys(streams).alias("journey")])
        return rows.join(of_stream, on="stream_id", how="left", maintain_order="left")

    def retracted(self, rows: pl.DataFrame, entries_of: EntriesOf) -> pl.DataFrame:
        """Position and `target`, the position of the entry each retraction takes back (null: there is none)."""
        taken = rows.filter(pl.col("kind") == CODE["EntryRetracted"]).select(
            "position", "stream_id", event_id=hexed("detail_event_id")
        )
        if taken.is_empty():
            return pl.DataFrame(schema={"position": pl.Int64, "target": pl.Int64})
        entries = entries_of(taken["stream_id"].unique().to_list()).select("stream_id", "event_id", target="position")
        return taken.join(entries, on=["stream_id", "event_id"], how="left").select("position", "target")

    def hot(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The narrow rows."""
        codes = self.codes
        detail = {name: rows[f"detail_{name}"] for name in ("signal", "stage", "owner", "pipeline")}
        money = rows["detail_value"].struct
        coded_rows = rows.with_columns(
            signal=coded(detail["signal"], codes.signals, pl.Int32),
            stage=coded(detail["stage"], codes.stages, pl.Int32),
            owner=coded(rows.select(hexed("detail_owner")).to_series(), codes.people, pl.Int32),
            pipeline=coded(detail["pipeline"], codes.pipelines, pl.Int64),
            touch=pl.col("detail_kind").replace_strict(TOUCH, default=None, return_dtype=pl.Int32)
            + pl.when(pl.col("detail_direction") == "inbound").then(16).otherwise(0)
            + pl.when(pl.col("detail_automated").fill_null(False)).then(32).otherwise(0),
            verdict=pl.col("detail_dimension").replace_strict(DIMENSION, default=None, return_dtype=pl.Int32) * 3
            + pl.col("detail_verdict").replace_strict(VERDICT, default=None, return_dtype=pl.Int32),
            amount=money.field("amount_minor"),
            currency=coded(money.field("currency"), codes.currencies, pl.Int16),
        )
        is_any = {name: pl.col("kind") == CODE[name] for name in CODE}
        moves = pl.col("kind").is_in([CODE[name] for name in sorted(MOVES)])
        valued = pl.col("kind").is_in([CODE[name] for name in sorted(VALUED)])
        return coded_rows.select(
            "journey",
            "occurred_at",
            "position",
            "kind",
            code=pl.when(is_any["Touched"])
            .then("touch")
            .when(is_any["BantAssessed"])
            .then("verdict")
            .when(is_any["SignalRecorded"])
            .then("signal")
            .when(moves)
            .then("stage")
            .when(is_any["Scored"])
            .then(pl.col("detail_fit"))
            .when(is_any["SatisfactionRecorded"])
            .then(pl.col("detail_score"))
            .when(is_any["OwnerAssigned"])
            .then("owner")
            .otherwise(-1)
            .fill_null(-1)
            .cast(pl.Int32),
            value=pl.when(valued)
            .then("amount")
            .when(is_any["PipelineChanged"])
            .then("pipeline")
            .when(is_any["Scored"])
            .then("detail_engagement")
            .when(is_any["EntryRetracted"])
            .then("target"),
            unit=pl.when(valued).then("currency").cast(pl.Int16),
            policy=pl.col("origin").str.starts_with("policy:"),
            actor=coded(rows["actor"], codes.people, pl.Int32),
        )

    def side_rows(self, rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
        """The rows of the side tables, by name."""
        openings = rows.filter(is_opening())
        openings = openings.with_columns(
            stream="stream_id",
            pipeline=coded(openings["detail_pipeline"], self.codes.pipelines, pl.Int16),
            first=pl.col("detail_from_lead").is_null(),
            owner=coded(openings.select(hexed("detail_owner")).to_series(), self.codes.people, pl.Int32),
            source="detail_source",
            channel="detail_channel",
            title=pl.col("detail_title").struct.field("text_id").str.replace_all("-", "", literal=True),
            expected_close="detail_expected_close",
        )
        follow_ups = rows.filter(pl.col("detail_follow_up_id").is_not_null())
        due = pl.coalesce("detail_due_at", "detail_until").str.to_datetime(time_unit="us", time_zone="UTC", strict=True)
        return {
            "openings": openings,
            "attributes": rows.filter(pl.col("detail_attributes").list.len() > 0)
            .explode("detail_attributes")
            .with_columns(
                name=pl.col("detail_attributes").struct.field("name"),
                value=pl.col("detail_attributes").struct.field("value"),
            ),
            "follow_ups": follow_ups.with_columns(
                follow_up="detail_follow_up_id",
                due_at=due.dt.epoch("us") if not follow_ups.is_empty() else pl.lit(None, pl.Int64),
                touch="detail_kind",
                owner=hexed("detail_owner"),
                note=pl.col("detail_note").struct.field("text_id").str.replace_all("-", "", literal=True),
                reason="detail_reason",
            ),
            "stalls": rows.filter(pl.col("kind") == CODE["Stalled"]).with_columns(
                started_by=hexed("detail_started_by")
            ),
            "proposals": rows.filter(pl.col("detail_proposal_id").is_not_null()).with_columns(
                proposal="detail_proposal_id",
                expires_at=pl.col("detail_expires_at")
                .str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=True)
                .dt.epoch("us"),
            ),
            "reasons": rows.filter(pl.col("kind").is_in([CODE["DealLost"], CODE["LeadDisqualified"]])).with_columns(
                reason="detail_reason"
            ),
            "closes": rows.filter(pl.col("kind") == CODE["ExpectedCloseChanged"]).with_columns(
                expected_close="detail_expected_close"
            ),
        }


def is_opening() -> pl.Expr:
    return pl.col("kind").is_in([CODE[name] for name in sorted(OPENINGS)])
