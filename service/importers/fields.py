"""The fields of one event from one set of values: money, people, texts and references made of the cells' text."""

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from engine.errors import Rejected
from engine.log.texts import new_text
from engine.log.writes import Text
from engine.values import Money, TextRef, from_micros
from service.importers.amounts import decimal_of
from service.importers.conditions import UNLISTED
from service.importers.ids import stream_hex, thing_hex
from service.importers.kinds import KINDS, THINGS, Slot
from service.importers.mapping import Mapping
from service.importers.part import Part
from service.importers.people import Cast
from service.importers.rule import Rule
from service.importers.words import Amount, Source

MAX_TEXT = 20_000
MAX_KEY = 200
REOPENED = "moved to an open stage"
"""Reason of a reopening that the source told as a mere move."""
EMPTY_REF = TextRef(text_id=UUID(int=0), hash="0" * 64)


class WrongValueError(Exception):
    """One value can't become part of the event."""

    def __init__(self, leaf: str, why: str) -> None:
        super().__init__(why)
        self.leaf, self.why = leaf, why


def leaves(rule: Rule) -> dict[str, Source]:
    """Where each single value of the rule's event comes from, by its place in the event."""
    found: dict[str, Source] = {}
    for name, filling in rule.fields.items():
        if isinstance(filling, Source):
            found[name] = filling
        elif isinstance(filling, Amount):
            found |= {f"{name}.amount": filling.amount, f"{name}.currency": filling.currency}
        elif isinstance(filling, dict):
            found |= {f"{name}.{key}": source for key, source in filling.items()}
        else:
            for place, option in enumerate(filling):
                at = f"{name}.{place}"
                found |= {f"{at}.name": option.name, f"{at}.amount": option.price.amount}
                found |= {f"{at}.currency": option.price.currency}
    return found


@dataclass
class Maker:
    """The fields of one event from one set of values."""

    mapping: Mapping
    part: Part
    cast: Cast
    pipelines: Container[str]
    """those that have a definition"""
    writing: bool
    """people and texts not met before are created"""
    rule: Rule
    kind: str
    values: dict[str, Any]
    people: list[UUID] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    bodies: dict[str, str] = field(default_factory=dict)

    def fields(self) -> Iterator[tuple[str, Any]]:
        makers: dict[Slot, Callable[[str], Any]] = {
            "plain": self.cell,
            "whole": lambda name: read(WHOLE, self.cell(name)),
            "flag": lambda name: read(FLAG, self.cell(name)),
            "date": self.cell,
            "instant": self.instant,
            "text": self.text,
            "money": self.money,
            "person": self.person,
            "stream": self.stream,
            "thing": self.thing,
            "attributes": self.attributes,
            "options": self.options,
        }
        for name, slot in KINDS[self.kind].slots.items():
            if name == "reason" and self.kind == "DealReopened" and name not in self.rule.fields:
                yield name, REOPENED
            if name not in self.rule.fields and slot not in ("thing", "stream") and name != "pipeline":
                continue
            value = makers[slot](name)
            if name == "pipeline":
                value = self.pipeline(value)
            if value is not None:
                yield name, value

    def pipeline(self, key: str | None) -> str:
        key = key or self.mapping.pipeline
        if key not in self.pipelines:
            raise WrongValueError(
                "pipeline", f"there is no pipeline {key!r}: publish its definition, or skip its deals"
            )
        return key

    def cell(self, leaf: str) -> str | None:
        value: str | None = self.values.get(leaf)
        if value == UNLISTED:
            why = "the map under `with` does not list this value: add it, or `otherwise`"
            if any(source.written for name, source in leaves(self.rule).items() if name == leaf and not source.map):
                why = "nothing of it can be a key (Latin letters and digits): translate it by a `map`"
            raise WrongValueError(leaf, why)
        return value

    def instant(self, leaf: str) -> Any:
        value = self.cell(leaf)
        return None if value is None else from_micros(int(value))

    def text(self, name: str) -> TextRef | None:
        value = (self.cell(name) or "").strip()
        if not value:
            return None
        if len(value) > MAX_TEXT:
            raise WrongValueError(name, f"the text has {len(value)} characters: at most {MAX_TEXT} are kept")
        self.bodies[name] = value
        if not self.writing:
            return EMPTY_REF
        text, ref = new_text(UUID(hex=self.values["#stream"]), value)
        self.texts.append(text)
        return ref

    def money(self, name: str) -> Money | None:
        amount, currency = self.cell(f"{name}.amount"), self.cell(f"{name}.currency")
        if amount is None:
            return None
        if currency is None:
            raise WrongValueError(f"{name}.currency", "an amount has a currency: state one")
        try:
            return Money.of(decimal_of(amount, self.part.numbers), currency)
        except ValidationError as error:
            raise WrongValueError(f"{name}.amount", error.errors()[0]["msg"]) from None
        except (ValueError, Rejected) as error:
            raise WrongValueError(f"{name}.amount", str(error)) from None

    def person(self, name: str) -> UUID | None:
        key = (self.cell(name) or "").strip()
        if not key:
            return None
        if len(key) > 200:
            raise WrongValueError(name, "a person's id has at most 200 characters")
        source = leaves(self.rule)[name].source or self.mapping.source
        if not self.writing:
            return self.cast.find(source, key)
        met = self.cast.meet(source, key, "customer" if name == "person" else "rep")
        self.people.append(met)
        return met

    def stream(self, name: str) -> UUID | None:
        """Another lead or deal; in a file of leads that become deals, the lead of the same row."""
        key = self.cell(name)
        if key is not None:
            side = {"from_lead": "lead", "deal": "deal"}.get(name) or self.side()
            source = leaves(self.rule)[name].source or self.mapping.source
            return UUID(hex=stream_hex(source, side, key))
        other = self.values["#other"] if name in ("from_lead", "deal") else None
        return None if other is None else UUID(hex=other)

    def side(self) -> str:
        return "lead" if self.rule.event == "LeadMerged" else "deal"

    def thing(self, name: str) -> UUID:
        """By its id in the source; else the event that begins it names it, and later ones mean the last begun."""
        stream = self.values["#stream"]
        key = self.cell(name)
        if key is None and self.rule.event in THINGS.values():
            key = self.values["#first"]
        key = key if key is not None else self.values["#thing"]
        if key is None:
            raise WrongValueError(name, f"no {THINGS[name]} stands before it that it could mean: name its id")
        return UUID(hex=thing_hex(stream, name, key))

    def attributes(self, name: str) -> list[dict[str, str]]:
        filling = self.rule.fields[name]
        assert isinstance(filling, dict)
        cells = {key: self.cell(f"{name}.{key}") for key in filling}
        return [{"name": key, "value": value} for key, value in cells.items() if value is not None]

    def options(self, name: str) -> list[dict[str, Any]]:
        filling = self.rule.fields[name]
        assert isinstance(filling, tuple)
        made = []
        for place in range(len(filling)):
            price = self.money(f"{name}.{place}")
            if price is not None:
                made.append({"name": self.cell(f"{name}.{place}.name"), "price": price})
        return made


WHOLE: TypeAdapter[int] = TypeAdapter(int)
FLAG: TypeAdapter[bool] = TypeAdapter(bool)


def read(adapter: TypeAdapter[Any], text: str | None) -> Any:
    """A file has nothing but texts, and an event takes no text for a number; what can't be read it refuses itself."""
    try:
        return None if text is None else adapter.validate_python(text)
    except ValidationError:
        return text
