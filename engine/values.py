"""Values every part of the engine speaks of: money, verdicts, touches, references to erasable rows."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Annotated, Self, TypeVar
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from iso4217 import Currency
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
)

from engine.errors import Rejected
from engine.wording import WRITE_A_DATE


def utc(moment: datetime) -> datetime:
    """The same moment in UTC; a naive datetime is refused, for nobody can say which moment it means."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone: add an offset, such as {moment.isoformat()}+00:00")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{moment.isoformat()} is in no year from 1 to 9999 in UTC") from None


def again(follow_up: UUID) -> UUID:
    """The id of the follow-up that is asked for anew because the withdrawal of this one was a mistake."""
    return uuid5(follow_up, "again")


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970-01-01T00:00:00Z, the unit of time in every table and column (exact, no floats)."""
    delta = utc(moment) - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def from_micros(micros: int) -> datetime:
    """The UTC datetime of a number of microseconds since 1970-01-01T00:00:00Z."""
    seconds, rest = divmod(micros, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


def rfc3339(micros: int) -> str:
    """The moment as answers tell it: 2026-01-05T09:00:00Z."""
    return from_micros(micros).isoformat().replace("+00:00", "Z")


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


AnyDay = TypeVar("AnyDay", bound=date)


def within_years(day: AnyDay) -> AnyDay:
    """A mistyped year is refused: it would move the mean of all years, and calendars end around those far away."""
    if not 1900 <= day.year < 3000:
        raise ValueError(f"the year {day.year} is not meant: give one from 1900 to 2999")
    return day


def written(raw: object) -> object:
    """A bare number is refused: it would count seconds or milliseconds since 1970, whichever fits."""
    if isinstance(raw, int | float) or (isinstance(raw, str) and not _ISO.match(raw)):
        raise ValueError(WRITE_A_DATE)
    return raw


def day_alone(raw: object) -> object:
    """A time of day is refused: it would be dropped, and with its zone the day may be another one."""
    if isinstance(raw, datetime) or (isinstance(raw, str) and len(raw) > len("2026-01-05") and _ISO.match(raw)):
        raise ValueError("this is a day: write it without a time, such as 2026-01-05")
    return written(raw)


_ISO = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")

Utc = Annotated[AwareDatetime, BeforeValidator(written), AfterValidator(utc)]
Moment = Annotated[Utc, AfterValidator(within_years)]
"""of a command; an event keeps what was taken once"""
Day = Annotated[date, BeforeValidator(day_alone), AfterValidator(within_years)]
"""of a command"""
Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
"""A permanent key (pipeline, stage): lower case, never shown translated, never reused for another meaning."""
Label = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
"""A short business word (a source, a reason, a product). Never a person's name and never free text."""
Whole = Annotated[int, Strict()]
Number = Annotated[float, Strict()]
Flag = Annotated[bool, Strict()]
"""As written: "5" is no number, 1 is not true, true is not 1. Whoever sends one for the other means something else."""
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


@cache
def exponent(currency: str) -> int:
    """Decimal places of a currency's minor unit by ISO 4217 (EUR 2, JPY 0); KeyError for an unknown code."""
    try:
        places = Currency(currency).exponent
    except ValueError:
        raise KeyError(currency) from None
    return places or 0


def known_currency(code: str) -> str:
    try:
        exponent(code)
    except KeyError:
        raise ValueError(f"{code!r} is no currency of ISO 4217: use a three-letter code such as EUR") from None
    return code


OF_ONE_MACHINE = ("localtime", "posixrules", "Factory", "posix/", "right/")
"""Files beside the zones: which there are, and what they say, differs from machine to machine; Polars knows none."""


def known_zone(name: str) -> str:
    try:
        if name.startswith(OF_ONE_MACHINE):
            raise ValueError(name)
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone: use a name such as Europe/Madrid or UTC") from None
    return name


Zone = Annotated[str, AfterValidator(known_zone)]


class Value(BaseModel):
    """Base of the immutable values and of all events and commands: unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


MOST_MINOR = 10**15


class Money(Value):
    """An amount in minor units (cents) of one currency. Amounts of two currencies are never added."""

    amount_minor: Annotated[Whole, Field(ge=0, le=MOST_MINOR)]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$"), AfterValidator(known_currency)]

    @classmethod
    def of(cls, amount: Decimal | int | str, currency: str) -> Self:
        """Money of an amount in major units; more decimals than the currency has are refused."""
        minor = Decimal(amount).scaleb(exponent(known_currency(currency)))
        if minor != minor.to_integral_value():
            raise Rejected(f"{amount} {currency} has more decimals than the currency: use {exponent(currency)}")
        return cls(amount_minor=int(minor), currency=currency)

    @property
    def amount(self) -> Decimal:
        """The amount in major units, with the currency's own number of decimals."""
        return Decimal(self.amount_minor).scaleb(-exponent(self.currency))


class Verdict(StrEnum):
    CONFIRMED = "confirmed"
    DENIED = "denied"
    UNKNOWN = "unknown"


class Dimension(StrEnum):
    """The four of BANT."""

    BUDGET = "budget"
    AUTHORITY = "authority"
    NEED = "need"
    TIMELINE = "timeline"


class TouchKind(StrEnum):
    CALL = "call"
    EMAIL = "email"
    MESSAGE = "message"
    MEETING = "meeting"
    DEMO = "demo"
    VISIT = "visit"
    LETTER = "letter"
    SOCIAL = "social"
    EVENT = "event"
    OTHER = "other"


class Direction(StrEnum):
    OUTBOUND = "outbound"
    INBOUND = "inbound"


class TextRef(Value):
    """Points at an erasable free text; the salted hash proves the text unchanged while it is kept."""

    text_id: UUID
    hash: Digest


class Attribute(Value):
    """One free attribute (product, sector, campaign, ...): a filter and a grouping everywhere."""

    name: Key
    value: Label
