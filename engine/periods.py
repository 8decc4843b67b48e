"""Weeks, months and quarters: by name, and as spans of a time zone."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, WithJsonSchema

from engine.values import from_micros, to_micros, within_years

Every = Literal["week", "month", "quarter"]
MONTHS = {"month": 1, "quarter": 3}


@dataclass(frozen=True)
class Period:
    """[since, until) in microseconds."""

    name: str
    """2026-W05, 2026-02, 2026-Q1"""
    since: int
    until: int


def periods(every: Every, tz: str, *, first: int, last: int) -> list[Period]:
    """The periods from the one that holds the first moment to the one that holds the last."""
    zone = ZoneInfo(tz)
    day = beginning(every, local(first, zone))
    days = [day]
    while midnight(day, zone) <= last:
        day = following(every, day)
        days.append(day)
    return [Period(name(every, start), midnight(start, zone), midnight(end, zone)) for start, end in pairwise(days)]


def back(every: Every, tz: str, *, last: int, count: int) -> int:
    """The beginning of the period from which on `count` periods end with the one that holds the last moment."""
    zone = ZoneInfo(tz)
    day = beginning(every, local(last, zone))
    for _ in range(count - 1):
        day = beginning(every, day - timedelta(days=1))
    return midnight(day, zone)


def local(moment: int, zone: ZoneInfo) -> date:
    return from_micros(moment).astimezone(zone).date()


def midnight(day: date, zone: ZoneInfo) -> int:
    return to_micros(datetime(day.year, day.month, day.day, tzinfo=zone))


def beginning(every: Every, day: date) -> date:
    """The first day of the period that holds the day; weeks begin on Monday."""
    if every == "week":
        return day - timedelta(days=day.weekday())
    span = MONTHS[every]
    return date(day.year, (day.month - 1) // span * span + 1, 1)


def following(every: Every, day: date) -> date:
    if every == "week":
        return day + timedelta(days=7)
    months = day.year * 12 + day.month - 1 + MONTHS[every]
    return date(months // 12, months % 12 + 1, 1)


def name(every: Every, day: date) -> str:
    if every == "week":
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02d}"
    return f"{day.year}-{day.month:02d}" if every == "month" else f"{day.year}-Q{(day.month + 2) // 3}"


_NAME = re.compile(r"([0-9]{4})-(?:W([0-9]{2})|Q([1-4])|(0[1-9]|1[0-2]))")


def every_of(period: str) -> Every:
    """Which kind of period a name is of."""
    return "week" if "W" in period else "quarter" if "Q" in period else "month"


def first_day(period: str) -> date:
    """Of a period by its name; ValueError for what is none."""
    found = _NAME.fullmatch(period)
    try:
        if found is None:
            raise ValueError(period)
        year, week, quarter, month = (None if part is None else int(part) for part in found.groups())
        assert year is not None
        if week is not None:
            day = date.fromisocalendar(year, week, 1)
        else:
            day = date(year, month or 3 * (quarter or 1) - 2, 1)
    except ValueError:
        raise ValueError(
            f"{period!r} is no period: write a month as 2026-03, a quarter as 2026-Q1, a week as 2026-W05"
        ) from None
    within_years(day)
    return day


def known_period(period: str) -> str:
    first_day(period)
    return period


def months_of(quarter: str) -> list[str]:
    """The names of a quarter's three months."""
    days = [first_day(quarter)]
    while len(days) < MONTHS["quarter"]:
        days.append(following("month", days[-1]))
    return [name("month", day) for day in days]


PeriodName = Annotated[
    str,
    AfterValidator(known_period),
    # Not a constraint: what is wrong with one is said in better words.
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^(19|2[0-9])[0-9]{2}-(W(0[1-9]|[1-4][0-9]|5[0-3])|Q[1-4]|0[1-9]|1[0-2])$",
            "examples": ["2026-Q1"],
        }
    ),
]
"""2026-W05, 2026-02 or 2026-Q1"""
