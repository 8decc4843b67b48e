"""Which stages of two definitions belong together, and what was edited."""

from typing import Any

import pytest

from engine.stages.definition import Definition, parse_definition
from replay.side_by_side import Edit, pairs

WON = {"key": "won", "kind": "won"}


def stages(*opens: str | dict[str, Any]) -> Definition:
    raw = [{"kind": "open", **(each if isinstance(each, dict) else {"key": each})} for each in opens]
    return parse_definition({"pipeline": "sales", "stages": [*raw, WON]})


OLD = stages("a", "b", "c", "d")


def told(after: Definition) -> list[tuple[str | None, str, str, bool]]:
    """Stage, those it was, how, moved."""
    return [
        (
            None if pair.rank is None else after.key_of(pair.rank),
            "".join(OLD.key_of(rank) for rank in pair.was),
            pair.how,
            pair.moved,
        )
        for pair in pairs(OLD, after)
        if pair.rank is None or after.key_of(pair.rank) != "won"
    ]


SAME = [(key, key, "same", False) for key in "abcd"]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (OLD, SAME),
        (stages("a", "new", "b", "c", "d"), [SAME[0], ("new", "", "added", False), *SAME[1:]]),
        (stages("a", "c", "d"), [SAME[0], (None, "b", "removed", False), *SAME[2:]]),
        (stages("b", "c", "d"), [(None, "a", "removed", False), *SAME[1:]]),
        (stages("a", {"key": "x", "replaces": ["b"]}, "c", "d"), [SAME[0], ("x", "b", "renamed", False), *SAME[2:]]),
        (
            stages("a", {"key": "x", "replaces": ["b", "c"]}, "d"),
            [SAME[0], ("x", "bc", "merged", False), SAME[3]],
        ),
        (stages("a", {"key": "b", "replaces": ["c"]}, "d"), [SAME[0], ("b", "bc", "merged", False), SAME[3]]),
        (
            stages("a", {"key": "b", "probability": 0.5}, "c", "d"),
            [SAME[0], ("b", "b", "changed", False), *SAME[2:]],
        ),
        (stages("a", {"key": "b", "name": "Second"}, "c", "d"), SAME),
    ],
)
def test_stages_are_set_beside_those_they_continue(after: Definition, expected: list[Any]) -> None:
    assert told(after) == expected


def test_the_fewest_stages_are_said_to_have_moved() -> None:
    assert [moved for *_, moved in told(stages("d", "a", "b", "c"))] == [True, False, False, False]
    assert [stage for stage, _, _, moved in told(stages("a", "c", "b", "d")) if moved] in (["b"], ["c"])


def test_an_edit_tells_what_a_rule_said_before() -> None:
    before = stages("a", {"key": "b", "enter": {"event": "ProposalSent"}, "stall": {"idle_days": 7}})
    after = stages("a", {"key": "b", "enter": {"proposals": {"at_least": 2}}, "stall": {"idle_days": 7}, "team": "x"})
    (pair,) = (pair for pair in pairs(before, after) if pair.rank == 1)
    assert pair.edits == (
        Edit(field="team", before=None, after="x"),
        Edit(field="enter", before="event ProposalSent", after="proposals at_least 2"),
    )


def test_a_key_of_older_stages_that_a_stage_takes_over_is_an_edit_and_one_of_the_stages_before_a_merger() -> None:
    before = stages("a", {"key": "b", "replaces": ["old"]}, "c")
    after = stages("a", {"key": "b", "replaces": ["old", "older"]}, "c")
    (pair,) = (pair for pair in pairs(before, after) if pair.rank == 1)
    assert (pair.how, pair.edits) == ("changed", (Edit(field="replaces", before="old", after="(old; older)"),))
    renamed = stages("a", {"key": "x", "replaces": ["old", "b"]}, "c")
    (pair,) = (pair for pair in pairs(before, renamed) if pair.rank == 1)
    assert (pair.how, pair.edits) == ("renamed", ())
