"""Activity: who touches whom how often, how soon a lead is answered, and which leads nobody ever touched.

Exact definitions: docs/metrics.md#activity.
"""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from engine.errors import Rejected
from engine.projections.figures import NO_DURATIONS, Answer, Durations, Figures, Group, head, share, timed
from engine.projections.filters import EVERYTHING, Filters, chosen, narrowed
from engine.projections.groups import labels
from engine.projections.journeys import named
from engine.projections.worked import asked_of
from engine.values import TouchKind

if TYPE_CHECKING:
    from engine.projections.look import Look

MOST_ATTEMPTS = 10
"""attempts from which on leads are counted together"""
A_DAY = timedelta(days=1)


class KindTouches(Figures):
    """touches = outbound + inbound + automated."""

    kind: str
    touches: int
    outbound: int
    inbound: int
    automated: int
    """sent by a machine, whichever way"""


class Attempts(Figures):
    """Leads with so many human outbound touches before their close; the last row: so many or more."""

    attempts: int
    leads: int
    won: int
    lost: int
    """disqualified included"""
    open: int


class Response(Durations):
    """From received to the first human outbound touch; n were answered."""

    never_answered: int
    """and either closed, or received longer ago than the SLA"""
    waiting: int
    """not answered yet, and still within the SLA"""
    within_sla: int
    within_sla_share: float | None
    """of those answered and never answered"""


class Activities(Figures):
    leads: int
    touched: int
    """leads with a human outbound touch"""
    never_touched: int
    never_touched_share: float | None
    never_touched_open: int
    attempts: tuple[Attempts, ...]
    attempts_mean: float | None
    response: Response
    touches: int
    """in the window, of any journey"""
    kinds: tuple[KindTouches, ...]


class ActivityGroup(Activities, Group):
    pass


class Actor(Figures):
    """Who recorded touches in the window; key None: nobody known."""

    key: str | None
    label: str | None
    touches: int
    journeys: int
    kinds: tuple[KindTouches, ...]


class Activity(Activities, Answer):
    """n: the leads, journeys opened in the window."""

    sla_seconds: float
    actors: tuple[Actor, ...]
    """most touches first"""
    merged: int
    void: int
    groups: tuple[ActivityGroup, ...] | None = None


def activity(look: "Look", filters: Filters = EVERYTHING, *, by: str | None = None, sla: timedelta = A_DAY) -> Activity:
    """Of the journeys opened in the window how they were worked; and the touches that happened in the window."""
    if sla <= timedelta(0):
        raise Rejected(f"an SLA of {sla} is no time to answer in: give one above 0", field="sla_hours")
    limit = sla // timedelta(microseconds=1)
    journeys = narrowed(chosen(look, filters).with_columns(at=pl.col("opened_at")), look, filters)
    leads, made = asked_of(look, filters, by)
    groups = None
    if by is not None:
        own, theirs = parts(leads, "group"), parts(made, "group")
        groups = tuple(
            ActivityGroup(
                key=key,
                label=label,
                **figures(own.get(value, leads.clear()), theirs.get(value, made.clear()), limit, look.as_of),
            )
            for value, key, label in labels(look, by, list(dict.fromkeys([*own, *theirs])))
        )
    gone = journeys.filter((pl.col("outcome") == "merged") & filters.window.holds("opened_at"))
    return Activity(
        **head(look),
        **figures(leads, made, limit, look.as_of),
        sla_seconds=sla.total_seconds(),
        actors=actors(look, made),
        merged=gone.select(pl.len()).collect().item(),
        void=look.void,
        groups=groups,
    )


def parts(rows: pl.DataFrame, column: str) -> dict[str | None, pl.DataFrame]:
    """The rows of each value of a column."""
    return {key: part for (key,), part in rows.partition_by(column, as_dict=True).items()}


def figures(leads: pl.DataFrame, made: pl.DataFrame, sla: int, as_of: int) -> dict[str, Any]:
    """n and the fields of Activities."""
    untouched = leads.filter(pl.col("answered_at").is_null())
    return {
        "n": leads.height,
        "leads": leads.height,
        "touched": leads.height - untouched.height,
        "never_touched": untouched.height,
        "never_touched_share": share(untouched.height, leads.height),
        "never_touched_open": untouched.filter(pl.col("outcome") == "open").height,
        "attempts": attempts(leads),
        "attempts_mean": share(int(leads["attempts"].sum()), leads.height),
        "response": response(leads, sla, as_of),
        "touches": made.height,
        "kinds": kinds(made),
    }


def attempts(leads: pl.DataFrame) -> tuple[Attempts, ...]:
    rows = (
        leads.group_by(attempts=pl.col("attempts").clip(upper_bound=MOST_ATTEMPTS))
        .agg(
            leads=pl.len(),
            won=(pl.col("outcome") == "won").sum(),
            lost=pl.col("outcome").is_in(["lost", "disqualified"]).sum(),
            open=(pl.col("outcome") == "open").sum(),
        )
        .sort("attempts")
    )
    return tuple(Attempts(**row) for row in rows.iter_rows(named=True))


def response(leads: pl.DataFrame, sla: int, as_of: int) -> Response:
    answered = leads.filter(pl.col("answered_at").is_not_null()).select(
        spent=pl.col("answered_at") - pl.col("opened_at")
    )
    silent = leads.filter(pl.col("answered_at").is_null())
    waiting = silent.filter((pl.col("outcome") == "open") & (pl.col("opened_at") + sla > as_of)).height
    inside = answered.filter(pl.col("spent") <= sla).height
    times = timed(answered.with_columns(whole=pl.lit(True)), "spent", "whole").drop("whole").rows(named=True)
    return Response(
        **(times[0] if times else dict(NO_DURATIONS)),
        never_answered=silent.height - waiting,
        waiting=waiting,
        within_sla=inside,
        within_sla_share=share(inside, leads.height - waiting),
    )


def kinds(made: pl.DataFrame) -> tuple[KindTouches, ...]:
    """In the order of TouchKind, those that happened."""
    human = ~pl.col("automated")
    rows = (
        made.group_by("kind")
        .agg(
            touches=pl.len(),
            outbound=(human & ~pl.col("inbound")).sum(),
            inbound=(human & pl.col("inbound")).sum(),
            automated=pl.col("automated").sum(),
        )
        .sort("kind")
    )
    names = [kind.value for kind in TouchKind]
    return tuple(KindTouches(**(row | {"kind": names[row["kind"]]})) for row in rows.iter_rows(named=True))


def actors(look: "Look", made: pl.DataFrame) -> tuple[Actor, ...]:
    """Those who recorded the touches."""
    told = made.with_columns(who=named("actor", look.codes.people))
    theirs = parts(told, "who")
    found = [
        Actor(
            key=key,
            label=label,
            touches=theirs[who].height,
            journeys=theirs[who]["journey"].n_unique(),
            kinds=kinds(theirs[who]),
        )
        for who, key, label in labels(look, "owner", list(theirs))
    ]
    return tuple(sorted(found, key=lambda actor: -actor.touches))
