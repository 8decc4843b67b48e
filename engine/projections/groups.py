"""--by: the same figures for each owner, team, manager, region, source, channel, month or value of an attribute."""

from typing import TYPE_CHECKING

import polars as pl

from engine.errors import Rejected
from engine.projections.filters import MEMBERSHIP, Filters, with_membership
from engine.projections.known import known_attribute

if TYPE_CHECKING:
    from engine.projections.look import Look

OF_THE_JOURNEY = ("owner", "source", "channel")
PEOPLE = ("owner", "manager")
ATTRIBUTE = "attr:"
CHOICES = ("owner", "team", "manager", "region", "source", "channel", "month", "attr:NAME")


WHOLE = "\0"
"""the group that all rows are in, beside their own"""


def with_whole(rows: pl.LazyFrame, by: str | None) -> pl.LazyFrame:
    """The rows, and where they are grouped all of them again as WHOLE: one pass then tells groups and whole."""
    return rows if by is None else pl.concat([rows, rows.with_columns(group=pl.lit(WHOLE))])


def grouped(rows: pl.LazyFrame, look: "Look", by: str | None, filters: Filters) -> pl.LazyFrame:
    """Adds `group` to rows with journey, owner, source, channel, at: the value to group by, None for all in one.

    Months are those of `at` in filters.tz; rows may come in another order. Rejected for an unknown grouping.
    """
    if by is None:
        return rows.with_columns(group=pl.lit(None, pl.String))
    if by in OF_THE_JOURNEY:
        return rows.with_columns(group=pl.col(by).cast(pl.String))
    if by in MEMBERSHIP:
        if not set(MEMBERSHIP) & set(rows.collect_schema().names()):
            rows = with_membership(rows, look, filters)
        return rows.with_columns(group=pl.col(by))
    if by == "month":
        local = pl.from_epoch("at", "us").dt.replace_time_zone("UTC").dt.convert_time_zone(filters.tz)
        return rows.with_columns(group=local.dt.strftime("%Y-%m"))
    if by.startswith(ATTRIBUTE):
        values = known_attribute(look, by.removeprefix(ATTRIBUTE), "by").lazy().rename({"value": "group"})
        return rows.join(values, on="journey", how="left", maintain_order="left")
    raise Rejected(f"by {by!r} is no grouping: use one of {', '.join(CHOICES)}", field="by")


def labels(look: "Look", by: str, values: list[str | None]) -> list[tuple[str | None, str | None, str | None]]:
    """(value, key, label) of each group, in the order of the answer: by key, those that have none last.

    An erased person keeps the id as key and label.
    """
    if by in PEOPLE:
        names = named(look, [value for value in values if value is not None])
        rows = [(value, *names.get(value or "", (value, value))) for value in values]
    else:
        rows = [(value, value, value) for value in values]
    return sorted(rows, key=lambda row: (row[1] is None, row[1] or "", row[0] or ""))


def named(look: "Look", person_ids: list[str]) -> dict[str, tuple[str, str]]:
    """key and label (the name, else the key) of people by person_id; erased ones are not in it."""
    persons = look.persons
    if persons is None:
        persons = by_id(look.people.filter(pl.col("person_id").is_in(person_ids)))
    return {person: persons[person] for person in dict.fromkeys(person_ids) if person in persons}


def by_id(people: pl.DataFrame) -> dict[str, tuple[str, str]]:
    """key and label of each, by person_id."""
    rows = people.select("person_id", "key", "name").iter_rows()
    return {person: (key, name or key) for person, key, name in rows}
