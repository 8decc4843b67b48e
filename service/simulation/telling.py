"""Rows become events: built and checked by the event models, one model for every distinct set of values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import polars as pl

from engine.aggregates.deal import events as deal
from engine.aggregates.lead import events as lead
from engine.aggregates.pipeline.state import pipeline_stream
from engine.log.texts import new_text
from engine.log.writes import Text
from engine.messages import Event
from engine.values import TextRef
from service.importers.kinds import KINDS, Side
from service.simulation.dice import Dice, dashed
from service.simulation.settings import Settings

MODELS: dict[str, dict[Side, type[Event]]] = {name: kind.models for name, kind in KINDS.items()}
MODELS["EntryRetracted"] = {"lead": lead.EntryRetracted, "deal": deal.EntryRetracted}
STAND_IN = UUID(int=0)
"""Stands in a payload for the id that is the event's own, until the models have checked the rest."""
IN_A_STEP = 1_000
"""slots of a stay: in their order events of one moment are told"""
IN_A_JOURNEY = 2**16


@dataclass
class Library:
    """The free texts of the simulation, each kept once; they belong to the pipelines, not to single deals."""

    kept: dict[tuple[str, str], TextRef] = field(default_factory=dict)
    unwritten: list[Text] = field(default_factory=list)

    def ref(self, pipeline: str, body: str) -> TextRef:
        if (pipeline, body) not in self.kept:
            text, self.kept[pipeline, body] = new_text(pipeline_stream(pipeline), body)
            self.unwritten.append(text)
        return self.kept[pipeline, body]

    def own(self, stream: UUID, body: str) -> TextRef:
        """A text that nobody else refers to."""
        text, ref = new_text(stream, body)
        self.unwritten.append(text)
        return ref

    def take(self) -> list[Text]:
        """The rows that are not written yet; they count as written from here on."""
        rows, self.unwritten = self.unwritten, []
        return rows


Make = Callable[..., dict[str, Any]]


@dataclass
class Telling:
    """Collects the events of one slice of journeys."""

    settings: Settings
    dice: Dice
    people: dict[int, UUID]
    """person_id by the number of the rep"""
    library: Library
    parts: list[pl.DataFrame] = field(default_factory=list)

    def tell(
        self,
        kind: str,
        rows: pl.DataFrame,
        slot: int | pl.Expr,
        *,
        at: str | pl.Expr = "entered_at",
        told: pl.Expr | None = None,
        lead: bool | str = "lead",
        leaves: Sequence[str] = (),
        make: Make = dict,
        own_id: str | None = None,
    ) -> None:
        """One event of the kind for each row.

        rows: of walk.stays_of, or with its columns. slot: the event's place in its stay. at, told: when it happened,
        and when it was written down. lead: the stream it stands in. leaves: the columns that the payload is made of;
        make turns their values into fields. own_id: column of the one id (32 hex digits) that STAND_IN stands for.
        """
        at = pl.col(at) if isinstance(at, str) else at
        on_lead = pl.col(lead) if isinstance(lead, str) else pl.lit(lead)
        rows = rows.with_columns(at=at, on_lead=on_lead, tag=(pl.col("step") * IN_A_STEP + slot).cast(pl.UInt64))
        rows = rows.with_columns(told=at if told is None else pl.max_horizontal(told, "at"))
        rows = rows.filter(pl.col("told") <= self.settings.until)
        if rows.is_empty():
            return
        distinct = rows.select("on_lead", *leaves).unique(maintain_order=True)
        payloads = [self.payload(kind, row, make) for row in distinct.iter_rows(named=True)]
        distinct = distinct.with_columns(payload=pl.Series(payloads, dtype=pl.String))
        rows = rows.join(distinct, on=["on_lead", *leaves], nulls_equal=True, maintain_order="left")
        payload = pl.col("payload")
        if own_id is not None:
            payload = payload.str.replace(str(STAND_IN), dashed(own_id), literal=True)
        tags = {side: model.TOPIC for side, model in MODELS[kind].items()}
        self.parts.append(
            rows.select(
                "n",
                "tag",
                "owner",
                "told",
                stream_id=pl.when("on_lead").then("lead_stream").otherwise("deal_stream"),
                type=pl.when("on_lead")
                .then(pl.lit(tags.get("lead"), pl.String))
                .otherwise(pl.lit(tags.get("deal"), pl.String)),
                occurred_at="at",
                payload=payload,
            )
        )

    def payload(self, kind: str, row: dict[str, Any], make: Make) -> str:
        side: Side = "lead" if row.pop("on_lead") else "deal"
        fields = make(**row)
        event = MODELS[kind][side](**{name: value for name, value in fields.items() if value is not None})
        return event.payload()

    def event_ids(self, rows: pl.DataFrame, slot: int | pl.Expr) -> list[str]:
        """Ids of the events that stand or will stand in that slot of those stays."""
        tag = (pl.col("step") * IN_A_STEP + slot).cast(pl.UInt64)
        return self.dice.ids("event", rows.select(pl.col("n") * IN_A_JOURNEY + tag).to_series(), IN_A_JOURNEY)

    def events(self) -> pl.DataFrame:
        """Everything told, in the order of telling: columns of append_bulk's batch, but for the command's."""
        rows = pl.concat(self.parts).sort("told", "n", "tag")
        number = rows.select(pl.col("n") * IN_A_JOURNEY + pl.col("tag")).to_series()
        actors = {rep: person.hex for rep, person in self.people.items()}
        return rows.select(
            pl.Series("event_id", self.dice.ids("event", number, IN_A_JOURNEY)),
            "stream_id",
            "type",
            "occurred_at",
            actor=pl.col("owner").replace_strict(actors, return_dtype=pl.String),
            payload="payload",
        )
