"""One rule of a mapping: which rows become which event, when it happened and what it holds."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError, model_validator

from engine.values import Key, Label
from engine.wording import problems
from service.importers.kinds import KINDS, Kind, Side, Slot
from service.importers.words import Amount, Column, Conditions, Given, Option, Source, Strict, columns_of

CLOSING = ("DealWon", "DealLost")


class Fallback(Strict):
    """The moment to take where the cell is empty: of another column, or a constant in the column's own format."""

    column: Column | None = None
    const: str | None = None

    @model_validator(mode="after")
    def one_origin(self) -> Self:
        if (self.column is None) == (self.const is None):
            raise ValueError("say either column or const")
        return self


class At(Strict):
    """When the event happened: a date column, and what stands in for an empty cell (counted and reported)."""

    column: Column
    fallback: Fallback | None = None


Filling = Source | Amount | dict[str, Given] | tuple[Option, ...]


class Rule(Strict):
    """Rows for which `when` holds become this event. Every rule that holds applies, in the order listed."""

    name: Key | None = None
    """Part of the event's permanent id; default: the event's name in lower case. Distinct in a wide file."""
    when: Conditions = Field(default_factory=dict)
    otherwise: bool = False
    """Only rows that no rule above it speaks of."""
    event: str | None = None
    skip: Label | None = None
    """Instead of an event: why such rows are left out. They are counted and listed."""
    of: Side | None = None
    """lead or deal, for events both can have; default: the deal once it is opened."""
    each: Literal["every", "first", "last"] = "every"
    """Of a journey's rows for which it holds: all, or only the first or the last of them."""
    reopens: Key | None = None
    """Of a win or a loss: where the deal stands closed the other way, it is reopened into this stage first."""
    at: Annotated[At, BeforeValidator(lambda raw: {"column": raw} if isinstance(raw, str) else raw)] | None = None
    fields: dict[str, Filling] = Field(default_factory=dict, alias="with")

    @model_validator(mode="before")
    @classmethod
    def fields_by_their_sort(cls, raw: object) -> object:
        """Reads each field as what the event has there, so that a mistake is told in its own words."""
        if not isinstance(raw, dict) or not isinstance(raw.get("with"), dict) or raw.get("event") not in KINDS:
            return raw
        kind = KINDS[raw["event"]]
        return raw | {"with": {name: filling_of(kind, name, value) for name, value in raw["with"].items()}}

    @model_validator(mode="after")
    def event_or_skip(self) -> Self:
        if (self.event is None) == (self.skip is None):
            raise ValueError("a rule says either `event: NAME` or `skip: REASON`")
        if self.reopens is not None and self.event not in CLOSING:
            raise ValueError(f"reopens belongs to {' and '.join(CLOSING)}")
        if self.event is None:
            return self
        if self.event not in KINDS:
            raise ValueError(f"{self.event!r} is no event one can import: use one of {', '.join(sorted(KINDS))}")
        kind = self.kind
        if self.of is not None and self.of not in kind.sides:
            raise ValueError(f"{self.event} is no event of a {self.of}")
        missing = kind.required - set(self.fields)
        if missing:
            raise ValueError(f"{self.event} needs {', '.join(sorted(missing))}: add it under `with`")
        return self

    @property
    def kind(self) -> Kind:
        assert self.event is not None
        return KINDS[self.event]

    @property
    def key(self) -> str:
        return self.name or (self.event or "skip").lower()

    @property
    def columns(self) -> set[str]:
        names = columns_of(self.when)
        for filling in self.fields.values():
            if isinstance(filling, Source | Amount):
                names |= filling.columns
            elif isinstance(filling, dict):
                names |= {column for source in filling.values() for column in source.columns}
            else:
                names |= {column for option in filling for column in option.name.columns | option.price.columns}
        if self.at is not None:
            names |= {self.at.column}
            if self.at.fallback is not None and self.at.fallback.column is not None:
                names |= {self.at.fallback.column}
        return names


SHAPES: dict[Slot, tuple[TypeAdapter[Any], str]] = {
    "money": (TypeAdapter(Amount), "{amount: {column: X}, currency: EUR}"),
    "attributes": (TypeAdapter(dict[str, Given]), "{product: {column: X}, ...}"),
    "options": (TypeAdapter(tuple[Option, ...]), "[{name: X, price: {amount: {column: X}, currency: EUR}}]"),
}
VALUE: tuple[TypeAdapter[Any], str] = (TypeAdapter(Given), "a constant or {column: X}")


def filling_of(kind: Kind, field: str, raw: object) -> Filling:
    slot = kind.slots.get(field)
    if slot is None:
        known = ", ".join(kind.slots) or "none"
        raise ValueError(f"{kind.name} has no field {field!r}: it has {known}")
    adapter, shown = SHAPES.get(slot, VALUE)
    try:
        filling: Filling = adapter.validate_python(raw)
    except ValidationError as error:
        raise ValueError(f"{field} of {kind.name} is given as {shown}: {'; '.join(problems(error))}") from None
    if isinstance(filling, Source) and filling.row is not None and slot != "text":
        raise ValueError(f"`row` gives a text; {field} of {kind.name} is none")
    if isinstance(filling, Source) and slot != "person" and (filling.name or filling.email or filling.phone):
        raise ValueError(f"name, email and phone are details of a person; {field} of {kind.name} is none")
    return filling
