"""Journeys told by the stages they pass, derived for real: funnel(journey("contact@0", "qualified@3", "won@8")).

A word is a stage that is reached by itself, or "lost", "disqualified", "merged"; "<contact" is a person's move,
"^proposal" a reopening, "~partners" the change to another pipeline, "touch" a call. "@8" is the day it happens; without
it, a day after the word before.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

import polars as pl

from engine.projections.conversion import Conversion, StageConversion, conversion
from engine.projections.filters import Filters
from engine.projections.frames import derive
from engine.projections.journeys import derive_profiles
from engine.projections.look import Look
from engine.projections.roster import SCHEMA as ROSTER
from engine.projections.seen import see
from engine.stages.definition import Definition, parse_definition
from engine.stages.facts import Fact
from engine.values import Money, to_micros
from tests.properties.columns_of import columns_of

DAY = 86_400_000_000
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
SALES = parse_definition(
    {
        "pipeline": "sales",
        "qualified_from": "qualified",
        "stages": [
            {"key": "contact", "kind": "open", "stall": {"idle_days": 10}, "probability": 0.1},
            {"key": "qualified", "kind": "open", "enter": {"signal": "qualified"}, "stall": {"stage_days": 30}},
            {"key": "proposal", "kind": "open", "enter": {"signal": "proposal"}, "probability": 0.5},
            {"key": "won", "kind": "won", "enter": {"event": "DealWon"}},
            {"key": "lost", "kind": "lost", "enter": {"any": [{"event": "DealLost"}, {"event": "LeadDisqualified"}]}},
            {"key": "retention", "kind": "after_sale", "enter": {"event": "SatisfactionRecorded"}},
        ],
    }
)
KINDS = {
    "won": "DealWon",
    "lost": "DealLost",
    "disqualified": "LeadDisqualified",
    "merged": "DealMerged",
    "retention": "SatisfactionRecorded",
}


def day(number: float) -> int:
    """Microseconds of a day after the start, the journeys' first."""
    return to_micros(START) + round(number * DAY)


def date_of(number: float) -> datetime:
    return START + timedelta(days=number)


@dataclass(frozen=True)
class Journey:
    words: tuple[str, ...]
    value: Money | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)
    """of Look.journeys, besides what is derived: owner, source, channel, next_action_at, ..."""
    attributes: Mapping[str, str] = field(default_factory=dict)


def journey(
    *words: str,
    back_to: str | None = None,
    value: str | None = "100 EUR",
    attributes: Mapping[str, str] | None = None,
    **columns: Any,
) -> Journey:
    """value: as of the opening; value="100 EUR" and "value=250 EUR@3" among the words changes it."""
    told = words if back_to is None else (*words, f"<{back_to}")
    return Journey(told, None if value is None else money(value), columns, attributes or {})


def money(text: str) -> Money:
    amount, currency = text.split()
    return Money.of(amount, currency)


def facts_of(told: Journey, first_position: int) -> list[Fact]:
    facts: list[Fact] = []
    at = -1.0
    for position, word in enumerate(told.words, start=first_position):
        what, _, when = word.partition("@")
        at = float(when) if when else at + 1
        moment = day(at)
        facts.append(
            Fact(position=position, occurred_at=moment, recorded_at=moment, **details(what, told, bool(facts)))
        )
    return facts


def details(what: str, told: Journey, opened: bool) -> dict[str, Any]:
    if not opened:
        value = {} if told.value is None else told.value.model_dump()
        return {"kind": "DealOpened", "pipeline": "partners" if what == "partners" else "sales", **value}
    if what.startswith("<"):
        return {"kind": "StageMoved", "stage": what[1:]}
    if what.startswith("^"):
        return {"kind": "DealReopened", "stage": what[1:]}
    if what.startswith("~"):
        pipeline, _, stage = what[1:].partition(":")
        return {"kind": "PipelineChanged", "pipeline": pipeline, "stage": stage or "contact"}
    if what.startswith("value="):
        return {"kind": "ValueChanged", **money(what.removeprefix("value=")).model_dump()}
    if what == "touch":
        return {"kind": "Touched", "touch": "call"}
    if what in KINDS:
        return {"kind": KINDS[what]}
    return {"kind": "SignalRecorded", "signal": what}


