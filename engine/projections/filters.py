"""Which journeys an answer is about: by owner, source, channel, team, manager, region, attributes, value and window."""

import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from math import ceil, floor
from typing import TYPE_CHECKING, Annotated, Literal, Self
from uuid import UUID
from zoneinfo import ZoneInfo

import polars as pl
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from engine.errors import Rejected
from engine.projections.known import known_attribute, known_value, known_word, listed
from engine.values import MOST_MINOR, Utc, Value, Zone, exponent, known_currency, to_micros, within_years, written
from engine.wording import WRITE_A_DATE

if TYPE_CHECKING:
    from engine.projections.look import Look

MEMBERSHIP = ("team", "manager", "region")


@dataclass(frozen=True)
class Window:
    """[since, until) in microseconds; None is open."""

    since: int | None
    until: int | None

    def holds(self, column: str) -> pl.Expr:
        """True where the moment lies in the window; a missing moment lies in the open window alone."""
        if self.since is None and self.until is None:
            return pl.lit(True)
        at = pl.col(column)
        after = pl.lit(True) if self.since is None else at >= self.since
        before = pl.lit(True) if self.until is None else at < self.until
        return (after & before).fill_null(False)


def moment(bound: datetime | date | None, tz: str) -> int | None:
    """Microseconds of a bound of the window."""
    if bound is None:
        return None
    if isinstance(bound, datetime):
        return to_micros(bound)
    return to_micros(datetime(bound.year, bound.month, bound.day, tzinfo=ZoneInfo(tz)))


def day_or_moment(raw: object) -> object:
    """A naive datetime is refused, not taken for the day it begins."""
    raw = written(raw)
    if isinstance(raw, str):
        raw = read(raw)
    if isinstance(raw, datetime) and raw.tzinfo is None:
        raise ValueError(f"{raw.isoformat()} has no time zone: add an offset, or give a date alone")
    if isinstance(raw, date):
        within_years(raw)
    return raw


def read(text: str) -> datetime | date:
    try:
        return datetime.fromisoformat(text) if len(text) > len("2026-01-05") else date.fromisoformat(text)
    except ValueError as error:
        if _LOST_PLUS.search(text):
            raise ValueError(f"{text} has a space before its offset: in an address write + as %2B") from None
        raise ValueError(f"there is no {text}: {WRITE_A_DATE}") from error


_LOST_PLUS = re.compile(" [0-9]{2}:[0-9]{2}$")


Bound = Annotated[Utc | date, BeforeValidator(day_or_moment)]
"""a date is its first moment in tz"""
Worth = Annotated[Decimal, Field(ge=0, le=MOST_MINOR)]


class Filters(Value):
    """What to leave in; everything by default. Bounds of value are included, the window is [since, until)."""

    owner: str | None = None
    """key, label or id of the rep who owns the journey"""
    source: str | None = None
    channel: str | None = None
    team: str | None = None
    manager: str | None = None
    """key, label or id"""
    region: str | None = None
    membership: Literal["then", "today"] = "then"
    """the owner's team, manager and region of the moment the answer looks at, or of as_of"""
    attributes: tuple[tuple[str, str], ...] = ()
    """name and value; of several values of one name any will do"""
    value_min: Worth | None = None
    """in major units of the currency"""
    value_max: Worth | None = None
    currency: Annotated[str, AfterValidator(known_currency)] | None = None
    since: Bound | None = None
    until: Bound | None = None
    tz: Zone = "UTC"
    """decides days and months"""

    @model_validator(mode="after")
    def ranges_are_ranges(self) -> Self:
        if (self.value_min is not None or self.value_max is not None) and self.currency is None:
            raise ValueError("a value range names its currency: amounts of several currencies are not compared")
        if self.value_min is not None and self.value_max is not None and self.value_min > self.value_max:
            raise ValueError(f"value_min {self.value_min} is above value_max {self.value_max}: swap them")
        window = self.window
        if window.since is not None and window.until is not None and window.since >= window.until:
            raise ValueError(f"the window [{self.since}, {self.until}) is empty: its end must be after its beginning")
        return self

    @property
    def window(self) -> Window:
        return Window(moment(self.since, self.tz), moment(self.until, self.tz))

    @property
    def everyone(self) -> bool:
        """No journey is left out for what it is; the window is another matter."""
        return self.model_copy(update={"since": None, "until": None, "tz": "UTC"}) == EVERYTHING


EVERYTHING = Filters()


