"""Hypothesis strategies for a team that works and redefines its stages.

Stages are renamed, reordered, added, removed, split, merged, given other criteria and stall rules; in between deals are
opened, worked, moved, corrected, won, lost and taken up again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from engine.stages.definition import Definition, parse_definition
from tests.properties.random_logs import SIGNALS, criteria

Stages = list[dict[str, Any]]
CLOSED: Stages = [
    {"key": "won", "kind": "won", "enter": {"event": "DealWon"}},
    {"key": "lost", "kind": "lost", "enter": {"event": "DealLost"}},
    {"key": "thanks", "kind": "after_sale", "enter": {"event": "SatisfactionRecorded"}},
]
BEGIN: Stages = [
    {"key": "s1"},
    {"key": "s2", "enter": {"touch": {"kind": ["call", "meeting"]}}, "stall": {"idle_days": 2.0}},
    {"key": "s3", "enter": {"bant_confirmed": {"at_least": 1}}},
    {"key": "s4", "enter": {"event": "ProposalSent"}, "stall": {"stage_days": 1.5}},
]


def definition_of(opens: Stages) -> Definition:
    return parse_definition({"pipeline": "one", "stages": [{**stage, "kind": "open"} for stage in opens] + CLOSED})


@dataclass(frozen=True)
class Redefine:
    """place picks the stage, other a second one or a new place; key is of a stage that is new."""

    how: str
    place: int
    other: int
    criterion: dict[str, Any]


def redefined(opens: Stages, change: Redefine, key: str) -> Stages:
    """The stages after the change; as they are where it has no sense."""
    here, there = change.place % len(opens), change.other % len(opens)
    return HOW[change.how]([dict(stage) for stage in opens], here, there, change.criterion, key)


def renamed(opens: Stages, here: int, there: int, criterion: dict[str, Any], key: str) -> Stages:
    opens[here] |= {"key": key, "replaces": [opens[here]["key"], *opens[here].get("replaces", [])]}
    return opens


def reordered(opens: Stages, here: int, there: int, criterion: dict[str, Any], key: str) -> Stages:
    opens.insert(there, opens.pop(here))
    return opens


def added(opens: Stages, here: int, there: int, criterion: dict[str, Any], key: str) -> Stages:
    opens.insert(here + 1, {"key": key, "enter": criterion})
    return opens


def removed(opens: Stages, here: int, there: int, criterion: dict[str, Any], key: str) -> Stages:
    return opens[:here] + opens[here + 1 :] if len(opens) > 1 else opens


def split(opens: Stages, here: int, there: int, criterion: dict[str, Any], key: str) -> Stages:
    second = {"key": key, "enter": opens[here].get("enter", criterion)}
    opens[here] |= {"enter": criterion}
    opens.insert(here + 1, second)
    return opens


def merged(opens: Stages, here: int, there: int, criterion: dict[str, Any], key: str) -> Stages:
    if here == there:
        return opens
    old = [opens[here], opens[there]]
    opens[here] = {
        "key": key,
        "replaces": [name for stage in old for name in (stage["key"], *stage.get("replaces", []))],
        "enter": {"any": [stage.get("enter", criterion) for stage in old]},
    }
    return opens[:there] + opens[there + 1 :]


def asked_otherwise(opens: Stages, here: int, there: int, criterion: dict[str, Any], key: str) -> Stages:
    opens[here] |= {"enter": criterion}
    return opens


def watched_otherwise(opens: Stages, here: int, there: int, criterion: dict[str, Any], key: str) -> Stages:
    opens[here] |= {"stall": {"idle_days": 1.0 + there}}
    return opens


HOW: dict[str, Callable[[Stages, int, int, dict[str, Any], str], Stages]] = {
    "rename": renamed,
    "reorder": reordered,
    "add": added,
    "remove": removed,
    "split": split,
    "merge": merged,
    "criteria": asked_otherwise,
    "stall": watched_otherwise,
}


@dataclass(frozen=True)
class Work:
    """A command to one of the deals; what a rule refuses is left out."""

    what: str
    deal: int
    detail: str
    number: int
    """which stage or entry, where the command names one"""
    hours_ago: int
    """a late entry tells of what happened then"""


WHAT = ["open", "touch", "bant", "signal", "offer", "value", "move", "win", "lose", "reopen", "thanks", "retract"]
works = st.builds(
    Work,
    what=st.sampled_from(["open", "touch", *WHAT]),
    deal=st.integers(0, 4),
    detail=st.sampled_from(SIGNALS),
    number=st.integers(0, 30),
    hours_ago=st.sampled_from((0, 0, 0, 30, 60)),
)
changes = st.builds(
    Redefine, how=st.sampled_from(sorted(HOW)), place=st.integers(0, 5), other=st.integers(0, 5), criterion=criteria
)
days = st.lists(
    st.tuples(st.lists(works, min_size=2, max_size=7), st.lists(changes, max_size=2)), min_size=2, max_size=4
)
"""each day's work, then how the stages are changed in the evening"""