class FoundLook(Look):
    """A look without a log: every journey's key is its number."""

    def everybody(self) -> pl.DataFrame:
        return self.people

    def event_ids(self, positions: Iterable[int]) -> dict[int, UUID]:
        return {position: UUID(int=position) for position in positions}

    def called(self, journeys: Sequence[tuple[str, str | None]]) -> list[tuple[str | None, str | None]]:
        return [(str(int(journey, 16)), None) for journey, _ in journeys]


def look(
    facts: Mapping[int, list[Fact]], definition: Definition, *, as_of: int, roster: list[dict[str, Any]] | None = None
) -> FoundLook:
    """What the derivation makes of the facts of numbered journeys."""
    columns = columns_of(facts)
    seen = see(columns, as_of=as_of, known=None)
    frames = derive(seen, columns, definition, derive_profiles(seen, columns.codes))
    people = [{"person_id": person(n), "role": "rep", "source": "crm", "key": f"rep-{n}"} for n in range(1, 6)]
    names = {"name": ["Rep One", "Rep Two", None, None, None]}
    return FoundLook(
        pipeline=definition.pipeline,
        definition=definition,
        version=1,
        as_of=as_of,
        known_at=None,
        position=sum(map(len, facts.values())),
        frames=frames,
        membership=pl.DataFrame(roster or [], schema=ROSTER).sort("rep", "since"),
        people=pl.DataFrame(people).with_columns(**{key: pl.Series(values) for key, values in names.items()}),
        log=None,  # type: ignore[arg-type]  # the answers read no log but through named()
        codes=columns.codes,
        seen=lambda: seen,
    )


def person(number: int) -> str:
    """person_id of rep-1, rep-2, ..."""
    return f"{number:032x}"


@dataclass(frozen=True)
class Stage:
    figures: StageConversion

    def has(self, **expected: object) -> None:
        assert self.figures.model_dump(include=set(expected)) == expected


@dataclass(frozen=True)
class Funnel:
    """Journeys to ask."""

    journeys: tuple[Journey, ...]
    as_of: float
    definition: Definition
    roster: list[dict[str, Any]]

    @cached_property
    def look(self) -> FoundLook:
        position, facts = 1, {}
        for number, told in enumerate(self.journeys):
            facts[number] = facts_of(told, position)
            position += len(told.words)
        found = look(facts, self.definition, as_of=day(self.as_of), roster=self.roster)
        return with_columns(found, self.journeys)

    def conversion(self, filters: Filters | None = None, **options: Any) -> Conversion:
        return conversion(self.look, filters or Filters(), **options)

    def stage(self, key: str, filters: Filters | None = None, **options: Any) -> Stage:
        (found,) = (stage for stage in self.conversion(filters, **options).stages if stage.stage == key)
        return Stage(found)


def funnel(
    *journeys: Journey, as_of: float = 100, definition: Definition = SALES, roster: list[dict[str, Any]] | None = None
) -> Funnel:
    return Funnel(journeys, as_of, definition, roster or [])


def with_columns(found: FoundLook, journeys: tuple[Journey, ...]) -> FoundLook:
    """The look with the columns and attributes that were told of the journeys."""
    frame = found.journeys
    for name in {name for told in journeys for name in told.columns}:
        values = {number: told.columns.get(name) for number, told in enumerate(journeys)}
        column = [values[number] for number in frame["journey"]]
        frame = frame.with_columns(pl.Series(name, column, dtype=frame.schema[name]))
    rows = [(n, name, value) for n, told in enumerate(journeys) for name, value in told.attributes.items()]
    attributes = pl.DataFrame(rows, schema=found.attributes.schema, orient="row")
    return replace(found, frames=found.frames._replace(journeys=frame, attributes=attributes))
