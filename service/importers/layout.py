"""How a file is to be read: what words it is written in, and where in it the rows are."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from service.importers.words import Column, Conditions, Strict, columns_of, template_columns


class Numbers(Strict):
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ",", ".", " ", "'"] = ""

    @model_validator(mode="after")
    def distinct(self) -> Self:
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands can't be the same sign")
        return self


class Layout(Strict):
    encoding: str = "utf-8"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    rows: str | None = None
    """JSON: where the rows are, such as data or result.items; without it the document is their list."""
    pairs: tuple[Column, ...] = ()
    """JSON: lists of {name, value}, read as columns LIST.NAME; of a name told several times the last value."""
    unfold: Column | None = None
    """A column of lists; each item becomes a row of its own, next to the other cells, an object's as LIST.NAME."""
    separator: str | None = None
    """What stands between the items of `unfold`, where they are no JSON list."""
    may_lack: tuple[Column, ...] = ()
    """Columns that an export may lack; they are then empty, and that is told."""
    newest_first: bool = False
    """Rows are read from the last to the first, so that what comes first in time is first at equal times too."""
    optional: bool = False
    """The file itself may be missing; that is told."""

    @model_validator(mode="after")
    def separates_something(self) -> Self:
        if self.separator is not None and self.unfold is None:
            raise ValueError("separator says how the items of `unfold` are told apart: name the column there")
        return self

    def of_the_file(self, columns: set[str]) -> list[str]:
        """Of columns to read, those that the file itself must have."""
        return sorted({self.unfold if self.unfold and self.unfolded(name) else name for name in columns})

    def unfolded(self, column: str) -> bool:
        return self.unfold is not None and (column == self.unfold or column.startswith(f"{self.unfold}."))


class Table(Layout):
    """A file beside the imported one, joined by key; its cells are read as TABLE.COLUMN."""

    file: str
    key: Column
    column: Column | None = None
    """The column of the imported file that holds the key; absent for a table that only `join` or the roster names."""
    unknown: Literal["refuse", "empty"] = "refuse"
    """What a key does that the table lacks. An empty cell always joins nothing."""
    when: Conditions = Field(default_factory=dict)
    """Only rows of the table for which it holds."""
    each: Literal["first", "last"] | None = None
    """Of several rows with one key: the first or last; without it two are refused."""
    order: Column | None = None
    """The column first and last go by, compared as text (an ISO time sorts so); without it the order of the file."""


class Derived(Strict):
    """A column made of others, read like any other: as key, in conditions, dates, values, and to join by."""

    column: Column | None = None
    """that cell, where `when` holds, else empty"""
    first_of: tuple[Column, ...] | None = Field(default=None, min_length=1)
    """the first of these cells that is not empty"""
    template: str | None = None
    """text with {column} in braces; empty when one of its cells is"""
    pick: Column | None = None
    """that cell of the first row for which `when` holds, among the rows that `unfold` made of one"""
    when: Conditions = Field(default_factory=dict)

    @model_validator(mode="after")
    def one_origin(self) -> Self:
        given = [self.column, self.first_of, self.template, self.pick]
        if sum(value is not None for value in given) != 1:
            raise ValueError("say exactly one of column, first_of, template, pick")
        return self

    @property
    def columns(self) -> set[str]:
        names = {name for name in (self.column, self.pick) if name is not None} | columns_of(self.when)
        return names | set(self.first_of or ()) | set(template_columns(self.template or ""))