def chosen(look: "Look", filters: Filters) -> pl.LazyFrame:
    """The journeys left by owner, source, channel and attributes (all of Look.journeys' columns); Rejected for
    any of them that nobody has heard of.
    """
    rows = look.journeys.lazy()
    if filters.owner is not None:
        rows = rows.filter(pl.col("owner") == person(look, filters.owner, "owner", look.journeys["owner"]))
    if filters.source is not None:
        rows = rows.filter(pl.col("source") == known_word(look, "source", filters.source, "source"))
    if filters.channel is not None:
        rows = rows.filter(pl.col("channel") == known_word(look, "channel", filters.channel, "channel"))
    for name in dict(filters.attributes):
        told = known_attribute(look, name, "attr")
        values = [known_value(look, told, name, value) for other, value in filters.attributes if other == name]
        having = told.lazy().filter(pl.col("value").is_in(values))
        rows = rows.join(having, on="journey", how="semi", maintain_order="left")
    return rows


def of_chosen(visits: pl.LazyFrame, look: "Look", filters: Filters, by: str | None) -> pl.LazyFrame:
    """The visits of the chosen journeys that were not merged, with owner, source and channel where they are needed."""
    if by is None and filters.everyone:
        # To look among few is less than to join: a sixth.
        merged = look.journeys.select(pl.col("journey").filter(pl.col("outcome") == "merged")).to_series()
        return visits if merged.is_empty() else visits.filter(~pl.col("journey").is_in(merged.implode()))
    kept = chosen(look, filters).filter(pl.col("outcome") != "merged").select("journey", "owner", "source", "channel")
    return visits.join(kept, on="journey", how="inner", maintain_order="left")


def narrowed(rows: pl.LazyFrame, look: "Look", filters: Filters) -> pl.LazyFrame:
    """Of rows with owner, at (the moment that decides membership), amount_minor and currency: those left by value,
    team, manager and region. The window is the answer's own affair.
    """
    if filters.currency is not None:
        rows = rows.filter(pl.col("currency") == filters.currency)
        scale = exponent(filters.currency)
        if filters.value_min is not None:
            rows = rows.filter(pl.col("amount_minor") >= min(ceil(filters.value_min.scaleb(scale)), MOST_MINOR + 1))
        if filters.value_max is not None:
            rows = rows.filter(pl.col("amount_minor") <= min(floor(filters.value_max.scaleb(scale)), MOST_MINOR))
    if filters.team is None and filters.manager is None and filters.region is None:
        return rows
    rows = with_membership(rows, look, filters)
    for name in MEMBERSHIP:
        wanted: str | None = getattr(filters, name)
        if wanted is not None:
            if name == "manager":
                wanted = person(look, wanted, "manager", look.membership["manager"])
            elif wanted not in look.membership[name]:
                said = f"{name} {wanted!r} is not on the roster: known are {listed(look.membership[name])}"
                raise Rejected(said, field=name)
            rows = rows.filter(pl.col(name) == wanted)
    return rows


def with_membership(rows: pl.LazyFrame, look: "Look", filters: Filters) -> pl.LazyFrame:
    """Adds the owner's team, manager and region at `at`, or at as_of; rows may come in another order."""
    roster = look.membership.lazy().sort("since").rename({"rep": "owner"}).with_columns(since_at="since")
    at = pl.lit(look.as_of) if filters.membership == "today" else pl.col("at")
    left = pl.col("until") <= pl.col("membership_at")
    return (
        rows.with_columns(membership_at=at)
        .sort("membership_at")
        .join_asof(
            roster,
            left_on="membership_at",
            right_on="since_at",
            by="owner",
            strategy="backward",
            check_sortedness=False,
        )
        .with_columns(pl.when(left.fill_null(False).not_()).then(pl.col(name)).alias(name) for name in MEMBERSHIP)
        .drop("membership_at", "since", "until")
    )


def person(look: "Look", named: str, field: str, holders: pl.Series) -> str:
    """person_id of who is named by id, source:key, key or label; of several, those of the holders come first.

    Rejected for an unknown or ambiguous name.
    """
    source, _, key = named.partition(":")
    people = look.people
    for condition in (
        pl.col("person_id") == (identity(named) or ""),
        (pl.col("source") == source) & (pl.col("key") == key),
        pl.col("key") == named,
        pl.col("name") == named,
    ):
        found = people.filter(condition)
        if len(found) > 1:
            held = found.filter(pl.col("person_id").is_in(holders.drop_nulls().unique().implode()))
            found = found if held.is_empty() else held
        if len(found) > 1:
            choices = ", ".join(f"{row['source']}:{row['key']}" for row in found.iter_rows(named=True))
            raise Rejected(f"{field} {named!r} is several people: say which of {choices}", field=field)
        if len(found) == 1:
            return str(found["person_id"][0])
    everybody = look.everybody()
    if len(everybody) > len(people):
        # Somebody of whom no event speaks yet.
        return person(replace(look, people=everybody), named, field, holders)
    said = f"{field} {named!r} is nobody known: use the key in the source system, the name or the id"
    raise Rejected(said, field=field)


def identity(text: str) -> str | None:
    try:
        return UUID(text).hex
    except ValueError:
        return None
