"""Business time: only what passes on working days counts, by the clock of one time zone and one country's holidays.

A moment counts on its local date. Half of Friday and half of Monday are one day; weekends and holidays are none.
"""

from collections.abc import Container, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, cached_property
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from engine.values import Value, Zone, from_micros, to_micros

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEK: Final[tuple[Weekday, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY: Final = 86_400_000_000
"""microseconds; a limit of 1.5 days is 36 hours of working days"""


class Calendar(Value):
    zone: Zone = "UTC"
    working_days: Annotated[tuple[Weekday, ...], Field(min_length=1)] = WEEK[:5]
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    """whose public holidays do not count, by ISO 3166 (ES); without it there are none"""
    subdivision: str | None = None
    """of the country, by ISO 3166-2 without its prefix (CT)"""

    @model_validator(mode="after")
    def country_is_known(self) -> Self:
        if self.subdivision is not None and self.country is None:
            raise ValueError(f"subdivision {self.subdivision!r} needs its country")
        if self.country is not None:
            public_holidays(self.country, self.subdivision)
        return self

    def works(self, day: date) -> bool:
        """Whether time counts on this local date."""
        return WEEK[day.weekday()] in self.working_days and day not in self._holidays

    def before(self, moment: int, days: float) -> int:
        """The latest moment from which so many days have been counted until this one (microseconds)."""
        remaining = round(days * DAY)
        for begins, ends in self._stretches_back(moment):
            if ends - begins >= remaining:
                return ends - remaining
            remaining -= ends - begins
        raise AssertionError("the calendar has no end")

    def after(self, moment: int, days: float) -> int:
        """The first moment by which so many days have been counted since this one (microseconds)."""
        remaining = round(days * DAY)
        for begins, ends in self._stretches_on(moment):
            if ends - begins >= remaining:
                return begins + remaining
            remaining -= ends - begins
        raise AssertionError("the calendar has no end")

    def _stretches_back(self, moment: int) -> Iterator[tuple[int, int]]:
        """The working part of each day up to the moment, backwards."""
        day = self._date(moment)
        while True:
            if self.works(day):
                yield self._midnight(day), min(moment, self._midnight(day + timedelta(1)))
            day -= timedelta(1)

    def _stretches_on(self, moment: int) -> Iterator[tuple[int, int]]:
        day = self._date(moment)
        while True:
            if self.works(day):
                yield max(moment, self._midnight(day)), self._midnight(day + timedelta(1))
            day += timedelta(1)

    def _date(self, moment: int) -> date:
        return from_micros(moment).astimezone(self._zone).date()

    def _midnight(self, day: date) -> int:
        return to_micros(datetime.combine(day, time.min, self._zone).astimezone(UTC))

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    @cached_property
    def _holidays(self) -> Container[date]:
        return frozenset() if self.country is None else public_holidays(self.country, self.subdivision)


@cache
def public_holidays(country: str, subdivision: str | None) -> Container[date]:
    """Days off by law, of any year; ValueError for a country or subdivision that is not known."""
    # Only who counts business days in a country pays for loading it.
    from holidays import country_holidays

    try:
        return country_holidays(country, subdiv=subdivision)
    except NotImplementedError as unknown:
        raise ValueError(f"{unknown}: use codes of ISO 3166 such as ES and CT") from None


def counted_before(calendar: Calendar | None, moment: int, days: float) -> int:
    """The latest moment that lies so many days before, in business time where there is a calendar."""
    return moment - round(days * DAY) if calendar is None else calendar.before(moment, days)


def counted_after(calendar: Calendar | None, moment: int, days: float) -> int:
    return moment + round(days * DAY) if calendar is None else calendar.after(moment, days)
