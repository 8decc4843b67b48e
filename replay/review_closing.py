"""Remarks on how journeys end: closings that a definition has no stage for, outcomes that it changes."""

from collections.abc import Container
from typing import Literal

import polars as pl

from engine.projections.kept import ENDS
from engine.projections.look import Look
from engine.stages.criteria_polars import CODE, is_kind
from engine.stages.facts import REOPENINGS
from replay.remark import Kind, Remark

Ending = Literal["won", "lost"]
MISSING: dict[Ending, Kind] = {"won": "no_won_stage", "lost": "no_lost_stage"}
RECORDED: dict[Ending, tuple[str, ...]] = {"won": ("DealWon",), "lost": ("DealLost", "LeadDisqualified")}
CALLED: dict[Ending, str] = {"won": "wins", "lost": "losses"}


def without_end(look: Look) -> list[Remark]:
    """No won or no lost stage, though journeys that count as open were recorded to end so."""
    kinds = {stage.kind for stage in look.definition.stages}
    found = []
    for ending, events in RECORDED.items():
        n = 0 if ending in kinds else ended(look, events)
        if n:
            any_of = ", ".join(f"{{event: {event}}}" for event in events)
            found.append(
                Remark(
                    kind=MISSING[ending],
                    stage=None,
                    says=f"it has no {ending} stage: {n:,} journeys of which {' or '.join(events)} was told are open",
                    advice=f"add a stage of kind {ending} with `enter: {{any: [{any_of}]}}`: else they stay open, may "
                    f"stall, and no report of {CALLED[ending]} counts them",
                    n=n,
                    of=look.journeys.height,
                )
            )
    return found


def ended(look: Look, events: tuple[str, ...]) -> int:
    """Journeys that are open by the definition, and whose newest closing or reopening is one of the events."""
    turning = [event for recorded in RECORDED.values() for event in recorded] + sorted(REOPENINGS)
    newest = look.seen().rows.select("journey", "kind").filter(is_kind(*turning)).filter(ENDS)
    closed = newest.filter(pl.col("kind").is_in([CODE[event] for event in events]))
    return look.journeys.filter(pl.col("outcome") == "open").join(closed, on="journey", how="semi").height


def other_outcomes(before: Look, after: Look, said: Container[Kind]) -> list[Remark]:
    """What ended otherwise by the definition before, most journeys first.

    said: the remarks that tell already why journeys are open.
    """
    was = before.journeys.select("journey", was="outcome")
    both = was.join(after.journeys.select("journey", now="outcome"), on="journey")
    totals = dict(both["was"].value_counts().iter_rows())
    counted = both.filter(pl.col("was") != pl.col("now")).group_by("was", "now").len()
    found = []
    for once, now, n in counted.sort("len", "was", "now", descending=[True, False, False]).iter_rows():
        ending: Ending = "won" if (once if now == "open" else now) == "won" else "lost"
        if now == "open" and MISSING[ending] in said:
            continue
        found.append(
            Remark(
                kind="other_outcomes",
                stage=None,
                says=f"{n:,} of the {totals[once]:,} journeys that are {once} by the stages before are {now} by these",
                advice=because(before, after, once, now, ending),
                n=n,
                of=totals[once],
            )
        )
    return found


def because(before: Look, after: Look, once: str, now: str, ending: Ending) -> str:
    """Where to look when an outcome is not meant to change."""
    if {once, now} == {"lost", "disqualified"}:
        now_from, from_before = (
            f"{look.definition.key_of(rank)!r}, stage {rank + 1}"
            for look in (after, before)
            for rank in [look.definition.qualified_rank]
        )
        return (
            f"a lead is disqualified only before it is qualified: from {now_from}, on (before: {from_before}); set "
            "`qualified_from` if that is not meant"
        )
    return (
        f"look at what its {ending} stages wait for (`enter`), if that is not meant: reports of {CALLED[ending]} change"
    )
