"""Dates exactly as the mapping states them: format and time zone are never guessed."""

from datetime import UTC, datetime
from typing import Literal, Self
from zoneinfo import available_timezones

import polars as pl
from pydantic import model_validator

from service.importers.words import Strict

EPOCHS = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}
OFFSETS = ("%z", "%:z", "%#z", "%::z", "%+")
ISO = "%Y-%m-%dT%H:%M:%S%.f%#z"
EARLIEST = 0
"""1970-01-01: a date before it is taken for a wrong format (16 read as the year 16)."""
LATEST = 7_258_118_400_000_000
"""2200-01-01"""


class DateFormat(Strict):
    """A strftime format, `iso8601` (with an offset), or epoch_s, epoch_ms, epoch_us.

    `zone` (such as Europe/Amsterdam or UTC) is needed where the format has no offset, and refused where it has one.
    """

    format: str
    also: tuple[str, ...] = ()
    """Further formats, of which the first that fits reads what the ones before do not: a column of several systems."""
    zone: str | None = None
    ambiguous: Literal["earliest", "latest"] | None = None
    """Which one is meant by the hour that comes twice when summer time ends; without it such a value is refused."""

    @model_validator(mode="after")
    def is_complete(self) -> Self:
        if self.absolute and self.zone is not None:
            raise ValueError(f"format {self.format!r} tells the offset itself: leave `zone` out")
        if not self.absolute and self.zone is None:
            raise ValueError(f"format {self.format!r} has no offset: say which `zone` the times are in, such as UTC")
        if self.zone is not None and self.zone not in available_timezones():
            raise ValueError(f"{self.zone!r} is no time zone: use a name such as Europe/Amsterdam or UTC")
        for name in self.also:
            DateFormat(format=name, zone=self.zone)
        if self.format in EPOCHS or self.format == "iso8601":
            return self
        sample = datetime(2023, 11, 28, tzinfo=UTC)
        try:
            # %#z is only for reading: any way to write an offset, Z included.
            written = pl.Series([sample]).dt.strftime(self.strftime.replace("%#z", "%:z"))
            back = written.str.to_datetime(self.strftime, time_unit="us")[0]
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
            back = None
        if back is None or back.replace(tzinfo=UTC) != sample:
            raise ValueError(f"format {self.format!r} does not tell year, month and day: write it like %Y-%m-%d %H:%M")
        return self

    @property
    def absolute(self) -> bool:
        return self.format == "iso8601" or self.format in EPOCHS or any(sign in self.format for sign in OFFSETS)

    @property
    def strftime(self) -> str:
        return ISO if self.format == "iso8601" else self.format

    @property
    def shown(self) -> str:
        names = " or ".join((self.format, *self.also))
        return f"{names} in {self.zone}" if self.zone else names

    @property
    def each(self) -> "list[DateFormat]":
        """One for each format, in the order in which they are tried."""
        return [self.model_copy(update={"format": name, "also": ()}) for name in (self.format, *self.also)]


def instants(cells: pl.Series, how: DateFormat) -> pl.Series:
    """Microseconds since the epoch (UTC); null where the cell is empty or contradicts the format or the zone."""
    if how.also:
        return coalesced([instants(cells, each) for each in how.each])
    if how.format in EPOCHS:
        micros = cells.str.to_integer(strict=False) * EPOCHS[how.format]
    else:
        moments = cells.str.to_datetime(how.strftime, time_unit="us", strict=False)
        if how.zone is not None:
            moments = moments.dt.replace_time_zone(how.zone, ambiguous=how.ambiguous or "null", non_existent="null")
        micros = moments.dt.epoch("us")
    return pl.select(pl.when(micros.is_between(EARLIEST, LATEST)).then(micros)).to_series()


def coalesced(readings: list[pl.Series]) -> pl.Series:
    return pl.select(pl.coalesce(readings)).to_series()


def days(cells: pl.Series, how: DateFormat) -> pl.Series:
    """The calendar day as written (of absolute times: the day in UTC), as YYYY-MM-DD; of 1900 to 2999 alone, as a
    command takes it.
    """
    if how.also:
        return coalesced([days(cells, each) for each in how.each])
    if how.format in EPOCHS:
        return pl.from_epoch(instants(cells, how), time_unit="us").dt.strftime("%Y-%m-%d")
    read = cells.str.to_datetime(how.strftime, time_unit="us", strict=False)
    meant = pl.when(read.dt.year().is_between(1900, 2999)).then(read.dt.strftime("%Y-%m-%d"))
    return pl.select(meant).to_series()
