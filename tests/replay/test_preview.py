"""A preview: each side tells what the answers tell, and every journey's fate is the one that folding it alone gives."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings

from engine.projections.board import board
from engine.projections.conversion import conversion
from engine.projections.cycle_time import cycle_time
from engine.projections.filters import EVERYTHING, Filters
from engine.projections.look import Look
from engine.projections.stalled import stalled
from engine.projections.win_rate import win_rate
from engine.stages.definition import Definition, parse_definition
from engine.stages.facts import Fact, life
from engine.stages.fold import fold
from replay.preview import Preview, preview
from replay.stage_figures import side
from tests.projections.journeys import SALES, funnel, journey, look, person
from tests.properties.random_logs import definitions, facts

AS_OF = 1_000


def beside(before: Look, after: Look, filters: Filters = EVERYTHING, **options: Any) -> Preview:
    return preview(side(before, filters), side(after, filters), **options)


@settings(max_examples=30, deadline=None)
@given(facts(), definitions(), definitions())
def test_every_journey_s_fate_is_what_folding_it_by_both_definitions_gives(
    journeys: list[list[Fact]], old: Definition, new: Definition
) -> None:
    told = dict(enumerate(journeys))
    found = beside(look(told, old, as_of=AS_OF), look(told, new, as_of=AS_OF))
    fates = [(fold(life(each), old).stage, fold(life(each), new).stage) for each in journeys]
    here = [(was, now) for was, now in fates if was is not None and now is not None]
    assert len(here) == len([1 for fate in fates if fate != (None, None)]) == found.n
    continues = {stage.key: stage.key for stage in new.stages}
    continues |= {was: stage.key for stage in new.stages for was in stage.replaces} | {"unmapped": "unmapped"}
    elsewhere = Counter((was, now) for was, now in here if continues.get(was) != now)
    assert found.moves.n == elsewhere.total()
    assert {(move.from_stage, move.to): move.n for move in found.moves.stages} == elsewhere
    assert sum(owner.n for owner in found.moves.owners) == elsewhere.total()
    assert Counter((each.from_stage, each.to) for each in found.moves.journeys) == elsewhere
    assert found.unmapped.n == sum(now == "unmapped" for _, now in here)
    assert found.unmapped.newly == sum(now == "unmapped" != was for was, now in here)
    # A key that stands for a visit that is over, or for journeys in another pipeline by now, stands for none.
    assert sum(key.standing for key in found.unmapped.keys) == found.unmapped.n


@settings(max_examples=20, deadline=None)
@given(facts(), definitions())
def test_each_side_tells_what_the_answers_tell(journeys: list[list[Fact]], definition: Definition) -> None:
    seen = look(dict(enumerate(journeys)), definition, as_of=AS_OF)
    told = beside(seen, seen)
    funnel_stages = {each.stage: each for each in conversion(seen).stages}
    times = {each.stage: each.p50_seconds for each in cycle_time(seen).stages}
    for row, standing in zip(told.stages, board(seen).stages, strict=True):
        assert row.stage == standing.stage
        assert row.before == row.after is not None
        assert (row.after.count, row.after.value, row.after.stalled) == (
            standing.count,
            standing.value,
            standing.stalled,
        )
        step = funnel_stages.get(standing.stage)
        assert (row.after.entered, row.after.advanced, row.after.conversion) == (
            (None, None, None) if step is None else (step.entered, step.advanced, step.conversion)
        )
        assert row.after.time_p50_seconds == times[standing.stage]
    rates, whole = win_rate(seen), conversion(seen).overall
    for name in ("won", "lost", "disqualified", "open", "qualified", "win_rate", "won_value"):
        assert getattr(told.after, name) == getattr(rates, name)
    assert (told.after.entered, told.after.conversion) == (whole.entered, whole.conversion)
    assert told.after.cycle_p50_seconds == cycle_time(seen).won.p50_seconds
    assert told.moves.n == told.stalls.newly == told.stalls.no_longer == told.unmapped.newly == 0


PLAIN = [stage.model_dump(mode="json", exclude_none=True) for stage in SALES.stages]


def sales(*stages: dict[str, Any]) -> Definition:
    return parse_definition({"pipeline": "sales", "stages": list(stages)})


SLOWER = sales({**PLAIN[0], "stall": {"idle_days": 60}}, {**PLAIN[1], "stall": {"stage_days": 20}}, *PLAIN[2:])
TEAM = (
    journey("contact@0", owner=person(1)),
    journey("contact@20", owner=person(2)),
    journey("contact@0", "qualified@25", owner=person(1)),
    journey("contact@0", "qualified@45", owner=person(2)),
    journey("contact@0", "qualified@1", owner=person(2)),
)


def test_what_would_newly_stall_and_what_no_longer() -> None:
    """At day 50: idle 10 days becomes 60, in the stage for 30 days becomes 20."""
    before, after = (funnel(*TEAM, as_of=50, definition=each).look for each in (SALES, SLOWER))
    told = beside(before, after).stalls
    assert [each.key for each in told.newly_journeys] == ["2"]
    assert [each.key for each in told.no_longer_journeys] == ["0", "1"]
    assert (told.newly, told.no_longer) == (1, 2)
    assert stalled(after).count - stalled(before).count == told.newly - told.no_longer


def test_filters_narrow_everything_but_the_remarks() -> None:
    rep = Filters(owner="rep-2")
    without = sales(PLAIN[0], *PLAIN[2:])
    before, after = (funnel(*TEAM, as_of=50, definition=each).look for each in (SALES, without))
    told = beside(before, after, rep)
    assert (told.n, told.moves.n) == (3, 2)
    assert [(owner.key, owner.n) for owner in told.moves.owners] == [("rep-2", 2)]
    assert told.remarks == beside(before, after).remarks


@pytest.mark.parametrize("listed", [0, 1, 100])
def test_lists_are_cut_and_their_totals_are_not(listed: int) -> None:
    bare = sales({"key": "contact", "kind": "open"})
    before, after = (funnel(*TEAM, as_of=50, definition=each).look for each in (SALES, bare))
    told = beside(before, after, listed=listed)
    assert told.moves.n == 3
    assert [each.key for each in told.moves.journeys] == ["2", "3", "4"][:listed]


def test_several_stages_that_become_one_are_summed_where_they_can_be() -> None:
    merged = sales({"key": "lead", "kind": "open", "replaces": ["contact", "qualified"]}, *PLAIN[2:])
    before, after = (funnel(*TEAM, as_of=50, definition=each).look for each in (SALES, merged))
    row = beside(before, after).stages[0]
    assert (row.stage, row.was, row.how) == ("lead", ("contact", "qualified"), "merged")
    assert row.before is not None
    assert row.after is not None
    assert row.difference is not None
    assert (row.before.count, row.before.value[0].amount, row.before.entered) == (5, "500.00", None)
    assert (row.difference.count, row.difference.value[0].amount, row.difference.entered) == (0, "0.00", None)
    assert [part.figures.count for part in row.parts] == [2, 3]


def test_a_remark_says_whether_the_stages_before_deserve_it_too() -> None:
    """The stage nobody enters was there before, under another name; the second one is the draft's own."""
    idle = {"kind": "open", "enter": {"signal": ["never said"]}}
    before = sales(PLAIN[0], {"key": "idle", **idle}, *PLAIN[1:])
    after = sales(PLAIN[0], {"key": "resting", "replaces": ["idle"], **idle}, {"key": "waiting", **idle}, *PLAIN[1:])
    old, new = (funnel(*TEAM, as_of=50, definition=each).look for each in (before, after))
    told = {each.stage: each.new for each in beside(old, new).remarks if each.stage in ("resting", "waiting")}
    assert told == {"resting": False, "waiting": True}
    assert not any(each.new for each in beside(new, new).remarks)


def test_an_unmapped_key_is_new_where_the_stages_before_knew_it() -> None:
    known = sales(*PLAIN)
    people_move = (journey("contact@0", "<qualified@3"), journey("contact@0", "<parked@3"))
    without = sales(PLAIN[0], *PLAIN[2:])
    old, new = (funnel(*people_move, as_of=50, definition=each).look for each in (known, without))
    told = {each.key: each.new for each in beside(old, new).remarks if each.kind == "unmapped_keys"}
    assert told == {"qualified": True, "parked": False}


def test_first_stages_are_set_beside_nothing() -> None:
    new = side(funnel(*TEAM, as_of=50, definition=SALES).look, EVERYTHING)
    told = preview(None, new)
    assert (told.against, told.before, told.difference, told.moves.n) == (None, None, None, 0)
    assert {(row.how, row.before) for row in told.stages} == {("added", None)}
    assert told.after == new.whole
    assert told.stalls.newly == stalled(new.look).count
    assert {each.from_stage for each in told.stalls.newly_journeys} == {None}
    assert all(each.new for each in told.remarks)
