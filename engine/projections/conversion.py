"""Conversion: of the journeys that entered a stage, how many went further, and where the others are.

Exact definitions: docs/metrics.md#conversion.
"""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from engine.projections.cohort import (
    PARTS,
    ranks_of,
)
from engine.projections.counted_alone import passed_alone
from engine.projections.figures import Answer, Figures, Group, head, share
from engine.projections.filters import EVERYTHING, Filters
from engine.projections.groups import WHOLE, labels
from engine.projections.narrowing import Narrowing, narrowings
from engine.projections.passed import passed
from engine.projections.tally import Tally
from engine.projections.transitions import Transition, in_order, transition
from engine.stages.definition import Definition

if TYPE_CHECKING:
    from engine.projections.look import Look


class StageConversion(Figures):
    """entered = advanced + skipped + lost + moved_back + transferred + still_there, counts of journeys."""

    stage: str
    entered: int
    advanced: int
    lost: int
    moved_back: int
    transferred: int
    still_there: int
    skipped: int
    """strict only: went further, but not through the next stage"""
    conversion: float | None
    """advanced / entered"""
    immature: int
    """within_days only: of entered, those whose days are not over at as_of"""
    mature_conversion: float | None
    """the same share without the immature"""


class Overall(Figures):
    """entered = won + lost + open + transferred: from the first stage in this pipeline to the sale."""

    entered: int
    won: int
    lost: int
    open: int
    transferred: int
    conversion: float | None
    """won / entered"""


class Funnel(Figures):
    stages: tuple[StageConversion, ...]
    overall: Overall
    transitions: tuple[Transition, ...]
    narrowings: tuple[Narrowing, ...]
    """steps that pass on abnormally few; the cause is the stage before the one at which it shows"""


class ConversionGroup(Funnel, Group):
    pass


class Conversion(Funnel, Answer):
    merged: int
    """journeys left out, for they were merged into others"""
    void: int
    """journeys left out, for their opening was taken back"""
    groups: tuple[ConversionGroup, ...] | None = None


def conversion(
    look: "Look",
    filters: Filters = EVERYTHING,
    *,
    by: str | None = None,
    strict: bool = False,
    within_days: float | None = None,
    in_period: bool = False,
) -> Conversion:
    """Stage by stage and overall, of the journeys that first entered the stage in the window.

    strict: skipped stages do not count as passed. within_days: each journey as it stood so long after it entered.
    in_period: as it stood at the end of the window (Rejected without one).
    """
    if by is None and filters == EVERYTHING and within_days is None and not in_period:
        counted = look.tally(
            "conversion, strict" if strict else "conversion",
            partial(passed, strict=strict),
            alone=partial(passed_alone, definition=look.definition, strict=strict),
        )
    else:
        counted = passed(look, filters, by, strict=strict, within_days=within_days, in_period=in_period)
    groups = None
    if by is not None:
        groups = tuple(
            ConversionGroup(key=key, label=label, **figures(counted, value, look.definition))
            for value, key, label in labels(look, by, counted.groups("all n", "move"))
            if value != WHOLE
        )
    whole = None if by is None else WHOLE
    return told(head(look), counted, look.definition, whole).model_copy(update={"void": look.void, "groups": groups})


def told(head: Mapping[str, Any], counted: Tally, definition: Definition, group: str | None = None) -> Conversion:
    """counted: passed by all that is asked for, which is in one group."""
    return Conversion(**head, **figures(counted, group, definition), merged=counted.count("gone merged", None), void=0)


def figures(counted: Tally, group: str | None, definition: Definition) -> dict[str, Any]:
    """n, stages, overall, transitions and narrowings of one group."""
    stages = passing(counted, group, definition)
    moves = [key[2:] for key in counted.lengths if key[:2] == ("move", group)]
    return {
        "n": counted.count("all n", group),
        "stages": stages,
        "overall": overall(counted, group),
        "transitions": tuple(
            transition(stage, to, counted.of("move", group, stage, to), definition)
            for stage, to in sorted(moves, key=lambda move: (in_order(move[0]), in_order(move[1])))
        ),
        "narrowings": narrowings(stages, definition),
    }


def passing(counted: Tally, group: str | None, definition: Definition) -> tuple[StageConversion, ...]:
    """Of every stage that is not lost."""
    names = ("entered", *PARTS, "immature", "ripe")
    return tuple(
        stage_conversion(definition.key_of(rank), {name: counted.count(f"stage {name}", group, rank) for name in names})
        for rank in ranks_of(definition, "open", "won", "after_sale")
    )


def stage_conversion(stage: str, row: Mapping[str, int]) -> StageConversion:
    """row: entered, PARTS, immature, and ripe: those of advanced that are not immature."""
    parts = {part: row[part] for part in PARTS}
    if sum(parts.values()) != row["entered"]:
        raise AssertionError(f"conversion of {stage!r} does not add up: entered {row['entered']}, parts {parts}")
    return StageConversion(
        stage=stage,
        entered=row["entered"],
        **parts,
        conversion=share(row["advanced"], row["entered"]),
        immature=row["immature"],
        mature_conversion=share(row["ripe"], row["entered"] - row["immature"]),
    )


def overall(counted: Tally, group: str | None) -> Overall:
    parts = {name: counted.count(f"all {name}", group) for name in ("entered", "won", "lost", "open", "transferred")}
    return Overall(**parts, conversion=share(parts["won"], parts["entered"]))
