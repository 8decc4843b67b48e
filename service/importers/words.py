"""The small words of a mapping: conditions on a row, and where the value of a field comes from."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Column = Annotated[str, Field(min_length=1, max_length=200)]
"""A column of the file (or TABLE.COLUMN of a side table)."""
Strings = Annotated[tuple[str, ...], BeforeValidator(lambda raw: [raw] if isinstance(raw, str) else raw)]


class Strict(BaseModel):
    """Unknown words in a mapping are refused: a misspelt one would otherwise be ignored in silence."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def as_test(raw: object) -> object:
    return {"in": raw} if isinstance(raw, str | list | tuple) else raw


class Test(Strict):
    """All that is said must hold. A plain value, or a list of them, is short for `in`. An empty cell is in nothing."""

    among: Strings | None = Field(default=None, alias="in", min_length=1)
    not_in: Strings | None = Field(default=None, min_length=1)
    prefix: Strings | None = Field(default=None, min_length=1)
    not_prefix: Strings | None = Field(default=None, min_length=1)
    empty: bool | None = None
    changed: Annotated[Literal["true", "false", "again"], BeforeValidator(lambda raw: str(raw).lower())] | None = None
    """Whether the cell differs from the journey's last one before it, by time; an empty cell changes nothing. The first
    counts as changed; `again` leaves it out."""
    unlike: Column | None = None
    """The cell differs from that cell of the same row; neither is empty."""

    @model_validator(mode="after")
    def says_something(self) -> Self:
        if all(value is None for value in dict(self).values()):
            raise ValueError("an empty condition: use in, not_in, prefix, not_prefix, empty, changed or unlike")
        return self


Conditions = dict[Column, Annotated[Test, BeforeValidator(as_test)]]
"""By column; all of them must hold."""


def columns_of(conditions: Conditions) -> set[str]:
    """Every column that conditions look at."""
    return set(conditions) | {test.unlike for test in conditions.values() if test.unlike is not None}


def as_source(raw: object) -> object:
    return {"const": raw} if isinstance(raw, str) else raw


class Source(Strict):
    """Where a value comes from. A plain word is a constant; {column: NAME} is that cell of the row.

    An empty cell leaves the field out. `map` translates the cell; a cell that it does not list takes `otherwise`,
    and is refused where there is none.
    """

    column: Column | None = None
    const: Annotated[str, Field(min_length=1)] | None = None
    template: Annotated[str, Field(min_length=1)] | None = None
    """Text with {column} in braces; left out when one of its cells is empty."""
    row: bool | None = None
    """The row itself as text: every cell that the mapping reads but those that name people."""
    when: Conditions | None = None
    """true where the conditions hold, else false"""
    map: dict[str, str] | None = None
    otherwise: str | None = None
    default: Annotated[str, Field(min_length=1)] | None = None
    """what stands in for an empty cell"""
    written: Annotated[Literal["key"] | None, Field(alias="as")] = None
    """key: lower case, anything but letters and digits as _, so that Closed Won becomes closed_won"""
    source: str | None = None
    """Of a reference to another record or person: the source system it is known in (default: the mapping's own)."""
    name: Column | None = None
    email: Column | None = None
    phone: Column | None = None
    """Of a person: the columns with the details, kept in the erasable table of people."""

    @model_validator(mode="after")
    def one_origin(self) -> Self:
        given = [self.column, self.const, self.template, self.row, self.when]
        if sum(value is not None for value in given) != 1:
            raise ValueError("say exactly one of column, const, template, row, when")
        if self.row is False:
            raise ValueError("row is either true or left out")
        if self.column is None and (self.map is not None or self.otherwise is not None):
            raise ValueError("map and otherwise belong to a column")
        if self.default is not None and self.column is None and self.template is None:
            raise ValueError("default belongs to a column or template")
        if self.written is not None and self.column is None and self.template is None:
            raise ValueError("as belongs to a column or template")
        if self.otherwise is not None and self.map is None:
            raise ValueError("otherwise says what a cell outside `map` becomes: add the map")
        return self

    @property
    def columns(self) -> set[str]:
        names = {name for name in (self.column, self.name, self.email, self.phone) if name is not None}
        return names | columns_of(self.when or {}) | set(template_columns(self.template or ""))


Given = Annotated[Source, BeforeValidator(as_source)]


class Amount(Strict):
    amount: Given
    currency: Given

    @property
    def columns(self) -> set[str]:
        return self.amount.columns | self.currency.columns


class Option(Strict):
    """One option of a proposal."""

    name: Given
    price: Amount


def template_columns(template: str) -> list[str]:
    """The names in braces."""
    return [part.split("}", 1)[0] for part in template.split("{")[1:] if "}" in part]
