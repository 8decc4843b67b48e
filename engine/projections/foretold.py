"""What the forecast of each past period said at its horizons: one look at the log as it was then for each moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from engine.errors import Rejected
from engine.periods import Every, Period, back, local, midnight, periods
from engine.projections.filters import MEMBERSHIP, Filters, person
from engine.projections.likelihood import Basis, likelihoods
from engine.projections.prospects import Count, Prospects, counted, prospects

if TYPE_CHECKING:
    from engine.projections.look import Look

START = "start"
HORIZONS = (START, "30", "60", "90")
LONGEST = 730
"""days before the end of a period"""
MOST_LOOKS = 24
"""Each look at another time derives anew what changed since: of ten million events in up to half a second."""

Group = str | None


class Asked(NamedTuple):
    """The options of the answer."""

    by: str | None = None
    every: Every = "month"
    periods: int = 6
    horizons: Sequence[str] = HORIZONS
    basis: Basis = "observed"
    hindsight: bool = False


@dataclass(frozen=True)
class Foretold:
    """One period at one horizon."""

    at: int
    """the moment looked from"""
    recorded: bool
    """anything was, by then"""
    counts: dict[Group, Count]


def axis_of(look: "Look", filters: Filters, asked: Asked) -> list[Period]:
    """The periods that are over at as_of: the last ones, or those that the window touches. Rejected: none, too many."""
    if asked.by == "month":
        raise Rejected("this goes by week, month or quarter already (every): group it by something else")
    for name in asked.horizons:
        days_of(name)
    window = filters.window
    end = look.as_of if window.until is None else min(window.until, look.as_of)
    if window.since is None:
        first = back(asked.every, filters.tz, last=end, count=asked.periods + 1)
    else:
        first = min(window.since, end)
    axis = [each for each in periods(asked.every, filters.tz, first=first, last=end - 1) if each.until <= look.as_of]
    if window.since is None:
        axis = axis[-asked.periods :]
    if not axis:
        raise Rejected(f"no {asked.every} of the window is over: begin it earlier, or ask for shorter periods (every)")
    looks = len(axis) * len(asked.horizons)
    if looks > MOST_LOOKS:
        raise Rejected(
            f"{len(axis)} periods at {len(asked.horizons)} horizons are {looks} looks back: "
            f"ask for fewer of either, for {MOST_LOOKS} together"
        )
    return axis


def days_of(horizon: str) -> int | None:
    """Days before the end of the period; None: its start."""
    if horizon == START:
        return None
    if not (horizon.isascii() and horizon.isdigit() and 1 <= int(horizon) <= LONGEST):
        raise Rejected(
            f"horizon {horizon!r} is none: use {START}, or 1 to {LONGEST} as days before the end of the period"
        )
    return int(horizon)


def moment(period: Period, horizon: str, tz: str) -> int:
    """From which the period was looked at: the first moment of a day."""
    days, zone = days_of(horizon), ZoneInfo(tz)
    return period.since if days is None else midnight(local(period.until, zone) - timedelta(days=days), zone)


def foretold(look: "Look", filters: Filters, axis: Sequence[Period], asked: Asked) -> dict[tuple[str, str], Foretold]:
    """By horizon and name of the period. Moments that are the same are looked at once, and one at a time."""
    filters = by_id(look, filters)
    pairs = [(horizon, period) for horizon in asked.horizons for period in axis]
    moments = {(horizon, period.name): moment(period, horizon, filters.tz) for horizon, period in pairs}
    wanted: dict[int, dict[str, Period]] = {}
    for horizon, period in pairs:
        wanted.setdefault(moments[horizon, period.name], {})[period.name] = period
    looked, past = {}, look
    # Each from the one after it: between the two little has happened.
    for at, each in sorted(wanted.items(), reverse=True):
        past = past_of(past, at, asked)
        looked[at] = said(past, filters, at, list(each.values()), asked)
    return {(horizon, period): looked[at][period] for (horizon, period), at in moments.items()}


def said(past: "Look", filters: Filters, at: int, axis: Sequence[Period], asked: Asked) -> dict[str, Foretold]:
    """What was said of some periods at one moment, by their names."""
    told = {}
    chances = likelihoods(past, asked.basis)
    for period in axis:
        found = seen(past, filters, period, asked.by)
        counts = {} if found is None else counted(found, chances, ("group",))
        told[period.name] = Foretold(
            at, not past.journeys.is_empty(), {group: count for (group,), count in counts.items()}
        )
    return told


def past_of(look: "Look", at: int, asked: Asked) -> "Look":
    """As it was recorded by then; in hindsight all that is recorded now of what had happened by then.

    look: of now, or of a moment in between, which gives the same in less time.
    """
    known = look.known_at if asked.hindsight else min(at, look.known_at or at)
    return look.at(at, known)


def seen(past: "Look", filters: Filters, period: Period, by: str | None) -> Prospects | None:
    """None: of what is asked for nothing was known then."""
    return prospects(past, filters, [period], by) if heard_of(past, filters) else None


def by_id(look: "Look", filters: Filters) -> Filters:
    """People by their ids: a name may have meant another one then. Rejected as everywhere."""
    found = {}
    if filters.owner is not None:
        found["owner"] = person(look, filters.owner, "owner", look.journeys["owner"])
    if filters.manager is not None:
        found["manager"] = person(look, filters.manager, "manager", look.membership["manager"])
    return filters.model_copy(update=found)


def heard_of(past: "Look", filters: Filters) -> bool:
    """Whether the roster had all of what the filters name of it: what it had not had nothing expected of it."""
    named = {name: getattr(filters, name) for name in MEMBERSHIP}
    return all(value is None or value in past.membership[name] for name, value in named.items())
