"""Facts become events: built and checked by the event models themselves, once for every distinct set of values.

So what an import stores is, byte for byte, what a command would have stored.
"""

from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import polars as pl
from pydantic import ValidationError

from engine.log.writes import Text
from engine.wording import wording
from service.importers.conditions import UNLISTED, text_of
from service.importers.dates import days
from service.importers.fields import Maker, WrongValueError, leaves
from service.importers.kinds import KINDS
from service.importers.mapping import Mapping
from service.importers.part import Part
from service.importers.people import Cast
from service.importers.reading import ROW, Bad
from service.importers.rule import Rule
from service.importers.ruled import Ruled
from service.importers.tidy import instant_column
from service.importers.words import Source

OWN = {"event_id": "#event", "first_id": "#first", "stream": "#stream", "thing": "#thing", "other": "#other"}
"""Columns of a single fact that its payload may need."""


@dataclass
class Built:
    """What the events of one rule came to. All by event_id in hex."""

    payloads: dict[str, str] = field(default_factory=dict)
    people: dict[str, tuple[UUID, ...]] = field(default_factory=dict)
    texts: dict[str, list[Text]] = field(default_factory=dict)
    bodies: dict[str, dict[str, str]] = field(default_factory=dict)
    """the texts of an event by field, to compare with what the log holds"""


@dataclass
class Builder:
    """Builds the events of facts. With `writing`, people and texts not met before are created for them."""

    mapping: Mapping
    rows: pl.DataFrame
    cast: Cast
    pipelines: Container[str]
    bad: Bad
    writing: bool

    def build(self, ruled: Ruled, facts: pl.DataFrame, built: Built) -> None:
        """Adds to built the events of these facts, all of this rule."""
        if not facts.height:
            return
        values = self.values(ruled, facts)
        kinds = facts["kind"].unique().to_list()
        for kind in kinds:
            chosen = values.filter(pl.col("#kind") == kind)
            for side in chosen["#side"].unique().to_list():
                self.one_model(ruled, kind, side, chosen.filter(pl.col("#side") == side), built)

    def values(self, ruled: Ruled, facts: pl.DataFrame) -> pl.DataFrame:
        rows = self.rows[facts[ROW]]
        columns = [self.leaf_values(ruled, leaf, source, rows) for leaf, source in leaves(ruled.rule).items()]
        own = [facts[name].alias(short) for name, short in OWN.items()]
        labels = [facts["kind"].alias("#kind"), facts["side"].alias("#side")]
        return pl.DataFrame([rows[ROW], *own, *labels, *columns])

    def leaf_values(self, ruled: Ruled, leaf: str, source: Source, rows: pl.DataFrame) -> pl.Series:
        slot = ruled.rule.kind.slots[leaf.split(".", 1)[0]]
        if slot == "date" and source.column is not None:
            return days(rows[source.column], ruled.part.dates[source.column]).alias(leaf)
        if slot == "instant" and source.column is not None:
            return rows[instant_column(source.column)].cast(pl.String).alias(leaf)
        if slot == "person" and source.column is not None and (source.name or source.email or source.phone):
            self.describe(source, rows)
        cells = rows.select(text_of(source, row_columns(ruled.part)).alias(leaf))[leaf]
        return cells if cells.len() == rows.height else cells.new_from_index(0, rows.height)

    def describe(self, source: Source, rows: pl.DataFrame) -> None:
        keys = rows.select(text_of(source, []).alias("key"))["key"]
        details = [rows[name] if name else [None] * rows.height for name in (source.name, source.email, source.phone)]
        for key, *found in set(zip(keys, *details, strict=True)):
            if key is not None:
                self.cast.describe(source.source or self.mapping.source, key, *found)

    def one_model(self, ruled: Ruled, kind: str, side: Any, values: pl.DataFrame, built: Built) -> None:
        rule = ruled.rule
        model = KINDS[kind].models[side]
        slots = KINDS[kind].slots
        named = list(leaves(rule))
        single = {"text", "thing"} & {slots[name] for name in slots if name in rule.fields or slots[name] == "thing"}
        if {"from_lead", "deal"} & set(slots) and self.mapping.linked:
            single.add("stream")
        groups = groups_of(values, named, bool(single))
        for example, events, places in groups:
            maker = Maker(self.mapping, ruled.part, self.cast, self.pipelines, self.writing, rule, kind, example)
            try:
                event = model(**dict(maker.fields()))
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                leaf = ".".join(str(part) for part in first["loc"])
                self.refuse(rule, example, leaf, wording(first), places)
                continue
            except WrongValueError as wrong:
                self.refuse(rule, example, wrong.leaf, wrong.why, places)
                continue
            payload, people = event.payload(), tuple(maker.people)
            for event_id in events:
                built.payloads[event_id] = payload
                built.people[event_id] = people
            if single:
                built.texts[events[0]] = maker.texts
                built.bodies[events[0]] = maker.bodies

    def refuse(self, rule: Rule, example: dict[str, Any], leaf: str, why: str, places: list[int]) -> None:
        sources = leaves(rule)
        source = sources.get(leaf) or sources.get(leaf.split(".", 1)[0])
        column = source.column if source is not None else None
        value = example.get(leaf)
        for row in places:
            if value == UNLISTED and column is not None:
                self.bad.tell(row, column, self.rows[column][row], why)
            else:
                told = why if column is not None else f"{rule.event}, {leaf}: {why}"
                self.bad.tell(row, column, value, told)


def row_columns(part: Part) -> list[str]:
    """What the text of a row shows: the file's own columns but those that name people."""
    return [column for column in part.told if column not in part.personal]


def groups_of(
    values: pl.DataFrame, named: list[str], single: bool
) -> Iterator[tuple[dict[str, Any], list[str], list[int]]]:
    """Values, the events that have them, and the rows where those stand."""
    if single or not named:
        if not named and not single:
            yield values.row(0, named=True), values["#event"].to_list(), values[ROW].to_list()
            return
        for example in values.iter_rows(named=True):
            yield example, [example["#event"]], [example[ROW]]
        return
    grouped = values.group_by(named, maintain_order=True).agg(
        ROW, "#event", pl.first("#stream", "#first", "#thing", "#other")
    )
    for example in grouped.iter_rows(named=True):
        yield example, example["#event"], example[ROW]
