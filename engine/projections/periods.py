"""Weeks, months and quarters of a time zone, as the axis of a trend."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

from engine.values import from_micros, to_micros

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
