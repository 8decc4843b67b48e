"""What a careful reviewer of stages would say, each remark with its figures and what to do.

Pure functions of a definition and of what history became by it. Exact definitions: docs/pipelines.md#warnings.
"""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Literal

import polars as pl

from engine.projections.conversion import StageConversion
from engine.projections.figures import Figures
from engine.projections.likelihood import ENOUGH
from engine.projections.look import Look
from engine.projections.narrowing import highest_likely, narrowings
from engine.stages.definition import Definition, Stage
from replay.tried import Tried, may_fail
from replay.unmapped import UnmappedKey

MOST = 0.5
"""a stage to which more than this share jump swallows the entries"""

Kind = Literal[
    "never_entered", "never_true", "always_true", "swallows", "unmapped_keys", "passes_all", "abnormal_narrowing"
]


class Remark(Figures):
    """n of `of`: the figures behind it; what they count is said in `says`."""

    kind: Kind
    stage: str | None
    key: str | None = None
    """of unmapped_keys: the key"""
    new: bool = True
    """the definition that it is set beside does not deserve it"""
    says: str
    advice: str
    n: int
    of: int


def review(
    look: Look, funnel: Sequence[StageConversion], keys: Sequence[UnmappedKey], known: Mapping[str, Tried]
) -> tuple[Remark, ...]:
    """All remarks on the look's definition.

    funnel, keys: over the whole pipeline, as the look shows it. known: tried([look]) of it.
    """
    definition, visits = look.definition, look.visits
    return (
        *never_entered(definition, visits, known, look.journeys.height),
        *always_true(definition, known),
        *swallowing(definition, visits),
        *unmapped(keys),
        *passing_all(definition, funnel),
        *narrowing(definition, funnel),
    )


def compared(
    remarks: Sequence[Remark], others: Sequence[Remark], before: Definition, after: Definition
) -> tuple[Remark, ...]:
    """The remarks on a definition: which of them are new beside those on another, whose stages it may continue."""
    continued = {stage.key: after.ranks.get(stage.key) for stage in before.stages}
    known = {(each.kind, continued.get(each.stage or ""), each.key) for each in others}
    return tuple(
        each.model_copy(update={"new": (each.kind, after.ranks.get(each.stage or ""), each.key) not in known})
        for each in remarks
    )


def never_entered(
    definition: Definition, visits: pl.DataFrame, tried: Mapping[str, Tried], journeys: int
) -> list[Remark]:
    """Stages without a visit; those whose criterion never held are told so.

    visits: Look.visits. tried: by stage key, of the criteria that brought nobody in. journeys: all there are.
    """
    if journeys == 0:
        return []
    visited = dict(visits.group_by("stage").agg(pl.col("journey").n_unique()).iter_rows())
    found = []
    for rank, stage in enumerate(definition.stages):
        entered, told = visited.get(rank, 0), tried.get(stage.key)
        by_hand = f"; the {entered:,} journeys in it were moved by a person" if entered else ""
        if stage.enter is not None and told is not None and told.held == 0:
            found.append(
                Remark(
                    kind="never_true",
                    stage=stage.key,
                    says=f"its criterion ({stage.enter.describe()}) never held: {looked(told.looked)}{by_hand}",
                    advice="ask for less, or correct the name of the event, signal or kind it waits for",
                    n=told.held,
                    of=told.looked,
                )
            )
        elif not entered:
            held = f"; its criterion held {told.held:,} times, each time too late to matter" if told else ""
            found.append(
                Remark(
                    kind="never_entered",
                    stage=stage.key,
                    says=f"none of {journeys:,} journeys ever entered it{held}",
                    advice=way_in(rank, stage),
                    n=0,
                    of=journeys,
                )
            )
    return found


def way_in(rank: int, stage: Stage) -> str:
    if rank == 0:
        return "the first event takes every journey further: remove it, or let the stages after it wait for more"
    if stage.enter is None:
        return "remove it, place it where journeys pass, or give it a criterion"
    return "remove it, or place it before the stages that are entered at the same moment"


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


def unmapped(keys: Sequence[UnmappedKey]) -> list[Remark]:
    return [
        Remark(
            kind="unmapped_keys",
            stage=None,
            key=each.key,
            says=f"people moved {each.journeys:,} journeys to {each.key!r}, which is none of its open stages; "
            f"{each.standing:,} stand unmapped because of it",
            advice=f"add `replaces: [{each.key}]` to the stage that takes it over",
            n=each.standing,
            of=each.journeys,
        )
        for each in keys
    ]


def passing_all(definition: Definition, funnel: Sequence[StageConversion]) -> list[Remark]:
    """Open stages that enough journeys left, and none but forward, where the other steps and chance don't explain it.

    Nor do those that still stand there: even if none of them went further, it would pass on more than the others do.
    """
    opens = {stage.key for stage in definition.stages if stage.kind == "open"}
    steps = [
        (each, left)
        for each in funnel
        if each.stage in opens and (left := each.entered - each.still_there - each.transferred) >= ENOUGH
    ]
    found = []
    for each, left in steps:
        others = [other.advanced / n for other, n in steps if other is not each]
        lowest = 1 - highest_likely(each.still_there, left + each.still_there)
        if each.advanced < left or (others and lowest <= median(others)):
            continue
        beside = f" (the other steps pass on {median(others):.1%})" if others else ""
        waiting = f"; {each.still_there:,} still stand there" if each.still_there else ""
        found.append(
            Remark(
                kind="passes_all",
                stage=each.stage,
                says=f"all {left:,} journeys that left it went further{beside}{waiting}",
                advice="what ends it decides nothing: merge it with the next stage, or let losses be recorded in it",
                n=each.advanced,
                of=left,
            )
        )
    return found


def narrowing(definition: Definition, funnel: Sequence[StageConversion]) -> list[Remark]:
    return [
        Remark(
            kind="abnormal_narrowing",
            stage=each.stage,
            says=f"{each.advanced:,} of the {each.left:,} journeys that left it went further ({each.share:.1%}; the "
            f"other steps pass on {each.typical:.1%}): the funnel narrows at {each.shows_at}",
            advice=f"look at what is done in {each.stage}, the stage before the narrowing, not at {each.shows_at}",
            n=each.advanced,
            of=each.left,
        )
        for each in narrowings(funnel, definition)
    ]
