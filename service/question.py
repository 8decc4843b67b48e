"""Questions as people write them, made into lenses, filters and pages: one meaning on the command line and over HTTP.

Whatever is wrong is Unclear, which names the field, what was given and what would be right.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Literal, Protocol

from pydantic import TypeAdapter, ValidationError

from engine.errors import Rejected
from engine.projections.cards import Cards
from engine.projections.filters import Bound, Filters, Window
from engine.projections.filters import moment as moment_of
from engine.projections.lens import Lens
from engine.values import MOST_MINOR, Money, from_micros, known_zone
from engine.wording import wording

Clock = Literal["happened", "recorded", "both"]
LONGEST = 80
"""characters of a given value that are repeated"""


class Glance(Protocol):
    """The words of a lens."""

    @property
    def as_of(self) -> str | None: ...
    @property
    def known_at(self) -> str | None: ...
    @property
    def definition(self) -> str: ...
    @property
    def tz(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field; of several together, field is empty."""

    field: str
    why: str
    given: str | None = None


class Unclear(ValueError):
    """The question can't be understood; nothing was looked up."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(f"{problem.field}: {problem.why}".removeprefix(": ") for problem in problems))
        self.problems = problems


def lens_of(as_of: str | None = None, known_at: str | None = None, definition: str = "now", tz: str = "UTC") -> Lens:
    """A date alone is its first moment in tz."""
    must_be_a_zone(tz)
    moments = moment("as_of", as_of, tz), moment("known_at", known_at, tz)
    try:
        return Lens.of(*moments, definition)
    except Rejected as error:
        raise Unclear([Problem("definition", str(error).removeprefix("definition "))]) from None


def lenses_of(
    since: str, until: str | None, clock: Clock, glance: Glance, fields: tuple[str, str] = ("since", "until")
) -> tuple[Lens, Lens]:
    """Two moments by what had happened by then, by what was recorded by then, or by both (as it stood). The lens that
    the clock does not move is the same on both sides. Without until the later moment is now. fields: their names.
    """
    must_be_a_zone(glance.tz)
    for field, text in zip(fields, (since, until), strict=True):
        moment(field, text, glance.tz)
    moved = {"happened": ("as_of",), "recorded": ("known_at",), "both": ("as_of", "known_at")}[clock]
    for name in moved:
        if getattr(glance, name) is not None:
            raise Unclear([Problem(name, f"the clock {clock} moves it already: leave it out, or choose another clock")])
    fixed = {name: getattr(glance, name) for name in ("as_of", "known_at") if name not in moved}
    first, second = (fixed | dict.fromkeys(moved, at) for at in (since, until))
    same = {"definition": glance.definition, "tz": glance.tz}
    return lens_of(**first, **same), lens_of(**second, **same)


def must_be_a_zone(tz: str) -> None:
    try:
        known_zone(tz)
    except ValueError as error:
        raise Unclear([Problem("tz", str(error))]) from None


def moment(field: str, text: str | None, tz: str) -> datetime | None:
    if text is None:
        return None
    with understood(field):
        micros = moment_of(_BOUND.validate_python(text), tz)
    assert micros is not None
    return from_micros(micros)


_BOUND: TypeAdapter[Bound] = TypeAdapter(Bound)


def filters_of(asked: Mapping[str, object], attributes: Sequence[str] = ()) -> Filters:
    """asked: the fields of Filters but for attributes, which are written NAME=VALUE."""
    pairs = [pair(text) for text in attributes]
    with understood():
        return Filters.model_validate({**asked, "attributes": pairs})


def cards_of(asked: Mapping[str, object]) -> Cards:
    """asked: the fields of Cards."""
    with understood():
        return Cards.model_validate(asked)


def money_of(field: str, text: str | None) -> Money | None:
    """An amount and its currency: 100000 EUR."""
    if text is None:
        return None
    amount, currency = text[:-3].strip(), text[-3:].upper()
    try:
        worth = Decimal(amount)
        if not worth.is_finite():
            raise ValueError(amount)
        if worth < 0:
            raise Rejected("an amount is not below zero")
        return Money.of(worth, currency)
    except (InvalidOperation, ValueError, Rejected) as error:
        why = (
            str(error)
            if isinstance(error, Rejected)
            else f"write an amount and its currency, such as 100000 EUR, of at most {MOST_MINOR:,} minor units"
        )
        raise Unclear([Problem(field, why, shown(text))]) from None


def period_of(field: str, text: str, tz: str) -> Window:
    """Two days or moments, FROM..TO."""
    since, separator, until = text.partition("..")
    if not separator or not since or not until:
        raise Unclear([Problem(field, "write FROM..TO, such as 2026-01-01..2026-04-01", shown(text))])
    with understood(field):
        return Filters.model_validate({"since": since, "until": until, "tz": tz}).window


def pair(text: str, field: str = "attr") -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name or not value:
        raise Unclear([Problem(field, "write NAME=VALUE, such as product=GTX", shown(text))])
    return name, value


@contextmanager
def understood(field: str = "") -> Iterator[None]:
    """Turns pydantic's errors, and OverflowError of a moment out of range, into Unclear."""
    try:
        yield
    except ValidationError as error:
        raise Unclear(problems_of(error, field)) from None
    except OverflowError as error:
        raise Unclear([Problem(field, f"out of range: {error}")]) from None


def problems_of(error: ValidationError, field: str = "") -> list[Problem]:
    """One for each field and reason; `field` stands where the error names none of ours."""
    found = {}
    for item in error.errors(include_url=False):
        place = field or (str(item["loc"][0]) if item["loc"] else "")
        why = wording(item)
        found[place, why] = Problem(place, why, shown(item["input"]) if item["loc"] or field else None)
    return list(found.values())


def shown(given: object) -> str:
    """As JSON, which is how it was sent; half a character by its number, for it can't be sent back."""
    text = json.dumps(given, ensure_ascii=False, default=str).encode(errors="backslashreplace").decode()
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
