"""What one file of an import tells: how its rows are read and which events they become."""

from collections.abc import Iterable
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from engine.values import Key
from service.importers.dates import DateFormat
from service.importers.kinds import OPENING
from service.importers.layout import Derived, Layout, Numbers
from service.importers.rule import Rule
from service.importers.words import Column, Source, Strings


class Part(Layout):
    """One file, or all files whose names fit."""

    name: Key | Literal[""] = ""
    """Of a file of several; part of the ids of its events."""
    file: Strings = ()
    """Of a file of several: its name in the folder, or patterns such as deals-*.json; .gz may follow."""
    shape: Literal["long", "wide"]
    """long: one event a row. wide: one journey a row, with a date per milestone."""
    journeys: Literal["deal", "lead", "lead_then_deal"] = "deal"
    key: Column
    """The column with the id of the journey in the source system."""
    time: Column | None = None
    activity: Strings = ()
    """Long: the columns that name what happened, the first one foremost."""
    row_id: Strings = ()
    """Long: the column (or columns) with a permanent id of the row, where the source has one."""
    unknown: Literal["signal", "skip"] | None = None
    """Long: what a row becomes that no rule speaks of. Both are counted and listed."""
    unopened: Literal["refuse", "skip"] = "refuse"
    """Rows of a journey that nothing opens. Skipped ones are counted."""
    future: Literal["refuse", "skip"] = "refuse"
    """Rows of what is still to come, such as planned meetings. Skipped ones are counted."""
    actor: Column | None = None
    empty: tuple[str, ...] = ()
    """Words that mean an empty cell, such as NULL or N/A."""
    numbers: Numbers = Numbers()
    dates: dict[Column, DateFormat]
    spelling: dict[Column, dict[str, str]] = Field(default_factory=dict)
    join: dict[Key, Column] = Field(default_factory=dict)
    """Side tables by name, and the column (of the file, of a table, or made of others) that holds the table's key."""
    made: Annotated[dict[Column, Derived], Field(alias="columns")] = Field(default_factory=dict)
    rules: Annotated[tuple[Rule, ...], Field(alias="events", min_length=1)]

    @model_validator(mode="after")
    def fits_its_shape(self) -> Self:
        if self.shape == "long":
            timed = all(rule.at is not None for rule in self.rules if rule.event is not None)
            if self.time is None and not (self.row_id and timed and self.unknown == "skip"):
                raise ValueError("a long file needs `time`; or `row_id`, `unknown: skip`, and `at` by event")
            if not self.activity or self.unknown is None:
                raise ValueError("a long file needs `time`, `activity` and `unknown: signal` or `unknown: skip`")
            if self.time is not None and self.time not in self.dates:
                raise ValueError(f"time column {self.time!r} has no format: state it under `dates`")
        else:
            if self.time is not None or self.activity or self.unknown is not None or self.row_id:
                raise ValueError(
                    "time, activity, unknown and row_id belong to a long file; a wide one has `at` by event"
                )
            names = [rule.key for rule in self.rules if rule.event is not None]
            for name in names:
                if names.count(name) > 1:
                    raise ValueError(f"two events are called {name!r}: give each a `name` of its own, it is their id")
        if self.watched and self.time is None:
            raise ValueError("`changed` compares the rows of a journey by time: it needs a long file with `time`")
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
    def events_are_of_its_journeys(self) -> Self:
        for rule in self.rules:
            if rule.event is None:
                continue
            if not set(self.sides) & rule.kind.sides:
                raise ValueError(f"{rule.event} is no event of a {self.journeys}: set `journeys`")
            if rule.event == "LeadConverted" and self.journeys == "lead_then_deal":
                raise ValueError(
                    "LeadConverted follows from DealOpened when `journeys` is lead_then_deal: leave it out"
                )
            if rule.event == "LeadConverted" and "deal" not in rule.fields:
                raise ValueError("LeadConverted needs `deal`: the column with the deal's id, and its `source`")
        return self

    @model_validator(mode="after")
    def picks_have_something_to_pick_from(self) -> Self:
        if self.unfold is None and any(made.pick is not None for made in self.made.values()):
            raise ValueError("`pick` chooses among the rows that `unfold` makes of one: name the column to unfold")
        return self

    @property
    def sides(self) -> tuple[Literal["lead", "deal"], ...]:
        return ("lead", "deal") if self.journeys == "lead_then_deal" else (self.journeys,)

    @property
    def opens(self) -> bool:
        wanted = OPENING["deal" if self.journeys == "deal" else "lead"]
        return any(rule.event == wanted for rule in self.rules)

    @cached_property
    def columns(self) -> set[str]:
        """Every column it reads: of the file, made of others, and (as TABLE.COLUMN) of side tables."""
        names = {self.key, *self.activity, *self.row_id, *self.dates, *self.spelling, *self.join.values()}
        names |= {name for name in (self.time, self.actor) if name is not None}
        for made in self.made.values():
            names |= made.columns
        for rule in self.rules:
            names |= rule.columns
        return names

    @cached_property
    def told(self) -> list[str]:
        """Those of the columns that rows of the file have by themselves."""
        return sorted(name for name in self.columns if name not in self.made and self.table_of(name) is None)

    def table_of(self, column: str) -> str | None:
        return next((table for table in self.join if column.startswith(f"{table}.")), None)

    @cached_property
    def personal(self) -> set[str]:
        """The columns that name people: they go to the table of people and into no other text."""
        names = {self.actor} if self.actor is not None else set()
        for rule in self.rules:
            for field, filling in rule.fields.items():
                if rule.kind.slots[field] == "person" and isinstance(filling, Source):
                    names |= filling.columns
        return names

    @cached_property
    def watched(self) -> list[str]:
        """The columns of which a rule asks whether they changed."""
        return sorted({column for rule in self.rules for column, test in rule.when.items() if test.changed})

    @cached_property
    def steps(self) -> list[tuple[Literal["join", "make"], str]]:
        """Joins and made columns in an order in which each has what it needs; ValueError where they go in a circle."""
        waiting: dict[tuple[Literal["join", "make"], str], set[str]] = {}
        for table, column in self.join.items():
            waiting["join", table] = self.needed({column})
        for name, made in self.made.items():
            waiting["make", name] = self.needed(made.columns)
        done: list[tuple[Literal["join", "make"], str]] = []
        there: set[str] = set()
        while waiting:
            step = next((step for step, needs in waiting.items() if needs <= there), None)
            if step is None:
                raise ValueError(f"{', '.join(name for _, name in waiting)} are made of each other in a circle")
            del waiting[step]
            done.append(step)
            there.add(step[1])
        return done

    def needed(self, columns: Iterable[str]) -> set[str]:
        tables = {table for table in map(self.table_of, columns) if table is not None}
        return tables | {column for column in columns if column in self.made}

    @model_validator(mode="after")
    def makes_no_circle(self) -> Self:
        assert self.steps is not None
        return self
