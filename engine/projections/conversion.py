"""Conversion: of the journeys that entered a stage, how many went further, and where the others are.

Exact definitions: docs/metrics.md#conversion.
"""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl

from engine.errors import Rejected
from engine.projections.cohort import (
    PARTS,
    TRANSFERRED,
    entries,
    entries_as_they_stood,
    horizon_of,
    ranks_of,
    with_flags,
)
from engine.projections.counted_alone import passed_alone
from engine.projections.days import micros_of
from engine.projections.figures import Answer, Figures, Group, head, share
from engine.projections.filters import EVERYTHING, Filters, chosen, narrowed, of_chosen
from engine.projections.groups import WHOLE, grouped, labels, with_whole
from engine.projections.narrowing import Narrowing, narrowings
from engine.projections.tally import Part, Tally, counts, lengths, tally
from engine.projections.transitions import Transition, in_order, transition, transitions
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


def passed(
    look: "Look",
    filters: Filters = EVERYTHING,
    by: str | None = None,
    *,
    strict: bool = False,
    within_days: float | None = None,
    in_period: bool = False,
) -> Tally:
    """Who entered each stage and what became of them; where groups are asked for, of all together as WHOLE."""
    cohort, moves = asked_of(
        look, filters, by, look.visits.lazy(), strict=strict, within_days=within_days, in_period=in_period
    )
    asked, moved = (
        with_whole(rows.select("group", *columns), by)
        for rows, columns in (
            (cohort, ("journey", "stage", "first", "cohort", "far", "place", *PARTS, "immature")),
            (moves, ("stage", "to", "spent")),
        )
    )
    merged = chosen(look, filters).filter(pl.col("outcome") == "merged")
    return tally(
        *reached(asked, by, look.definition),
        lengths("move", moved, by, "stage", "to", of=pl.col("spent")),
        counts("gone", merged, None, merged=pl.len()),
    )


def asked_of(
    look: "Look",
    filters: Filters,
    by: str | None,
    visits: pl.LazyFrame,
    *,
    strict: bool,
    within_days: float | None,
    in_period: bool,
) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Of Look.visits, with any further columns: first entries and what became of them; transitions. With `group`."""
    if in_period and filters.window.until is None:
        raise Rejected("in_period looks at the end of the window: give until", field="until")
    visits = of_chosen(visits, look, filters, by)
    if within_days is None and not in_period:
        horizon, cohort = None, entries(visits, look.definition).with_columns(horizon=pl.lit(look.as_of))
    else:
        horizon = horizon_of(look, filters, within_days, in_period=in_period)
        cohort = entries_as_they_stood(visits, look.definition, horizon=horizon)
    passed = pl.col("passed") if strict else pl.lit(True)
    days = pl.lit(None) if within_days is None else pl.col("at") + micros_of("within_days", within_days)
    cohort = with_flags(cohort.rename({"entered_at": "at"}), look.definition, passed)
    cohort = cohort.with_columns(immature=(days > look.as_of).fill_null(False))
    moves = transitions(visits, horizon).rename({"entered_at": "at"})
    inside = filters.window.holds("at")
    return (
        grouped(narrowed(cohort.filter(inside), look, filters), look, by, filters),
        grouped(narrowed(moves.filter(inside), look, filters), look, by, filters),
    )


def reached(asked: pl.LazyFrame, by: str | None, definition: Definition) -> tuple[Part, Part]:
    """Overall, and stage by stage. asked: the cohort as asked_of gives it."""
    first, far, gone = pl.col("first"), pl.col("far"), pl.col("place") == TRANSFERRED
    lost = pl.col("place").is_in(ranks_of(definition, "lost"))
    return (
        counts(
            "all",
            asked,
            by,
            n=pl.col("journey").n_unique(),
            entered=first.sum(),
            won=(first & far).sum(),
            lost=(first & ~far & lost).sum(),
            open=(first & ~far & ~lost & ~gone).sum(),
            transferred=(first & ~far & gone).sum(),
        ),
        counts(
            "stage",
            asked.filter(pl.col("cohort")),
            by,
            "stage",
            entered=pl.len(),
            immature=pl.col("immature").sum(),
            ripe=(pl.col("advanced") & ~pl.col("immature")).sum(),
            **{part: pl.col(part).sum() for part in PARTS},
        ),
    )


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
