"""An abnormal narrowing points at the stage before it; what is merely narrow, rare or final is none."""

from math import isclose, sqrt

import pytest

from engine.projections.conversion import StageConversion, stage_conversion
from engine.projections.narrowing import Narrowing, highest_likely, narrowings
from engine.stages.definition import parse_definition
from tests.projections.journeys import Funnel, funnel, journey

FIVE = parse_definition(
    {
        "pipeline": "sales",
        "stages": [
            *({"key": key, "kind": "open"} for key in ("a", "b", "c", "d", "e")),
            {"key": "won", "kind": "won"},
            {"key": "lost", "kind": "lost"},
            {"key": "care", "kind": "after_sale"},
        ],
    }
)


def step(stage: str, advanced: int, lost: int, still_there: int = 0, transferred: int = 0) -> StageConversion:
    parts = {"advanced": advanced, "lost": lost, "still_there": still_there, "transferred": transferred}
    rest = dict.fromkeys(("skipped", "moved_back", "immature"), 0)
    return stage_conversion(stage, {**parts, **rest, "entered": sum(parts.values()), "ripe": advanced})


def found(*steps: StageConversion) -> list[str]:
    return [each.stage for each in narrowings(steps, FIVE)]


def sold(passed: int, stuck: int) -> Funnel:
    """A funnel in which qualified journeys are lost before they get a proposal, but for those who buy."""
    return funnel(
        *[journey("contact", "lost")] * 10,
        *[journey("contact", "qualified", "lost")] * stuck,
        *[journey("contact", "qualified", "proposal", "won")] * passed,
        *[journey("contact", "qualified", "proposal", "lost")] * 10,
    )


@pytest.mark.checklist("S41")
def test_a_step_that_passes_on_far_fewer_than_the_others_points_at_the_stage_before() -> None:
    told = sold(passed=30, stuck=60)
    # contact 100 of 110, qualified 40 of 100, proposal 30 of 40: the others' middle is (100/110 + 30/40) / 2.
    (only,) = narrowings(told.conversion().stages, told.definition)
    assert only == Narrowing(
        stage="qualified",
        shows_at="proposal",
        left=100,
        advanced=40,
        share=0.4,
        typical=(100 / 110 + 30 / 40) / 2,
    )


def test_a_funnel_that_narrows_evenly_has_none() -> None:
    assert found(step("a", 500, 500), step("b", 250, 250), step("c", 125, 125), step("d", 63, 62)) == []


def test_two_thirds_of_the_typical_is_narrow_enough_to_ask_and_not_yet_abnormal() -> None:
    others = step("a", 900, 100), step("b", 900, 100), step("d", 900, 100)
    assert found(*others, step("c", 600, 400)) == []
    assert found(*others, step("c", 599, 401)) == ["c"]


def test_those_who_are_still_there_or_went_elsewhere_do_not_make_it_narrow() -> None:
    others = step("a", 90, 10), step("b", 90, 10)
    assert found(*others, step("c", 40, 5, still_there=500, transferred=300)) == []


def test_few_journeys_tell_nothing() -> None:
    others = step("a", 90, 10), step("b", 90, 10)
    assert found(*others, step("c", 2, 27)) == []
    assert found(*others, step("c", 2, 28)) == ["c"]


def test_a_gap_that_chance_explains_is_none() -> None:
    others = step("a", 100, 400), step("b", 100, 400)
    assert found(*others, step("c", 4, 36)) == [], "10 % of 40 may well be 20 %"
    assert found(*others, step("c", 40, 360)) == ["c"], "10 % of 400 is not"


def test_two_steps_do_not_tell_what_is_typical() -> None:
    assert found(step("a", 90, 10), step("b", 10, 80)) == []


def test_after_the_sale_nothing_narrows() -> None:
    assert found(step("a", 90, 10), step("b", 90, 10), step("c", 80, 10), step("won", 1, 0, still_there=90)) == []
    assert found(step("a", 90, 10), step("b", 90, 10), step("c", 80, 10), step("won", 1, 90)) == []


@pytest.mark.parametrize(("part", "whole"), [(0, 30), (3, 40), (20, 40), (39, 40), (700, 1000)])
def test_the_upper_end_is_where_the_share_is_just_within_95_percent(part: int, whole: int) -> None:
    """Wilson's interval is that of the shares p with |part/whole - p| <= 1.96 sqrt(p (1 - p) / whole)."""
    p = highest_likely(part, whole)
    assert p > part / whole
    assert isclose(p - part / whole, 1.959963984540054 * sqrt(p * (1 - p) / whole), rel_tol=1e-9)


@pytest.mark.checklist("S41")
def test_the_conversion_itself_names_it_of_the_whole_and_of_a_group() -> None:
    told = sold(passed=30, stuck=60).conversion(by="source")
    assert [(each.stage, each.shows_at) for each in told.narrowings] == [("qualified", "proposal")]
    (group,) = told.groups or ()
    assert group.narrowings == told.narrowings
