"""A mapping: what the columns or activities of a file mean. Data, checked whole before the file is opened."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from engine.errors import Rejected
from engine.stages.definition import problems
from engine.values import Key, Utc
from service.importers.dates import DateFormat
from service.importers.plain_yaml import read_yaml
from service.importers.rule import Rule
from service.importers.words import Column, Source, Strict, Strings


class Table(Strict):
    """A CSV file beside the imported one, joined by key; its cells are read as TABLE.COLUMN."""

    file: str
    key: Column
    column: Column | None = None
    """The column of the imported file that holds the key; absent for a table only the roster reads."""
    unknown: Literal["refuse", "empty"] = "refuse"
    """What a key does that the table lacks. An empty cell always joins nothing."""
    encoding: str = "utf-8"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","


class Roster(Strict):
    """Who sells in which team, for whom, where: columns of a side table, and since when it holds."""

    table: str
    rep: Column
    team: Column | None = None
    manager: Column | None = None
    region: Column | None = None
    name: Column | None = None
    since: Utc
    """From when on the membership holds, as ISO 8601 with an offset; a table of a later year states a later one."""


class Numbers(Strict):
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ",", ".", " ", "'"] = ""

    @model_validator(mode="after")
    def distinct(self) -> Self:
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands can't be the same sign")
        return self


class Mapping(Strict):
    source: Key
    """The name of the system the history comes from; origin of the events is import:NAME."""
    pipeline: Key
    definition: str | None = None
    """File beside the mapping; published as version 1 when the pipeline does not exist yet."""
    shape: Literal["long", "wide"]
    """long: one event a row. wide: one journey a row, with a date per milestone."""
    journeys: Literal["deal", "lead", "lead_then_deal"] = "deal"
    key: Column
    """The column with the id of the journey in the source system."""
    time: Column | None = None
    activity: Strings = ()
    """Long: the columns that name what happened, the first one foremost."""
    row_id: Column | None = None
    """Long: the column with a permanent id of the row, where the source has one."""
    unknown: Literal["signal", "skip"] | None = None
    """Long: what a row becomes that no rule speaks of. Both are counted and listed."""
    actor: Column | None = None
    encoding: str = "utf-8"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    empty: tuple[str, ...] = ()
    """Words that mean an empty cell, such as NULL or N/A."""
    numbers: Numbers = Numbers()
    dates: dict[Column, DateFormat]
    spelling: dict[Column, dict[str, str]] = Field(default_factory=dict)
    tables: dict[Key, Table] = Field(default_factory=dict)
    roster: Roster | None = None
    rules: Annotated[tuple[Rule, ...], Field(alias="events", min_length=1)]

    @model_validator(mode="after")
    def fits_its_shape(self) -> Self:
        if self.shape == "long":
            if self.time is None or not self.activity or self.unknown is None:
                raise ValueError("a long file needs `time`, `activity` and `unknown: signal` or `unknown: skip`")
            if self.time not in self.dates:
                raise ValueError(f"time column {self.time!r} has no format: state it under `dates`")
        else:
            if self.time is not None or self.activity or self.unknown is not None or self.row_id is not None:
                raise ValueError(
                    "time, activity, unknown and row_id belong to a long file; a wide one has `at` by event"
                )
            names = [rule.key for rule in self.rules if rule.event is not None]
            for name in names:
                if names.count(name) > 1:
                    raise ValueError(f"two events are called {name!r}: give each a `name` of its own, it is their id")
        return self

    @model_validator(mode="after")
    def every_event_has_a_time(self) -> Self:
        for rule in self.rules:
            if rule.event is not None and rule.at is None and self.time is None:
                raise ValueError(f"event {rule.key!r} has no time: add `at: COLUMN`")
            wanted = [rule.at.column] if rule.at is not None else []
            if rule.at is not None and rule.at.fallback is not None and rule.at.fallback.column is not None:
                wanted.append(rule.at.fallback.column)
            for field, filling in rule.fields.items():
                if rule.kind.slots[field] in ("date", "instant") and isinstance(filling, Source):
                    if filling.column is None:
                        raise ValueError(f"{field} of {rule.key!r} must come from a column listed under `dates`")
                    wanted.append(filling.column)
            for column in wanted:
                if column not in self.dates:
                    raise ValueError(f"date column {column!r} of {rule.key!r} has no format: state it under `dates`")
        return self

    @model_validator(mode="after")
    def journeys_have_their_events(self) -> Self:
        opening = {"deal": {"DealOpened"}, "lead": {"LeadCaptured"}, "lead_then_deal": {"LeadCaptured"}}[self.journeys]
        if not opening & {rule.event for rule in self.rules}:
            raise ValueError(f"no event opens a journey: add one with `event: {opening.pop()}`")
        for rule in self.rules:
            if rule.event is None:
                continue
            sides = {"lead", "deal"} if self.journeys == "lead_then_deal" else {self.journeys}
            if not sides & rule.kind.sides:
                raise ValueError(f"{rule.event} is no event of a {self.journeys}: set `journeys`")
            if rule.event == "LeadConverted" and self.journeys == "lead_then_deal":
                raise ValueError(
                    "LeadConverted follows from DealOpened when `journeys` is lead_then_deal: leave it out"
                )
            if rule.event == "LeadConverted" and "deal" not in rule.fields:
                raise ValueError("LeadConverted needs `deal`: the column with the deal's id, and its `source`")
        return self

    @model_validator(mode="after")
    def tables_are_known(self) -> Self:
        if self.roster is not None and self.roster.table not in self.tables:
            raise ValueError(f"roster names table {self.roster.table!r}, which is not under `tables`")
        return self

    @property
    def origin(self) -> str:
        return f"import:{self.source}"

    @property
    def columns(self) -> set[str]:
        """Every column the mapping reads, of the file and (as TABLE.COLUMN) of side tables."""
        names = {self.key, *self.activity, *self.dates, *self.spelling}
        names |= {name for name in (self.time, self.row_id, self.actor) if name is not None}
        names |= {table.column for table in self.tables.values() if table.column is not None}
        for rule in self.rules:
            names |= rule.columns
        return names

    @cached_property
    def personal(self) -> set[str]:
        """The columns that name people: they go to the table of people and into no other text."""
        names = {self.actor} if self.actor is not None else set()
        for rule in self.rules:
            for field, filling in rule.fields.items():
                if rule.kind.slots[field] == "person" and isinstance(filling, Source):
                    names |= filling.columns
        return names


def load_mapping(path: Path) -> Mapping:
    """The mapping in a YAML file; Rejected names the field, the value and what would be right."""
    raw = read_yaml(path)
    try:
        return Mapping.model_validate(raw)
    except ValidationError as error:
        raise Rejected(f"{path}: " + "; ".join(problems(error))) from None
