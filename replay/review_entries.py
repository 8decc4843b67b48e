"""Remarks on how journeys come into stages: never, always, or past the others."""

from collections.abc import Mapping

import polars as pl

from engine.projections.likelihood import ENOUGH
from engine.stages.criteria import Criterion
from engine.stages.definition import Definition
from engine.stages.facts import MOVES
from replay.remark import Remark
from replay.tried import Tried, may_fail

MOST = 0.5
"""a stage to which more than this share jump swallows the entries"""


def never_entered(
    definition: Definition, visits: pl.DataFrame, tried: Mapping[str, Tried], journeys: int
) -> list[Remark]:
    """Stages without a visit; those whose criterion never held are told so.

    visits: Look.visits. tried: by stage key, of the criteria that brought nobody in. journeys: all there are.
    """
    if journeys == 0:
        return []
    visited = dict(visits.group_by("stage").agg(pl.col("journey").n_unique()).iter_rows())
    won_ranks = [rank for rank, stage in enumerate(definition.stages) if stage.kind == "won"]
    found = []
    for rank, stage in enumerate(definition.stages):
        entered, told = visited.get(rank, 0), tried.get(stage.key)
        came = "came by their first event or by a person" if rank == 0 else "were moved by a person"
        all_the_same = f"; the {entered:,} journeys in it {came}" if entered else ""
        if stage.enter is not None and told is not None and told.held == 0:
            found.append(
                Remark(
                    kind="never_true",
                    stage=stage.key,
                    says=f"its criterion ({stage.enter.describe()}) never held: {looked(told.looked)}{all_the_same}",
                    advice=("leave it out (a journey begins there without it), " if rank == 0 else "")
                    + "ask for less, or correct the name of the event, signal or kind it waits for",
                    n=told.held,
                    of=told.looked,
                )
            )
        elif not entered:
            held, advice = vain(definition, rank, won=any(map(visited.get, won_ranks)))
            found.append(
                Remark(
                    kind="never_entered",
                    stage=stage.key,
                    says=f"none of {journeys:,} journeys ever entered it"
                    + (f"; its criterion held {told.held:,} times, {held}" if told else ""),
                    advice=advice,
                    n=0,
                    of=journeys,
                )
            )
    return found


def vain(definition: Definition, rank: int, won: bool) -> tuple[str, str]:
    """Why its criterion, if there is one, held to no effect; and what to do about a stage that nobody enters.

    won: some journeys were.
    """
    stage = definition.stages[rank]
    if stage.enter is not None and at_moves(stage.enter):
        return (
            "each time at a person's move, which leads to the stage it names",
            "let it wait for what proves the stage: an action, an assessment or a document",
        )
    if stage.kind == "after_sale":
        if not won:
            return "but nobody was won, and only from a won stage does one come here", "look at the won stages first"
        return (
            "never after the win and before a later stage",
            "give it a criterion that holds after the sale: what happened before, or won the deal, does not count",
        )
    if stage.kind in ("won", "lost"):
        return (
            "each time of a journey that was closed before, or that another stage closed at the same event",
            "give it an event of its own, or remove it: no move of a person leads to a won or lost stage",
        )
    if rank == 0:
        advice = "the first event takes every journey further: remove it, or let the stages after it wait for more"
    elif stage.enter is None:
        advice = "remove it, place it where journeys pass, or give it a criterion"
    else:
        advice = "remove it, or place it before the stages that are entered at the same moment"
    return "each time too late to matter", advice


def at_moves(criterion: Criterion) -> bool:
    """Whether it is at nothing but people's moves that it can hold."""
    if criterion.any is not None:
        return all(at_moves(part) for part in criterion.any)
    if criterion.all is not None:
        return any(part.event in MOVES for part in criterion.all)
    return (criterion.event or criterion.happened) in MOVES


def looked(times: int) -> str:
    if times == 0:
        return "nothing that it speaks of has ever happened"
    return f"it was looked at {times:,} times"


def always_true(definition: Definition, tried: Mapping[str, Tried]) -> list[Remark]:
    """Criteria that could have failed and never did, of those that were looked at often enough to tell."""
    return [
        Remark(
            kind="always_true",
            stage=stage.key,
            says=f"its criterion ({stage.enter.describe()}) held each of the {told.looked:,} times it was looked at",
            advice="it asks for nothing: raise its threshold, or name the event alone that shall bring a journey here",
            n=told.held,
            of=told.looked,
        )
        for stage in definition.stages
        if stage.enter is not None
        and (told := tried.get(stage.key)) is not None
        and told.held == told.looked >= ENOUGH
        and may_fail(stage.enter)
    ]


def swallowing(definition: Definition, visits: pl.DataFrame) -> list[Remark]:
    """An open stage that most journeys beyond the first enter straight from there, past stages that others enter."""
    same = pl.col("journey") == pl.col("journey").shift()
    came = visits.filter(pl.col("stage").is_between(0, definition.open_count - 1)).select(
        "journey", "stage", "how", straight=pl.when(same).then(pl.col("stage").shift()).fill_null(0) == 0
    )
    further = came.filter(pl.col("stage") > 0)
    beyond, entered = further["journey"].n_unique(), sorted(further["stage"].unique())
    if beyond < ENOUGH:
        return []
    jumped = further.filter("straight", pl.col("how") == "automatic", pl.col("stage") > entered[0])
    counted = jumped.group_by("stage").agg(pl.col("journey").n_unique())
    first = definition.key_of(0)
    return [
        Remark(
            kind="swallows",
            stage=definition.key_of(rank),
            says=f"{n:,} of the {beyond:,} journeys that went beyond {first} came to it straight from there, past "
            + " and ".join(definition.key_of(other) for other in entered if other < rank),
            advice="its criterion holds too early: ask for more with `all`, or place it before the stages it passes",
            n=n,
            of=beyond,
        )
        for rank, n in sorted(counted.iter_rows())
        if n > MOST * beyond
    ]
