"""The stages of two definitions side by side: which continues which, and what was changed in its rules."""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from engine.projections.figures import Figures
from engine.stages.criteria import said
from engine.stages.definition import UNMAPPED, Definition, Stage

WORDS = ("name", "description", "team")
"""fields that decide nothing"""

How = Literal["same", "changed", "renamed", "merged", "added", "removed"]


class Edit(Figures):
    """One field of a stage's rules, as one reads it; null where it was not or is not there."""

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Pair:
    """A stage of the new definition (rank None: removed) and the old ones it continues, by rank."""

    rank: int | None
    was: tuple[int, ...]
    how: How
    moved: bool
    """its place among the stages that stay is another"""
    edits: tuple[Edit, ...]


def successors(before: Definition, after: Definition) -> dict[int, int | None]:
    """The new rank of each old one, by key and `replaces`; None where no stage continues it."""
    return {UNMAPPED: UNMAPPED} | {rank: after.ranks.get(stage.key) for rank, stage in enumerate(before.stages)}


def pairs(before: Definition | None, after: Definition) -> list[Pair]:
    """All stages of both, in the order of the new definition; a removed one after the stage it stood behind."""
    if before is None:
        return [Pair(rank, (), "added", False, ()) for rank in range(len(after.stages))]
    stood = {stage.key for stage in before.stages}
    following = successors(before, after)
    stayed = {old: new for old, new in following.items() if new is not None and old != UNMAPPED}
    places = moved(list(stayed.values()))
    found = []
    for rank, stage in enumerate(after.stages):
        was = tuple(old for old, new in stayed.items() if new == rank)
        edits = tuple(edited(before.stages[was[0]], stage, stood)) if len(was) == 1 else ()
        found.append(Pair(rank, was, how_of(before, was, stage, edits), rank in places, edits))
    for old in (rank for rank in range(len(before.stages)) if following[rank] is None):
        place = next((n for n, pair in enumerate(found, 1) if old - 1 in pair.was), 0)
        found.insert(place, Pair(None, (old,), "removed", False, ()))
    return found


def how_of(before: Definition, was: tuple[int, ...], stage: Stage, edits: tuple[Edit, ...]) -> How:
    if not was:
        return "added"
    if len(was) > 1:
        return "merged"
    if before.stages[was[0]].key != stage.key:
        return "renamed"
    return "changed" if any(edit.field not in WORDS for edit in edits) else "same"


def moved(places: list[int]) -> set[int]:
    """Of the new ranks in the old order: those that must change place to bring the old order into the new one."""
    old = list(dict.fromkeys(places))
    kept = SequenceMatcher(None, old, sorted(old), autojunk=False).get_matching_blocks()
    return set(old) - {old[n] for block in kept for n in range(block.a, block.a + block.size)}


def edited(before: Stage, after: Stage, stood: Container[str]) -> Iterator[Edit]:
    """The fields that differ, but for the key. stood: keys of the stages before, whose successors are no edits."""
    was, now = (stage.model_dump(mode="json", exclude={"key"}) for stage in (before, after))
    now["replaces"] = [key for key in now["replaces"] if key not in stood]
    yield from differing(was, now)


def edited_whole(before: Definition, after: Definition) -> Iterator[Edit]:
    """The fields of the whole that differ, but for its stages."""
    was, now = (each.model_dump(mode="json", exclude={"pipeline", "stages"}) for each in (before, after))
    yield from differing(was, now)


def differing(was: dict[str, Any], now: dict[str, Any]) -> Iterator[Edit]:
    for field, value in now.items():
        if was[field] != value:
            yield Edit(field=field, before=worded(was[field]), after=worded(value))


def worded(value: object) -> str | None:
    return None if value in (None, {}, []) else said(value)
