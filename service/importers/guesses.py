"""Which formats fit every cell of a column. Guesses for a person to confirm: an import itself never guesses."""

from itertools import product

import polars as pl
from pydantic import BaseModel

from service.importers.dates import EPOCHS, DateFormat, instants
from service.importers.layout import Numbers

DAYS = ["%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%d/%m/%y", "%m/%d/%y"]
WORDED = ["%d %b %Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y", "%d-%b-%Y", "%Y%m%d"]
CLOCKS = ["", " %H:%M", " %H:%M:%S%.f", "T%H:%M:%S%.f", " %I:%M %p", " %I:%M:%S %p"]
FORMATS = [
    "iso8601",
    "%Y-%m-%d %H:%M:%S%.f%#z",
    *(day + clock for day, clock in product(DAYS, CLOCKS)),
    *WORDED,
    *EPOCHS,
]
EARLIEST, LATEST = 631_152_000_000_000, 4_102_444_800_000_000
"""1990 to 2100, in microseconds: outside, a number is rather an id than a time."""
STYLES = [
    Numbers(decimal=".", thousands=""),
    Numbers(decimal=".", thousands=","),
    Numbers(decimal=",", thousands=""),
    Numbers(decimal=",", thousands="."),
    Numbers(decimal=".", thousands=" "),
    Numbers(decimal=",", thousands=" "),
    Numbers(decimal=".", thousands="'"),
]


class Fit(BaseModel):
    """A format that fits all cells, and what it makes of the first of them."""

    format: str
    reads: str
    same_as: list[str] = []
    """other formats that fit and read every cell the same"""


def date_fits(cells: pl.Series) -> list[Fit]:
    """cells: distinct and filled. Formats that read them differently come apart; more than one is for a person."""
    found: dict[tuple[int, ...], Fit] = {}
    if not cells.len() or not cells.str.contains("[0-9]").all():
        return []
    for name in FORMATS:
        how = date_format(name)
        if name in EPOCHS and not cells.str.contains("^[0-9]{9,17}$").all():
            continue
        if name == "%Y%m%d" and not cells.str.contains("^(19|20)[0-9]{6}$").all():
            continue
        if instants(cells.head(20), how).null_count():
            continue
        read = instants(cells, how)
        if read.null_count() or not read.is_between(EARLIEST, LATEST).all():
            continue
        moments = tuple(read.to_list())
        if moments in found:
            found[moments].same_as.append(name)
        else:
            found[moments] = Fit(format=name, reads=str(pl.from_epoch(read.head(1), "us")[0]))
    return list(found.values())


class Mixed(BaseModel):
    """A column of dates in several formats: how many of the distinct cells each reads that those before do not."""

    formats: dict[str, int]
    unread: int
    """cells that none of them reads"""
    example: str | None
    """the first of those"""


MOST_MIXED = 4
LIKE_A_DATE = r"[0-9A-Za-z]{1,9}[-/. ][0-9A-Za-z]{1,9}[-/., ]+[0-9]{1,4}"
MOSTLY = 0.8
"""share of the cells that dates must be, for the rest to be told as strange ones"""


def mixed_dates(cells: pl.Series) -> Mixed | None:
    """cells: distinct and filled, and no one format fits them all. None: they are no dates."""
    dated = cells.filter(cells.str.contains(LIKE_A_DATE))
    if dated.len() < MOSTLY * max(cells.len(), 1):
        return None
    left, found = dated, dict[str, int]()
    while left.len() and len(found) < MOST_MIXED:
        reads = {name: int(plausible(left, name).sum()) for name in FORMATS if name not in EPOCHS}
        best = max(reads, key=lambda name: reads[name])
        if not reads[best]:
            break
        found[best] = reads[best]
        left = left.filter(~plausible(left, best))
    if sum(found.values()) < MOSTLY * cells.len():
        return None
    unread = cells.filter(~cells.is_in(dated.implode()) | cells.is_in(left.implode()))
    return Mixed(formats=found, unread=unread.len(), example=unread[0] if unread.len() else None)


def plausible(cells: pl.Series, name: str) -> pl.Series:
    return instants(cells, date_format(name)).is_between(EARLIEST, LATEST).fill_null(False)


def date_format(name: str) -> DateFormat:
    """Without an offset: as if the times were in UTC, which a person must confirm too."""
    absolute = name in EPOCHS or name == "iso8601" or name.endswith("z")
    return DateFormat(format=name, zone=None if absolute else "UTC", ambiguous=None)


def number_fits(cells: pl.Series) -> list[Numbers]:
    """The ways of writing numbers that fit; those that read every cell the same as one before are left out."""
    found: dict[tuple[str, ...], Numbers] = {}
    for style in STYLES:
        group = f"(?:[0-9]{{1,3}}(?:[{style.thousands}][0-9]{{3}})+|[0-9]+)" if style.thousands else "[0-9]+"
        if not cells.len() or not cells.str.contains(f"^-?{group}(?:[{style.decimal}][0-9]+)?$").all():
            continue
        plain = cells.str.replace_all(style.thousands, "", literal=True) if style.thousands else cells
        read = tuple(plain.str.replace(style.decimal, ".", literal=True).to_list())
        found.setdefault(read, style)
    return list(found.values())
