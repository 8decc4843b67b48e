"""Remarks on the keys of stages: those that lead nowhere, that mean something else now, that nobody ever used."""

from collections.abc import Sequence

import polars as pl

from engine.projections.look import Look
from engine.stages.criteria_polars import is_kind
from engine.stages.definition import Definition, Stage
from engine.stages.facts import MOVES
from replay.remark import Remark
from replay.unmapped import UnmappedKey


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


def given_away(before: Look, after: Look) -> list[Remark]:
    """Live keys that took the name or the criterion of another live stage, which has another one now."""
    found = []
    old, new = ({stage.key: stage for stage in look.definition.stages} for look in (before, after))
    for key in old.keys() & new.keys():
        taken = [other for other in old.keys() & new.keys() if other != key and took(old, new, key, other)]
        if not taken:
            continue
        moved = moved_to(after, key)
        found.append(
            Remark(
                kind="key_given_away",
                stage=key,
                says=f"it says now what {taken[0]!r} said, which goes on as another stage: the {moved:,} journeys that "
                f"people moved to {key!r} are read as moved to what {taken[0]!r} was",
                advice="keys are permanent: give each stage its key back; their order and their words may change",
                n=moved,
                of=after.journeys.height,
            )
        )
    return sorted(found, key=lambda remark: after.definition.ranks[remark.stage or ""])


def took(old: dict[str, Stage], new: dict[str, Stage], key: str, other: str) -> bool:
    """Whether the key says now what the other said, which says something else."""

    def swapped(was: object, is_now: object, others: object, others_now: object) -> bool:
        return bool(others) and is_now == others and was != others != others_now

    return swapped(old[key].name, new[key].name, old[other].name, new[other].name) or swapped(
        old[key].enter, new[key].enter, old[other].enter, new[other].enter
    )


def replacing_nothing(before: Definition, after: Look) -> list[Remark]:
    """Keys that a stage is to replace, which the stages before don't know and to which nobody was ever moved."""
    return [
        Remark(
            kind="replaces_nothing",
            stage=stage.key,
            key=key,
            says=f"it replaces {key!r}: the stages it is set beside have no such key, and 0 journeys were moved to it",
            advice=f"correct the key, or leave it out: a key that nobody used has no effect; known are "
            f"{', '.join(before.ranks)}",
            n=0,
            of=after.journeys.height,
        )
        for stage in after.definition.stages
        for key in stage.replaces
        if key not in before.ranks and key not in after.codes.stages
    ]


def moved_to(look: Look, key: str) -> int:
    """Journeys that a person ever moved to the stage."""
    code = look.codes.stages.get(key)
    if code is None:
        return 0
    moves = look.seen().rows.select("journey", "kind", "code").filter(is_kind(*sorted(MOVES)), pl.col("code") == code)
    return look.journeys.join(moves, on="journey", how="semi").height
